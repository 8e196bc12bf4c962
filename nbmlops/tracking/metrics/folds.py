"""What several models fill with predictions, one after another, as out-of-fold predictions are.

After ``oof[rows] = model.predict(X[rows])`` in a loop each row is one fold's, so that what is
measured on the whole is about all of the folds alike; so it is of ``parts.append(...)`` whose parts
are joined. What is made of several in another way, as their mean is, is no one model's.
"""

from __future__ import annotations

import ast
import weakref
from types import FrameType
from typing import Any, Literal

import msgspec

from nbmlops.tracking.metrics.contents import roughly
from nbmlops.tracking.metrics.filling import (
    Makers,
    Target,
    column_at,
    column_read,
    is_table,
    lookup,
    targets_of,
)

__all__ = ["Filled", "Folds"]

Place = tuple[str, str, int]  # file, function and line
Key = tuple[int, Any]  # what is filled, by identity, and which of a table's columns
_PLACING = ("loc", "iloc", "at", "iat")
# Calls that make one of a list's parts; after any other each part is still there by itself.
_MIXING = {
    "mean", "average", "median", "sum", "nansum", "nanmean", "max", "min", "maximum", "minimum",
    "mode", "prod", "gmean", "quantile", "dot", "matmul", "einsum", "reduce", "add", "zip",
    "enumerate", "pop",
}  # fmt: skip
_DEEPEST = 6  # names that are followed to what they were made from


class Filled(msgspec.Struct, frozen=True):
    """The runs whose models filled a value; `mixed` says that none of it is any one's alone."""

    name: ast.Name
    runs: tuple[str, ...]
    mixed: bool = False


class _Filling(msgspec.Struct):
    """What models fill: the runs of those that have filled it whole, and of this cell's so far."""

    reference: Any
    cell: int
    how: Literal["rows", "list", "sum"]
    runs: tuple[str, ...] = ()
    now: list[str] = msgspec.field(default_factory=list)


class Folds:
    """Remembers, without keeping any alive, what the models of several runs have filled."""

    def __init__(self) -> None:
        self._cell = 0
        self._targets: dict[Place, list[Target]] = {}
        self._filled: dict[Key, _Filling] = {}
        self._lists: dict[int, tuple[str, ...]] = {}

    def new_cell(self) -> None:
        """Forget where was predicted; a loop does not go on in another cell."""
        self._cell += 1
        self._targets.clear()

    def end_cell(self) -> None:
        """Let go of lists, which cannot be referred to weakly: they are known by their content."""
        for key, filled in list(self._filled.items()):
            if filled.how == "list":
                del self._filled[key]
                content = roughly(filled.reference()) if filled.runs else None
                if content is not None:
                    self._lists[content] = filled.runs

    def predicted(self, run_id: str, frame: FrameType) -> None:
        """The model of run `run_id` predicts where `frame` is now."""
        code = frame.f_code
        place = (code.co_filename, code.co_qualname, frame.f_lineno)
        if place not in self._targets:
            self._targets[place] = list(targets_of(frame))
        for target in self._targets[place]:
            holder = lookup(target.name, frame)
            part = column_at(target.column, holder, frame) if is_table(holder) else None
            if part is None and is_table(holder):
                continue  # another column of the table may be anybody's
            if (type(holder) is list) == (target.how == "list"):
                self._fill((id(holder), part), holder, run_id, target.how)

    def behind(self, node: ast.expr, frame: FrameType) -> Filled | None:
        """What is filled under an expression of `frame`, and the runs that filled it."""
        if not self._filled and not self._lists:
            return None
        found: list[Filled] = []
        self._walk(node, frame, Makers(frame), found, set(), named=None, joined=True)
        if not found:
            return None
        mixed = any(f.mixed for f in found) or len({f.runs for f in found}) > 1
        return Filled(found[0].name, found[0].runs, mixed)

    def _walk(
        self,
        node: ast.expr,
        frame: FrameType,
        makers: Makers,
        found: list[Filled],
        seen: set[str],
        *,
        named: ast.Name | None,
        joined: bool,
    ) -> None:
        """Look under `node` and under what its names were made from.

        `joined` says that until here the parts of a list have only been joined.
        """
        joins = joined and not any(_called(n) in _MIXING for n in ast.walk(node))
        for part in ast.walk(node):
            held = part.value if isinstance(part, ast.Subscript | ast.Attribute) else part
            if isinstance(held, ast.Attribute) and held.attr in _PLACING:
                held = held.value
            if not isinstance(held, ast.Name):
                continue
            filled = self._filled_at(held, part, frame)
            if filled is not None:
                whole = joins and not isinstance(part, ast.Subscript)
                mixed = filled.how == "sum" or (filled.how == "list" and not whole)
                found.append(Filled(named or held, filled.runs, mixed))
            elif held is part and held.id not in seen and len(seen) < _DEEPEST:
                seen.add(held.id)
                maker = makers.last(held.id)
                # A comprehension's own name is nothing that a frame knows.
                name = named or (held if lookup(held.id, frame) is not None else None)
                if maker is not None:
                    self._walk(maker, frame, makers, found, seen, named=name, joined=joins)

    def _filled_at(self, held: ast.Name, part: ast.AST, frame: FrameType) -> _Filling | None:
        holder = lookup(held.id, frame)
        if type(holder) is list and (id(holder), None) not in self._filled:
            runs = self._lists.get(roughly(holder) or 0) if self._lists else None
            return _Filling(None, self._cell, "list", runs) if runs else None
        if is_table(holder):
            column = column_at(column_read(part), holder, frame)
            return self._whole((id(holder), column), holder) if column is not None else None
        array = holder
        while array is not None:
            if filled := self._whole((id(array), None), array):
                return filled
            array = getattr(array, "base", None) if type(array).__module__ == "numpy" else None
        return None

    def _whole(self, key: Key, holder: Any) -> _Filling | None:
        found = self._filled.get(key)
        known = found is not None and found.reference() is holder and found.runs
        return found if known else None

    def _fill(
        self, key: Key, holder: Any, run_id: str, how: Literal["rows", "list", "sum"]
    ) -> None:
        filled = self._filled
        known = filled.get(key)
        if known is None or known.reference() is not holder or (how == "list" and not holder):
            try:
                reference: Any = (
                    (lambda: holder)
                    if how == "list"
                    else weakref.ref(holder, lambda _gone: filled.pop(key, None))
                )
            except TypeError:
                return
            known = filled[key] = _Filling(reference, self._cell, how)
        if known.cell != self._cell:
            known.cell, known.now = self._cell, []
        if run_id not in known.now:
            known.now.append(run_id)
        if len(known.now) > 1:
            known.runs = tuple(known.now)


def _called(node: ast.AST) -> str:
    function = getattr(node, "func", None)
    return getattr(function, "attr", None) or getattr(function, "id", None) or ""
