"""The values that several models have filled: known by the very object, else by their content."""

from __future__ import annotations

import weakref
from typing import Any

import msgspec

from nbmlops.tracking.metrics.contents import content_of, roughly
from nbmlops.tracking.metrics.filling import Filling

__all__ = ["FilledValues", "Kept", "Key"]

Key = tuple[int, Any]  # what is filled, by identity, and which of a table's columns


class Kept(msgspec.Struct):
    """What models fill: the runs of those that have filled it whole, and of this cell's so far."""

    reference: Any
    how: Filling
    cell: int = 0
    runs: tuple[str, ...] = ()
    now: list[str] = msgspec.field(default_factory=list)

    def add(self, run_id: str) -> None:
        if run_id not in self.now:
            self.now.append(run_id)
        if len(self.now) > 1:
            self.runs = tuple(self.now)


class FilledValues:
    """Remembers which runs' models filled a value; beyond its cell it keeps none alive."""

    def __init__(self) -> None:
        self._cell = 0
        self._filled: dict[Key, Kept] = {}
        self._lists: dict[int | str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._filled or self._lists)

    @property
    def alive(self) -> bool:
        """Whether any value is known by the very object."""
        return bool(self._filled)

    def __contains__(self, value: Any) -> bool:
        return (id(value), None) in self._filled

    def new_cell(self) -> None:
        """What is filled from here on is filled anew."""
        self._cell += 1

    def end_cell(self) -> None:
        """Let go of the cell's lists, which are known by their content from here on.

        They cannot be referred to weakly.
        """
        for key, filled in list(self._filled.items()):
            if filled.how == "list":
                del self._filled[key]
                holder = filled.reference()
                for content in (roughly(holder), _content(holder)) if filled.runs else ():
                    if content is not None:
                        self._lists[content] = filled.runs

    def fill(self, key: Key, holder: Any, run_id: str, how: Filling) -> None:
        """The model of run `run_id` fills a part of `holder`."""
        known = self._filled.get(key)
        if known is None or known.reference() is not holder or (how == "list" and not holder):
            kept = self.keep(key, holder, how)
            if kept is None:
                return
            known = kept
        if known.cell != self._cell:
            known.cell, known.now = self._cell, []
        known.add(run_id)

    def keep(self, key: Key, holder: Any, how: Filling) -> Kept | None:
        """Begin to remember what is filled; a list stays alive until its cell has ended."""
        filled = self._filled
        try:
            reference: Any = (
                (lambda: holder)
                if how == "list"
                else weakref.ref(holder, lambda _gone: filled.pop(key, None))
            )
        except TypeError:
            return None
        kept = filled[key] = Kept(reference, how, self._cell)
        return kept

    def at(self, key: Key) -> Kept | None:
        """What was filled under `key`, whatever its name holds by now."""
        found = self._filled.get(key)
        return found if found is not None and found.runs else None

    def column(self, table: Any, column: str) -> Kept | None:
        """How a column of a table was filled."""
        return self._whole((id(table), column), table)

    def of(self, holder: Any) -> Kept | None:
        """How a list or an array was filled, by itself, as a view of another or as its content."""
        if type(holder) is list and holder not in self:
            runs = self._lists.get(roughly(holder) or 0) if self._lists else None
            return Kept(None, "list", runs=runs) if runs else None
        array = holder
        while array is not None:
            if filled := self._whole((id(array), None), array):
                return filled
            array = getattr(array, "base", None) if type(array).__module__ == "numpy" else None
        return self._joined(holder)

    def _whole(self, key: Key, holder: Any) -> Kept | None:
        found = self.at(key)
        return found if found is not None and found.reference() is holder else None

    def _joined(self, array: Any) -> Kept | None:
        """The runs that filled a list whose values an array holds, one after another."""
        if type(array).__module__.partition(".")[0] not in ("numpy", "pandas"):
            return None
        lists = [f for f in self._filled.values() if f.how == "list" and f.runs]
        content = _content(array) if lists or self._lists else None
        if content is None:
            return None
        same = (f.runs for f in lists if _content(f.reference()) == content)
        runs = next(same, None) or self._lists.get(content)
        return Kept(None, "rows", runs=runs) if runs else None


def _content(value: Any) -> str | None:
    """What tells the values of an array or a list, whose parts may be arrays themselves."""
    try:
        import numpy

        parts = type(value) is list and value and hasattr(type(value[0]), "__len__")
        array = numpy.concatenate(value) if parts else numpy.asarray(value)
        few = array.ndim == 1 and array.dtype.kind == "f" and bool((array % 1).any())
        return content_of(array) or (repr(array.tolist()) if few and len(array) > 1 else None)
    except Exception:  # noqa: BLE001 - foreign objects' conversions may raise anything; they then have no content
        return None
