"""What code puts the predictions of a line into: rows of a table, a list, a sum."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FrameType
from typing import Any, Literal

import msgspec

from nbmlops.tracking.code.frames import root_name
from nbmlops.tracking.code.makers import COLLECTING, Scope, assignments, parts_filled, scope_of

__all__ = ["Makers", "Target", "column_at", "column_read", "is_table", "lookup", "targets_of"]


class Target(msgspec.Struct, frozen=True):
    """A name that predictions are put into, how, and the column of a table that they go to."""

    name: str
    how: Literal["rows", "list", "sum"]
    column: ast.expr | None = None


def targets_of(frame: FrameType) -> Iterator[Target]:
    """What is filled with what is worked out at a frame's line."""
    scope = scope_of(frame)
    if scope is None:
        return
    made = assignments(scope)
    for target, value in parts_filled(scope):
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        place, column = parts[0], parts[-1] if len(parts) > 1 else None
        all_rows = isinstance(place, ast.Slice) and place.lower is None and place.upper is None
        name = root_name(target)
        if name is not None and not all_rows and frame.f_lineno in _lines_of(value, made):
            yield Target(name, "rows", column)
    for name, how, value in _gathered(scope):
        if frame.f_lineno in _lines_of(value, made):
            yield Target(name, how)


def _gathered(scope: Scope) -> Iterator[tuple[str, Literal["list", "sum"], ast.expr]]:
    """What a scope adds to lists, and adds up under a name."""
    for node in ast.walk(scope):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, "sum", node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.attr in COLLECTING
            and node.args
        ):
            yield node.func.value.id, "list", node.args[0]


class Makers:
    """What a frame's code has made its names from; read once, when it is first asked for."""

    def __init__(self, frame: FrameType) -> None:
        self._frame = frame
        self._made: dict[str, list[tuple[int, ast.expr]]] | None = None

    def last(self, name: str) -> ast.expr | None:
        """What `name` was made from last; None where this code did not make it."""
        if self._made is None:
            scope = scope_of(self._frame)
            self._made = assignments(scope) if scope is not None else {}
        before = [maker for line, maker in self._made.get(name, ()) if line <= self._frame.f_lineno]
        return before[-1] if before else None


def lookup(name: str, frame: FrameType) -> Any:
    return frame.f_locals.get(name, frame.f_globals.get(name))


def is_table(value: Any) -> bool:
    return hasattr(type(value), "columns")


def column_read(node: ast.AST) -> ast.expr | None:
    """The column that is read: ``table["p"]``, ``table.p``, ``table.loc[rows, "p"]``."""
    if isinstance(node, ast.Attribute):
        return ast.Constant(node.attr)
    if not isinstance(node, ast.Subscript):
        return None
    return node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice


def column_at(node: ast.expr | None, table: Any, frame: FrameType) -> str | None:
    """The column that an expression names, or counts, now."""
    value = lookup(node.id, frame) if isinstance(node, ast.Name) else None
    value = node.value if isinstance(node, ast.Constant) else value
    if type(value) is int:
        labels = list(table.columns)
        value = labels[value] if -len(labels) <= value < len(labels) else None
    return value if isinstance(value, str) else None


def _lines_of(value: ast.expr, made: dict[str, list[tuple[int, ast.expr]]]) -> set[int]:
    """The lines of the calls that a value comes from, also by the names that it is made of."""
    lines: set[int] = set()
    seen: set[str] = set()
    waiting = [value]
    while waiting:
        for part in ast.walk(waiting.pop()):
            if isinstance(part, ast.Call):
                lines.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
            elif isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                waiting += [maker for _, maker in made.get(part.id, [])]
    return lines
