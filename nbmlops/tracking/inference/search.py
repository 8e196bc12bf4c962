"""All rules, on one body of code: which hand-written trainings are in it?"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import msgspec

from nbmlops.tracking.code.names import called_among
from nbmlops.tracking.inference.alternation import find_alternation, replaces
from nbmlops.tracking.inference.arguments import arguments_of, is_setting
from nbmlops.tracking.inference.assignments import names_in
from nbmlops.tracking.inference.blocks import Loop, loops_in
from nbmlops.tracking.inference.boosting import find_boosting
from nbmlops.tracking.inference.chains import find_chains
from nbmlops.tracking.inference.class_models import find_class_models
from nbmlops.tracking.inference.closed_forms import find_closed_forms
from nbmlops.tracking.inference.closures import says_that_it_trains
from nbmlops.tracking.inference.descent import find_descent
from nbmlops.tracking.inference.drawing import moves_by_chance
from nbmlops.tracking.inference.evolution import find_evolution
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.hopfield import find_hopfield
from nbmlops.tracking.inference.kept_best import SEARCHES, best_of, find_kept_best
from nbmlops.tracking.inference.loops import read_loop
from nbmlops.tracking.inference.picked_best import find_picked_best
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.statements import StatementReader
from nbmlops.tracking.inference.tables import find_table
from nbmlops.tracking.inference.trees import may_grow
from nbmlops.tracking.inference.values import FREE, Value
from nbmlops.tracking.inference.world import Function, InnerWorld, Kind, World

__all__ = ["find_in_function", "find_trainings", "may_train", "names_worked_out"]

_LOOP = re.compile(r"^\s*(?:async\s+for|for|while)\b|[:;]\s*(?:for|while)\b", re.MULTILINE)
_DEFINED = re.compile(r"^\s*def (\w+)", re.MULTILINE)
_SOLVES = (
    "inv(",
    "inverse(",
    "solve(",
    "solve_triangular(",
    "svd(",
    "qr(",
    "outer(",
    "fill_diagonal(",
)
_DEEPEST = 3  # functions that are called by one another
_SOLVING = {"inv", "pinv", "solve"}
_LIBRARY = {"fit", "partial_fit", "fit_transform", "fit_predict", "fit_generator", "train_on_batch"}
_OPTIMIZER = re.compile(r"opt|sched|scaler", re.IGNORECASE)


def may_train(source: str) -> bool:
    """Whether code could hold a hand-written training at all: cheap, before it is parsed."""
    if _LOOP.search(source) or any(sign in source for sign in _SOLVES):
        return True
    defined = _DEFINED.findall(source)
    if any(map(says_that_it_trains, defined)) or (defined and may_grow(source)):
        return True
    if "key=" in source and ("min(" in source or "max(" in source):
        return True  # the best of candidates, picked at once
    if "argmin(" in source or "argmax(" in source:
        return True  # or by the place of its loss
    # A line through points needs them all: its slope is a quotient, its intercept a difference.
    # So does a class, which is told by the mean of its rows that is nearest.
    return "mean(" in source and (all(sign in source for sign in "*-/") or "argm" in source)


def find_trainings(
    body: Sequence[ast.stmt], world: World, around: Scope | None = None
) -> list[Finding]:
    """The trainings in `body`, in order. `around` is the function that it is the body of."""
    found = _in_loops(body, world, around)
    taken = {name for finding in found for name in finding.parameters}
    for rule in (find_closed_forms, find_class_models, find_chains, find_hopfield):
        found += [f for f in rule(body) if not taken & set(f.parameters)]
    # After a training its best is picked, which is a part of it.
    return found or find_picked_best(body, world, around)


def find_in_function(
    function: Function, world: World, taken: Sequence[tuple[str, ast.expr | None]]
) -> list[Finding]:
    """The trainings in the body of `function`, which takes arguments with those defaults."""
    if isinstance(function, ast.Lambda):
        return []
    reader = StatementReader(world, frozenset())
    for name, default in taken:
        given = FREE if is_setting(name, default) else Value(data=frozenset({name}))
        reader.root.values[name] = given
    body = function.body
    first = next((n for n, s in enumerate(body) if _has_loop(s)), len(body))
    reader.run_body(body[:first])
    return find_trainings(body, world, reader.root)


def _has_loop(statement: ast.stmt) -> bool:
    return any(isinstance(n, Loop) for n in ast.walk(statement))


def _in_loops(body: Sequence[ast.stmt], world: World, around: Scope | None) -> list[Finding]:
    return [f for loop in loops_in(body) for f in _in_loop(loop, world, around, body)]


def _in_loop(
    loop: Loop, world: World, around: Scope | None, body: Sequence[ast.stmt]
) -> list[Finding]:
    if _is_library(loop, world):
        return []
    reading = read_loop(loop, world, around)
    if moves_by_chance(reading, world):
        return []
    found = (
        find_boosting(reading, body)
        or find_descent(reading)
        or find_evolution(reading, world, around)
        or find_alternation(reading)
        or find_table(loop, world)
    )
    if found is not None and all(replaces(name, reading) for name in found.parameters):
        means = find_alternation(reading)
        if means is not None and means.method == "k-means":
            return [means]  # where a cluster is empty its centre stays, which looks like a step
    if found is not None and found.method == "simulated annealing":
        best = best_of(reading, world, around)
        return [msgspec.structs.replace(found, parameters=best or found.parameters)]
    if found is not None:
        return [found]
    inner = _in_loops(loop.body, world, around)
    if all(each.method in SEARCHES for each in inner) and not _tunes(loop, world):
        found = find_kept_best(reading, world, around)
    return [found] if found is not None else inner


def _tunes(loop: Loop, world: World) -> bool:
    """Whether a function of the user's that trains is called in it: each call is a training."""
    called = {
        node.func.id
        for node in ast.walk(loop)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    if find_closed_forms(loop.body):
        return True
    return any(
        find_in_function(function, _Inside(world, name), arguments_of(function))
        for name in sorted(called)
        if (function := world.function(name)) is not None
    )


class _Inside(InnerWorld):
    """The names in a function that is called: those who call themselves are looked into once."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world)
        self._name = name
        self._depth: int = getattr(world, "_depth", 0) + 1

    def function(self, name: str) -> Function | None:
        hidden = name == self._name or self._depth > _DEEPEST
        return None if hidden else super().function(name)


def _is_library(loop: Loop, world: World) -> bool:
    """Whether a library's estimator or optimizer trains in it: its instrument sees that."""
    for node in ast.walk(loop):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        word = node.func.attr
        if word in _LIBRARY:
            return True
        of = ast.unparse(node.func.value)
        if word == "step" and _OPTIMIZER.search(of) and world.kind(of) is not Kind.OBJECT:
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
        if isinstance(node, ast.Assign) and called_among(ast.walk(node.value)) & _SOLVING:
            found |= frozenset[str]().union(*(names_in(target) for target in node.targets))
    return found
