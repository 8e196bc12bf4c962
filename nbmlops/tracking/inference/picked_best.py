"""Rule: the best of candidates drawn by chance, picked at once: ``min(candidates, key=loss)``.

So is ``candidates[np.argmin(losses)]``, where the losses are a comprehension over the candidates.

It is read as the loop that it stands for, under the same conditions: what is picked must be applied
to data, and what comes of that be held against other data.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

import msgspec

from nbmlops.tracking.code.names import terminal
from nbmlops.tracking.inference.assignments import made_in
from nbmlops.tracking.inference.blocks import statements_in
from nbmlops.tracking.inference.drawing import is_by_chance
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.kept_best import find_kept_best
from nbmlops.tracking.inference.loops import read_loop
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.world import World

__all__ = ["find_picked_best"]

_TRIED, _ERROR, _LEAST = "_tried_", "_error_", "_least_"


def find_picked_best(body: Sequence[ast.stmt], world: World, around: Scope | None) -> list[Finding]:
    """The best candidates that `body` picks, each as its statement."""
    made = made_in(ast.Module(body=list(body), type_ignores=[]))
    found: list[Finding] = []
    for node in statements_in(body):
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        loop = _as_loop(node.targets[0].id, node.value, made)
        if loop is None:
            continue
        finding = find_kept_best(read_loop(loop, world, around), world, around)
        if finding is not None:
            found.append(msgspec.structs.replace(finding, node=node))
    return found


def _as_loop(name: str, value: ast.expr, made: dict[str, list[ast.expr]]) -> ast.For | None:
    """``each = draw()``, then ``if loss(each) < least: least, best = loss(each), each``."""
    if (asked := _by_place(value, made)) is not None:
        value = asked
    if not (isinstance(value, ast.Call) and terminal(value.func) in {"min", "max"} and value.args):
        return None
    judge = next((word.value for word in value.keywords if word.arg == "key"), None)
    over = value.args[0]
    candidates = made.get(over.id, []) if isinstance(over, ast.Name) else [over]
    drawn = next((made_so for made_so in candidates if is_by_chance(made_so)), None)
    if drawn is None or isinstance(drawn, ast.Starred):
        return None
    if isinstance(judge, ast.Lambda) and len(judge.args.args) == 1:
        error = _Renamed(judge.args.args[0].arg).visit(copy.deepcopy(judge.body))
    elif isinstance(judge, ast.Name):
        error = ast.Call(func=judge, args=[_name(_TRIED)], keywords=[])
    else:
        return None
    each = drawn.elt if isinstance(drawn, ast.ListComp | ast.GeneratorExp) else drawn
    (loop,) = ast.parse(
        f"for _ in ():\n    {_TRIED} = {ast.unparse(each)}\n    {_ERROR} = {ast.unparse(error)}\n"
        f"    if {_ERROR} < {_LEAST}:\n        {_LEAST}, {name} = {_ERROR}, {_TRIED}"
    ).body
    return loop if isinstance(loop, ast.For) else None


def _by_place(value: ast.expr, made: dict[str, list[ast.expr]]) -> ast.expr | None:
    """``candidates[np.argmin(losses)]`` as ``min(candidates, key=lambda c: loss(c))``."""
    if not (isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Call)):
        return None
    place = value.slice
    word = terminal(place.func)
    if word not in {"argmin", "argmax"} or not place.args:
        return None
    measured = place.args[0]
    told = made.get(measured.id, []) if isinstance(measured, ast.Name) else [measured]
    for errors in told:
        if not isinstance(errors, ast.ListComp) or len(errors.generators) != 1:
            continue
        over = errors.generators[0]
        if isinstance(over.target, ast.Name) and ast.unparse(over.iter) == ast.unparse(value.value):
            text = f"{word[3:]}({ast.unparse(over.iter)}, key=lambda {over.target.id}: 0)"
            asked = ast.parse(text, mode="eval").body
            if isinstance(asked, ast.Call) and isinstance(asked.keywords[0].value, ast.Lambda):
                asked.keywords[0].value.body = errors.elt
                return asked
    return None


class _Renamed(ast.NodeTransformer):
    """Puts the candidate in place of what a lambda calls it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _name(_TRIED) if node.id == self._name else node


def _name(name: str) -> ast.Name:
    return ast.Name(id=name, ctx=ast.Load())
