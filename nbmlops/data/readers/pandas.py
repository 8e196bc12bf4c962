"""pandas frames, series and indexes, whatever their arrays are backed by.

A default index (0, 1, 2 ... without a name) is no content; any other is kept, level by level, in
front of the columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from nbmlops.data.arrow import ArrowColumn, hash_array, hash_struct, number_and_digest, time_zone
from nbmlops.data.arrow import type_name as arrow_type_name
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Chunk, Column, Entry, NoCanonicalForm, Reading
from nbmlops.data.numeric import NumericColumn, numpy_type
from nbmlops.data.object_columns import object_column
from nbmlops.data.readers.numpy import array_column

__all__ = ["read"]


def read(obj: Any) -> Reading:
    """Open a frame as a table, a series or index as a column."""
    if isinstance(obj, pd.DataFrame):
        entries = [*_index_entries(obj.index), *_frame_entries(obj)]
        return Reading("table", (len(obj),), entries)
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


def _frame_entries(frame: Any) -> list[Entry]:
    blocks = getattr(getattr(frame, "_mgr", None), "blocks", None)
    if blocks is None:
        return [Entry(label, open_array(series.array)) for label, series in frame.items()]
    # Series by series, a wide frame would spend most of its time on making series.
    columns: dict[int, Column] = {}
    for block in blocks:
        columns.update(zip(block.mgr_locs, _block_columns(block.values), strict=True))
    return [Entry(label, columns[at]) for at, label in enumerate(frame.columns.tolist())]


def _block_columns(values: Any) -> list[Column]:
    """Open the columns that pandas keeps in one array: its rows, where it has two dimensions."""
    if values.ndim == 1:
        return [open_array(values)]
    if isinstance(values.dtype, np.dtype) and not isinstance(values, np.ndarray):
        values = np.asarray(values)  # datetimes without a zone, and timedeltas
    if not isinstance(values, np.ndarray):
        return [open_array(row) for row in values]
    known = numpy_type(values.dtype)
    if known is None:
        return [array_column(row) for row in values]
    block = values if values.flags.c_contiguous and values.dtype.isnative else None
    return [
        NumericColumn(row, *known, block=block, place=place) for place, row in enumerate(values)
    ]


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
        return RangeColumn(index)
    return open_array(index.array)


class RangeColumn:
    """A range, written out run by run."""

    __slots__ = ("extra", "range", "rows", "type", "width")

    def __init__(self, index: Any) -> None:
        self.range = range(index.start, index.stop, index.step)
        self.rows = len(index)
        self.type = "int64"
        self.width = 8.0
        self.extra = b""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        run = self.range[start:stop]
        values = np.arange(run.start, run.stop, run.step, dtype="i8")
        return NumericColumn(values, "int64", "integer").chunk(0, len(values))


def open_array(array: Any) -> Column:  # noqa: PLR0911 - one return for each dtype
    """Open one column's array by its dtype.

    :raises NoCanonicalForm: for an extension dtype that nbmlops does not know.
    """
    dtype = array.dtype
    if isinstance(dtype, np.dtype) or isinstance(array, pd.arrays.NumpyExtensionArray):
        return array_column(np.asarray(array))
    if isinstance(dtype, pd.ArrowDtype) or getattr(dtype, "storage", "") == "pyarrow":
        return ArrowColumn(array.__arrow_array__())
    if isinstance(dtype, pd.StringDtype):
        return object_column(np.asarray(array, dtype=object))
    if isinstance(dtype, pd.CategoricalDtype):
        return CategoricalColumn(array)
    if isinstance(dtype, pd.DatetimeTZDtype):
        known = numpy_type(np.dtype(f"M8[{dtype.unit}]"))
        name, sort = known or ("", "")
        return NumericColumn(array.asi8, f"{name[:-1]}, {time_zone(dtype.tz)}]", sort)
    if isinstance(dtype, pd.PeriodDtype):
        return NumericColumn(array.asi8, str(dtype), "time")
    if isinstance(dtype, pd.IntervalDtype):
        return IntervalColumn(array)
    if isinstance(dtype, pd.SparseDtype):
        return PiecewiseColumn(array, array_column(np.asarray(array[:0])).type)
    if hasattr(array, "__arrow_array__"):
        return PiecewiseColumn(array, arrow_type_name(pa.array(array[:0]).type))
    raise NoCanonicalForm(f"pandas dtype {dtype} has no canonical form")


class PiecewiseColumn:
    """An extension array that is made plain run by run: nullable, sparse."""

    __slots__ = ("array", "extra", "rows", "type", "width")

    def __init__(self, array: Any, type_name: str) -> None:
        self.array = array
        self.type = type_name
        self.rows = len(array)
        self.width = 9.0
        self.extra = b""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        run = self.array[start:stop]
        if isinstance(run.dtype, pd.SparseDtype):
            return array_column(np.asarray(run)).chunk(0, len(run))
        return hash_array(pa.array(run))


class CategoricalColumn:
    """A categorical: hashed as an Arrow dictionary."""

    __slots__ = ("codes", "dictionary", "extra", "ordered", "rows", "type", "width")

    def __init__(self, array: Any) -> None:
        self.codes = array.codes
        self.dictionary = _categories(array.categories)
        self.ordered = bool(array.ordered)
        self.rows = len(array)
        order = ", ordered" if self.ordered else ""
        self.type = f"category<{arrow_type_name(self.dictionary.type)}{order}>"
        self.width = 4.0
        self.extra = number_and_digest(self.dictionary) if self.ordered else b""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        codes = self.codes[start:stop]
        indices = pa.array(codes, mask=codes < 0)
        return hash_array(pa.DictionaryArray.from_arrays(indices, self.dictionary))


def _categories(categories: Any) -> Any:
    try:
        array = pa.array(categories, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise NoCanonicalForm(
            f"categories of mixed types have no canonical form: {error}"
        ) from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


class IntervalColumn:
    """Intervals: a struct of left and right, null where either is."""

    __slots__ = ("extra", "left", "missing", "right", "rows", "type", "width")

    def __init__(self, array: Any) -> None:
        self.left, self.right = array.left, array.right
        self.rows = len(array)
        self.width = 16.0
        self.extra = b""
        self.missing = np.asarray(array.isna())
        inner = open_array(self.left.array).type
        self.type = f"interval<{inner}, {array.closed}>"

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        missing = self.missing[start:stop]
        ends = [pa.array(end[start:stop], from_pandas=True) for end in (self.left, self.right)]
        return hash_struct(len(missing), missing if missing.any() else None, ends)
