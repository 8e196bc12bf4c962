"""The arrays behind pandas columns, opened by their dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from nbmlops.data.arrow import (
    hash_array,
    hash_codes,
    hash_struct,
    join_codes,
    number_and_digest,
)
from nbmlops.data.arrow_column import ArrowColumn
from nbmlops.data.arrow_types import is_text, time_zone
from nbmlops.data.arrow_types import type_name as arrow_type_name
from nbmlops.data.canonical import number
from nbmlops.data.categories import renumber
from nbmlops.data.columns import Chunk, Column, NoCanonicalForm
from nbmlops.data.numeric import NumericColumn, numpy_type
from nbmlops.data.object_columns import hash_objects, object_column, plain_type
from nbmlops.data.readers.numpy import array_column
from nbmlops.data.sketches import categories
from nbmlops.data.texts import hash_texts
from nbmlops.records.data import Summary

__all__ = ["open_array"]

# So few are read in Python before Arrow has begun.
_FEW = 256


def open_array(array: Any) -> Column:  # noqa: PLR0911 - one return for each dtype
    """Open one column's array by its dtype.

    :raises NoCanonicalForm: for an extension dtype that nbmlops does not know.
    """
    dtype = array.dtype
    if isinstance(dtype, pd.ArrowDtype) or getattr(dtype, "storage", "") == "pyarrow":
        return ArrowColumn(array.__arrow_array__())
    if isinstance(dtype, pd.StringDtype):
        if array.isna().all():  # which no value of it says: it is text
            return ArrowColumn(pa.nulls(len(array), pa.large_string()))
        return object_column(np.asarray(array, dtype=object))
    if isinstance(dtype, np.dtype) or isinstance(array, pd.arrays.NumpyExtensionArray):
        return array_column(np.asarray(array))
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
        if dtype.subtype.kind == "O":  # whose type only all of its values tell
            return array_column(np.asarray(array))
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
    """A categorical: hashed as an Arrow dictionary, or object by object if Arrow has no type."""

    # Many short calls make up a run, and between them the lock is held.
    holds_lock = True

    __slots__ = ("codes", "dictionary", "extra", "rows", "type", "values", "width")

    def __init__(self, array: Any) -> None:
        self.codes = array.codes
        self.values = np.asarray(array.categories, dtype=object)
        self.dictionary = _dictionary(array.categories)
        ordered = bool(array.ordered)
        self.rows = len(array)
        inner = "object" if self.dictionary is None else arrow_type_name(self.dictionary.type)
        self.type = f"category<{inner}{', ordered' if ordered else ''}>"
        self.width = 4.0
        self.extra = b""
        if ordered and self.dictionary is None:
            self.extra = number(len(self.values)) + hash_objects(self.values.tolist()).digest
        elif ordered:
            self.extra = number_and_digest(self.dictionary)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        codes = self.codes[start:stop]
        if self.dictionary is not None:
            few = min(self.rows, len(self.values)) <= _FEW
            if few and is_text(self.dictionary.type):
                numbers, order = renumber(codes, len(self.values))
                if used := hash_texts(self.values[order]):
                    return join_codes(numbers, used)
            return hash_codes(codes, self.dictionary, unique=True)
        numbers, order = renumber(codes, len(self.values))
        return join_codes(numbers, hash_objects(self.values[order].tolist()))

    def sketch(self) -> Summary:
        """Count a sample of the categories."""
        return {} if self.dictionary is None else categories(self.codes, self.dictionary)


def _dictionary(values: Any) -> Any:
    """The categories as Arrow holds them; None if it has no type for them."""
    kind = plain_type(np.asarray(values)) if values.dtype == object else None
    if kind is None and values.dtype == object:
        return None
    try:
        array = pa.array(values, kind, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None
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
