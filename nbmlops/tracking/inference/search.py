"""All rules, on one body of code: which hand-written trainings are in it?"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from nbmlops.tracking.inference.alternation import find_alternation
from nbmlops.tracking.inference.closed_forms import find_closed_forms
from nbmlops.tracking.inference.descent import find_descent
from nbmlops.tracking.inference.drawing import moves_by_chance
from nbmlops.tracking.inference.expressions import terminal
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.loops import Loop, loops_in, names_in, read_loop
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.tables import find_table
from nbmlops.tracking.inference.world import World

__all__ = ["find_trainings", "may_train", "names_worked_out"]

_LOOP = re.compile(r"^\s*(?:async\s+for|for|while)\b|[:;]\s*(?:for|while)\b", re.MULTILINE)
_SOLVES = ("inv(", "solve(", "solve_triangular(", "svd(", "qr(")
_SOLVING = {"inv", "pinv", "solve"}
_LIBRARY = {"fit", "partial_fit", "fit_transform", "fit_predict", "fit_generator", "train_on_batch"}
_OPTIMIZER = re.compile(r"opt|sched|scaler", re.IGNORECASE)


def may_train(source: str) -> bool:
    """Whether code could hold a hand-written training at all: cheap, before it is parsed."""
    if _LOOP.search(source) or any(sign in source for sign in _SOLVES):
        return True
    # A line through points needs them all: its slope is a quotient, its intercept a difference.
    return "mean(" in source and all(sign in source for sign in "*-/")


def find_trainings(
    body: Sequence[ast.stmt], world: World, around: Scope | None = None
) -> list[Finding]:
    """The trainings in `body`, in order. `around` is the function that it is the body of."""
    found = _in_loops(body, world, around)
    taken = {name for finding in found for name in finding.parameters}
    found += [f for f in find_closed_forms(body) if not taken & set(f.parameters)]
    return found


def _in_loops(body: Sequence[ast.stmt], world: World, around: Scope | None) -> list[Finding]:
    return [f for loop in loops_in(body) for f in _in_loop(loop, world, around)]


def _in_loop(loop: Loop, world: World, around: Scope | None) -> list[Finding]:
    if _is_library(loop):
        return []
    reading = read_loop(loop, world, around)
    if moves_by_chance(reading, world):
        return []
    found = find_descent(reading) or find_alternation(reading) or find_table(loop)
    return [found] if found is not None else _in_loops(loop.body, world, around)


def _is_library(loop: Loop) -> bool:
    """Whether a library's estimator or optimizer trains in it: its instrument sees that."""
    for node in ast.walk(loop):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        word = node.func.attr
        if word in _LIBRARY:
            return True
        if word == "step" and _OPTIMIZER.search(ast.unparse(node.func.value)):
            return True
    return False


def names_worked_out(tree: ast.AST) -> set[str]:
    """Names that code moves in a loop or solves for: models, perhaps, that are not known yet."""
    found: set[str] = set()
    for loop in (n for n in ast.walk(tree) if isinstance(n, Loop)):
        for node in ast.walk(loop):
            if isinstance(node, ast.AugAssign):
                found |= names_in(node.target)
            elif isinstance(node, ast.Assign):
                targets = frozenset[str]().union(*(names_in(target) for target in node.targets))
                found |= targets & names_in(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(part, ast.Call) and terminal(part.func) in _SOLVING
            for part in ast.walk(node.value)
        ):
            found |= frozenset[str]().union(*(names_in(target) for target in node.targets))
    return found
