"""Arrays that several models fill with predictions row by row: out-of-fold predictions.

After ``oof[rows] = model.predict(X[rows])`` in a loop each row is one fold's, so that what is
measured on the whole is about all of the folds alike.
"""

from __future__ import annotations

import ast
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any

import msgspec

from nbmlops.tracking.code.frames import root_name
from nbmlops.tracking.code.makers import assignments, parts_filled, scope_of

__all__ = ["Folds"]

Place = tuple[str, str, int]  # file, function and line
Key = tuple[int, Any]  # what is filled, by identity, and which of a table's columns


class _Filling(msgspec.Struct):
    """What models fill: the runs of those that have filled it whole, and of this cell's so far."""

    reference: Any
    cell: int
    runs: tuple[str, ...] = ()
    now: list[str] = msgspec.field(default_factory=list)


class Folds:
    """Remembers, without keeping any alive, which arrays the models of several runs have filled."""

    def __init__(self) -> None:
        self._cell = 0
        self._targets: dict[Place, list[_Target]] = {}
        self._filled: dict[Key, _Filling] = {}

    def new_cell(self) -> None:
        """Forget where was predicted; a loop does not go on in another cell."""
        self._cell += 1
        self._targets.clear()

    def predicted(self, run_id: str, frame: FrameType) -> None:
        """The model of run `run_id` predicts where `frame` is now."""
        code = frame.f_code
        place = (code.co_filename, code.co_qualname, frame.f_lineno)
        if place not in self._targets:
            self._targets[place] = list(_filled_from(frame))
        for name, column in self._targets[place]:
            holder = _lookup(name, frame)
            part = _column_of(column, holder, frame) if _is_table(holder) else None
            if part is None and _is_table(holder):
                continue  # another column of the table may be anybody's
            self._fill((id(holder), part), holder, run_id)

    def behind(self, node: ast.expr, frame: FrameType) -> tuple[ast.Name, tuple[str, ...]] | None:
        """What is filled under an expression of `frame`, and the runs that filled it."""
        for part in ast.walk(node) if self._filled else ():
            held = part.value if isinstance(part, ast.Subscript | ast.Attribute) else part
            if isinstance(held, ast.Attribute) and held.attr in _PLACING:
                held = held.value
            if not isinstance(held, ast.Name):
                continue
            holder = _lookup(held.id, frame)
            if not _is_table(holder):
                runs = self._runs_of(holder)
            else:
                column = _column_of(_column_read(part), holder, frame)
                runs = self._runs_at(holder, column) if column is not None else ()
            if runs:
                return held, runs
        return None

    def _runs_of(self, array: Any) -> tuple[str, ...]:
        while array is not None:
            if runs := self._runs_at(array, None):
                return runs
            array = getattr(array, "base", None) if type(array).__module__ == "numpy" else None
        return ()

    def _runs_at(self, holder: Any, column: Any) -> tuple[str, ...]:
        found = self._filled.get((id(holder), column))
        return found.runs if found is not None and found.reference() is holder else ()

    def _fill(self, key: Key, holder: Any, run_id: str) -> None:
        filled = self._filled
        known = filled.get(key)
        if known is None or known.reference() is not holder:
            try:
                reference = weakref.ref(holder, lambda _gone: filled.pop(key, None))
            except TypeError:
                return
            known = filled[key] = _Filling(reference, self._cell)
        if known.cell != self._cell:
            known.cell, known.now = self._cell, []
        if run_id not in known.now:
            known.now.append(run_id)
        if len(known.now) > 1:
            known.runs = tuple(known.now)


_Target = tuple[str, "ast.expr | None"]  # a name, and the column of a table that it is bound to
_PLACING = ("loc", "iloc", "at", "iat")


def _lookup(name: str, frame: FrameType) -> Any:
    return frame.f_locals.get(name, frame.f_globals.get(name))


def _is_table(value: Any) -> bool:
    return hasattr(type(value), "columns")


def _column_read(node: ast.AST) -> ast.expr | None:
    """The column that is read: ``table["p"]``, ``table.p``, ``table.loc[rows, "p"]``."""
    if isinstance(node, ast.Attribute):
        return ast.Constant(node.attr)
    if not isinstance(node, ast.Subscript):
        return None
    return node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice


def _column_of(node: ast.expr | None, table: Any, frame: FrameType) -> str | None:
    """The column that an expression names, or counts, now."""
    value = _lookup(node.id, frame) if isinstance(node, ast.Name) else None
    value = node.value if isinstance(node, ast.Constant) else value
    if type(value) is int:
        labels = list(table.columns)
        value = labels[value] if -len(labels) <= value < len(labels) else None
    return value if isinstance(value, str) else None


def _filled_from(frame: FrameType) -> Iterator[_Target]:
    """What into whose rows goes what is worked out at a frame's line, and into which column."""
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
            yield name, column


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
