"""pandas frames, series and indexes, whatever their arrays are backed by.

A default index (0, 1, 2 ... without a name) is no content; any other is kept, level by level, in
front of the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Block, Chunk, Column, Entry, NoCanonicalForm, Reading
from nbmlops.data.numeric import NumericColumn, numpy_type
from nbmlops.data.readers.numpy import array_column
from nbmlops.data.readers.pandas_arrays import open_array
from nbmlops.data.runs import RangeColumn
from nbmlops.data.wide import Gathering, LazyEntries, in_a_row, is_wide

__all__ = ["read"]


def read(obj: Any) -> Reading:
    """Open a frame as a table, a series or index as a column."""
    if isinstance(obj, pd.DataFrame):
        return FrameReading(obj)
    if isinstance(obj, pd.Series):
        entries = [*_index_entries(obj.index), Entry(obj.name, open_array(obj.array))]
        return Reading("column", (len(obj),), entries)
    if isinstance(obj, pd.MultiIndex):
        return Reading("table", (len(obj),), _levels(obj, as_index=False))
    if isinstance(obj, pd.Index):
        return Reading("column", (len(obj),), [Entry(obj.name, _index_column(obj))])
    if isinstance(obj, pd.api.extensions.ExtensionArray):
        return Reading("column", (len(obj),), [Entry(None, open_array(obj))])
    raise NoCanonicalForm(f"pandas' {type(obj).__qualname__} is no data that nbmlops can read")


class FrameReading(Reading):
    """A frame, opened by the blocks that pandas keeps: column by column would be slow."""

    def __init__(self, frame: Any) -> None:
        self._index = _index_entries(frame.index)
        super().__init__("table", (len(frame),), LazyEntries(self))
        self._labels = frame.columns.tolist()
        self._loose: dict[int, Column] = {}
        self._blocks: list[Block] = []
        self._places: dict[int, tuple[Block, int]] = {}
        first = len(self._index)
        kept = getattr(getattr(frame, "_mgr", None), "blocks", None)
        if kept is None:
            for at, (_, series) in enumerate(frame.items(), first):
                self._loose[at] = open_array(series.array)
            return
        apart = Gathering() if is_wide(*frame.shape[::-1]) else None
        for block in kept:
            places = block.mgr_locs.as_array
            if (
                apart is not None
                and _is_row(block.values)
                and apart.add(int(places[0]) + first, block.values[0])
            ):
                continue
            self._open_block(block.values, in_a_row((places + first).tolist()))
        if apart is not None:
            self._blocks += apart.blocks()
        arrays = [block.values for block in kept]
        self.changed = partial(_replaced, frame, frame.shape, arrays)

    def _open_block(self, values: Any, places: Sequence[int]) -> None:
        """Open the columns that pandas keeps in one array: its rows, if it has two dimensions."""
        if values.ndim == 1:
            self._loose[places[0]] = open_array(values)
            return
        if isinstance(values.dtype, np.dtype) and not isinstance(values, np.ndarray):
            values = np.asarray(values)  # datetimes without a zone, and timedeltas
        known = numpy_type(values.dtype) if isinstance(values, np.ndarray) else None
        if known is None:
            opened = open_array if not isinstance(values, np.ndarray) else array_column
            self._loose.update((at, opened(row)) for at, row in zip(places, values, strict=True))
            return
        lies = values.flags.c_contiguous and values.dtype.isnative
        if lies and len(values) > 1 and 0 < values.shape[1] <= CHUNK_ROWS:
            self._blocks.append(Block(values, *known, places))
        else:
            self._loose.update(
                (at, NumericColumn(row, *known)) for at, row in zip(places, values, strict=True)
            )

    @property
    def levels(self) -> int:
        """How many of the first entries are levels of an index."""
        return len(self._index)

    def labels(self) -> list[Any]:
        """Each column's label."""
        return [*(entry.label for entry in self._index), *self._labels]

    def loose(self) -> list[tuple[int, Column]]:
        """The columns that lie in no block, with their places."""
        return [*((at, each.column) for at, each in enumerate(self._index)), *self._loose.items()]

    def blocks(self) -> list[Block]:
        """The columns that lie side by side."""
        return self._blocks

    def entry(self, at: int) -> Entry:
        """The entry at one place."""
        if at < len(self._index):
            return self._index[at]
        label = self._labels[at - len(self._index)]
        if at in self._loose:
            return Entry(label, self._loose[at])
        if not self._places:
            for block in self._blocks:
                self._places.update((p, (block, row)) for row, p in enumerate(block.places))
        block, row = self._places[at]
        return Entry(label, block.column(row))

    def __len__(self) -> int:
        return len(self._index) + len(self._labels)


def _is_row(values: Any) -> bool:
    """Whether it is a column that pandas keeps alone, as one row."""
    return isinstance(values, np.ndarray) and values.shape[0] == 1 and values.ndim == 2


def _replaced(frame: Any, extent: tuple[int, ...], arrays: list[Any]) -> str | None:
    """Tell a frame whose columns were replaced, added or removed from one that was left alone."""
    if frame.shape != extent:
        return f"it had {extent[0]:,} rows and {extent[1]:,} columns, and now {frame.shape}"
    now = [block.values for block in frame._mgr.blocks]
    # Fewer blocks under the same columns: pandas has put them together, and the values stand.
    if len(now) < len(arrays) or all(a is b for a, b in zip(now, arrays, strict=False)):
        return None
    return "its columns are not the ones that it had"


def _index_entries(index: Any) -> list[Entry]:
    if _is_default(index):
        return []
    if isinstance(index, pd.MultiIndex):
        return _levels(index, as_index=True)
    return [Entry(index.name, _index_column(index), index=True)]


def _is_default(index: Any) -> bool:
    if index.name is not None or isinstance(index, pd.MultiIndex):
        return False
    if isinstance(index, pd.RangeIndex):
        return bool(index.start == 0 and index.step == 1) or not len(index)
    if index.dtype != np.dtype("int64"):
        return not len(index) and index.dtype == object
    values = index.to_numpy()
    for start in range(0, len(values), CHUNK_ROWS):
        run = values[start : start + CHUNK_ROWS]
        if not np.array_equal(run, np.arange(start, start + len(run))):
            return False
    return True


def _levels(index: Any, *, as_index: bool) -> list[Entry]:
    entries = []
    for at, label in enumerate(index.names):
        level = index.levels[at]
        taken = pd.Categorical.from_codes(index.codes[at], level)
        entries.append(Entry(label, LevelColumn(taken, level), index=as_index))
    return entries


class LevelColumn:
    """A level of a MultiIndex, written out run by run."""

    __slots__ = ("codes", "extra", "level", "rows", "type", "width")

    def __init__(self, taken: Any, level: Any) -> None:
        self.codes = taken.codes
        self.level = level
        self.rows = len(taken)
        self.width = 8.0
        inner = open_array(level.array)
        self.type = inner.type
        self.extra = inner.extra

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        codes = self.codes[start:stop]
        run = self.level.array.take(codes, allow_fill=bool((codes < 0).any()))
        column = open_array(run)
        return column.chunk(0, column.rows)


def _index_column(index: Any) -> Column:
    if isinstance(index, pd.RangeIndex):
        return RangeColumn(range(index.start, index.stop, index.step))
    return open_array(index.array)
