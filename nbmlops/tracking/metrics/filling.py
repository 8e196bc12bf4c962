"""What code puts the predictions of a line into: rows of a table, a list, a sum."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FrameType
from typing import Any, Literal

import msgspec

from nbmlops.tracking.code.makers import COLLECTING, Scope, assignments, parts_filled
from nbmlops.tracking.code.own import is_own

__all__ = [
    "Filling",
    "Site",
    "Target",
    "column_at",
    "column_read",
    "held",
    "is_table",
    "lookup",
    "placed",
    "returns",
    "targets_of",
]

_PLACING = ("loc", "iloc", "at", "iat")
Filling = Literal["rows", "list", "sum"]


class Target(msgspec.Struct, frozen=True):
    """What predictions are put into, how, and the column of a table that they go to.

    A sum that is `rebound` is another object after each that was added: ``total = total + p``.
    """

    holder: ast.expr
    how: Filling
    column: ast.expr | None = None
    rebound: bool = False


class Site:
    """A place in the code: what names are bound to there, and what they were made from."""

    def __init__(
        self, scope: Scope | None, line: int, spaces: tuple[dict[str, Any], ...], place: str
    ) -> None:
        self.place = place
        self._scope, self._line, self._spaces = scope, line, spaces
        self._made: dict[str, list[tuple[int, ast.expr]]] | None = None

    @classmethod
    def of(cls, frame: FrameType, scope: Scope | None) -> Site:
        """Where a frame is now, in the scope that it runs."""
        code = frame.f_code
        spaces = (frame.f_locals, frame.f_globals)
        return cls(scope, frame.f_lineno, spaces, f"{code.co_filename}:{code.co_qualname}")

    def value(self, name: str) -> Any:
        return next((space[name] for space in self._spaces if name in space), None)

    def made(self) -> dict[str, list[tuple[int, ast.expr]]]:
        """What the code around makes its names from; read once, when it is first asked for."""
        if self._made is None:
            self._made = assignments(self._scope) if self._scope is not None else {}
        return self._made

    def last(self, name: str) -> ast.expr | None:
        """What `name` was made from last; None where this code did not make it."""
        before = [maker for line, maker in self.made().get(name, ()) if line <= self._line]
        return before[-1] if before else None


def targets_of(scope: Scope, line: int) -> Iterator[Target]:
    """What is filled with what is worked out at a line of `scope`."""
    made = assignments(scope)
    for target, value in parts_filled(scope):
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        place, column = parts[0], parts[-1] if len(parts) > 1 else None
        all_rows = isinstance(place, ast.Slice) and place.lower is None and place.upper is None
        if not all_rows and line in _lines_of(value, made):
            yield Target(placed(target), "rows", column)
    for target_, value in _gathered(scope):
        if line in _lines_of(value, made):
            yield target_


def returns(scope: Scope, line: int) -> bool:
    """Whether a function gives back what is worked out at a line of it."""
    if isinstance(scope, ast.Module):
        return False
    made = assignments(scope)
    answers = (n.value for n in ast.walk(scope) if isinstance(n, ast.Return) and n.value)
    return any(line in _lines_of(value, made) for value in answers)


def _gathered(scope: Scope) -> Iterator[tuple[Target, ast.expr]]:
    """What a scope adds to lists, and adds up under a name."""
    for node in ast.walk(scope):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name | ast.Attribute):
            yield Target(node.target, "sum"), node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if _adds_to(node.targets[0].id, node.value):
                yield Target(node.targets[0], "sum", rebound=True), node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in COLLECTING
            and node.args
        ):
            yield Target(node.func.value, "list"), node.args[0]


def _adds_to(name: str, value: ast.expr) -> bool:
    """Whether a value is what `name` held, and something added."""
    return any(
        isinstance(side, ast.Name) and side.id == name
        for part in ast.walk(value)
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add)
        for side in (part.left, part.right)
    )


def lookup(name: str, frame: FrameType) -> Any:
    return frame.f_locals.get(name, frame.f_globals.get(name))


def held(node: ast.expr, site: Site) -> Any:
    """What a name, an entry of a dict or list or an attribute of the user's own object holds."""
    if isinstance(node, ast.Name):
        return site.value(node.id)
    if not isinstance(node, ast.Subscript | ast.Attribute):
        return None
    owner = held(node.value, site)
    try:
        if isinstance(node, ast.Attribute):
            return vars(owner).get(node.attr) if is_own(type(owner)) else None
        if type(owner) not in (dict, list, tuple):
            return None
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        key = site.value(node.slice.id) if isinstance(node.slice, ast.Name) else key
        return owner[key] if type(key) in (int, str) else None
    except Exception:  # noqa: BLE001 - a user's own object may raise anything; it then holds nothing
        return None


def placed(node: ast.Subscript | ast.Attribute) -> ast.expr:
    """What it is that has rows: ``oof`` of ``oof[rows]`` and of ``oof.loc[rows]``."""
    holder = node.value
    if isinstance(holder, ast.Attribute) and holder.attr in _PLACING:
        return holder.value
    return holder


def is_table(value: Any) -> bool:
    return hasattr(type(value), "columns")


def column_read(node: ast.AST) -> ast.expr | None:
    """The column that is read: ``table["p"]``, ``table.p``, ``table.loc[rows, "p"]``."""
    if isinstance(node, ast.Attribute):
        return ast.Constant(node.attr)
    if not isinstance(node, ast.Subscript):
        return None
    return node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice


def column_at(node: ast.expr | None, table: Any, site: Site) -> str | None:
    """The column that an expression names, or counts, now."""
    value = site.value(node.id) if isinstance(node, ast.Name) else None
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
