"""Reads decision stumps: what goes through columns and thresholds, and what counts mistakes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nbmlops.tracking.code.names import names_among, terminal
from nbmlops.tracking.inference.assignments import assigned_in, expanded, names_in, pairs_in
from nbmlops.tracking.inference.blocks import Loop
from nbmlops.tracking.inference.tries import ORDERED, Kept
from nbmlops.tracking.inference.world import World

__all__ = ["columns_and_thresholds", "is_an_error"]

_ERRORS = {"abs", "fabs", "absolute", "square", "power", "pow"}


def columns_and_thresholds(loop: Loop, world: World) -> frozenset[str]:
    """What nested loops go through, where one picks a column and another is held against it."""
    inner = [n for n in ast.walk(loop) if isinstance(n, ast.For)]
    through = frozenset[str]().union(*(names_in(n.target) for n in inner))
    if len(inner) < 2:
        return frozenset()
    made = assigned_in(loop)
    if _is_held_against_a_column(loop, made, through):
        held = {name for name, values in made.items() if _is_between(values, through)}
        return through | held
    for call in (n for n in ast.walk(loop) if isinstance(n, ast.Call)):
        # A function of the user's that is handed the column and the threshold.
        function = world.function(call.func.id) if isinstance(call.func, ast.Name) else None
        given = frozenset[str]().union(*(names_in(argument) for argument in call.args))
        if isinstance(function, ast.FunctionDef) and len(given & through) > 1:
            spelled = frozenset(a.arg for a in function.args.args)
            if _is_held_against_a_column(function, assigned_in(function), spelled):
                return through
    return frozenset()


def _is_held_against_a_column(
    code: ast.AST, made: dict[str, list[ast.expr]], through: frozenset[str]
) -> bool:
    """``X[:, j] < t``, where `through` holds both `j` and `t`."""
    for node in ast.walk(code):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ORDERED):
            continue
        for one, other in (
            (node.left, node.comparators[0]), (node.comparators[0], node.left),
        ):  # fmt: skip
            column = {
                name
                for part in expanded(one, made)
                if isinstance(part, ast.Subscript)
                for name in names_in(part.slice) & through
            }
            held = names_among(expanded(other, made)) & through
            if column and held - column:
                return True
    return False


def _is_between(values: list[ast.expr], held: frozenset[str]) -> bool:
    """``threshold = (a + b) / 2``, or the least value and a number of steps."""
    return any(isinstance(value, ast.BinOp) and names_in(value) & held for value in values)


def is_an_error(kept: Kept, loop: Loop, world: World) -> bool:
    """Whether what is least counts mistakes or squares differences; impurities only split."""
    made = assigned_in(loop, parts=True)
    for rows, name in _rows_set(loop):  # the rows that are set say what of it is wrong
        made[name].append(rows)
    for node in expanded(kept.node, made, world):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            return True
        squared = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
        sized = squared or (isinstance(node, ast.Call) and terminal(node.func) in _ERRORS)
        if sized and any(_is_difference(part) for part in ast.walk(node)):
            return True
    return False


def _is_difference(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)


def _rows_set(loop: Loop) -> Iterator[tuple[ast.expr, str]]:
    for node in ast.walk(loop):
        for target, _ in pairs_in(node) if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                yield target.slice, target.value.id
