"""Polars frames, series and lazy frames, through Arrow and without a copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
import pyarrow as pa

from nbmlops.data.arrow_column import ArrowColumn
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Column, Entry, NoCanonicalForm, Reading
from nbmlops.data.numeric import Array
from nbmlops.data.object_columns import object_column
from nbmlops.data.streams import Stream
from nbmlops.data.wide import WideReading, is_wide

__all__ = ["read"]


def read(obj: Any) -> Reading | Stream:
    """Open a frame as a table, a series as a column; a lazy frame is computed by its engine."""
    if isinstance(obj, pl.LazyFrame):
        return _stream(obj)
    if isinstance(obj, pl.DataFrame):
        if is_wide(obj.width, obj.height):
            return WideReading(obj.columns, obj.height, obj.get_columns(), _column, _plain)
        entries = [Entry(series.name, _column(series)) for series in obj.iter_columns()]
        return Reading("table", (obj.height,), entries)
    if isinstance(obj, pl.Series):
        return Reading("column", (len(obj),), [Entry(obj.name or None, _column(obj))])
    raise NoCanonicalForm(f"polars' {type(obj).__qualname__} is no data that nbmlops can read")


def _stream(frame: Any) -> Reading | Stream:
    """Compute a lazy frame on its engine, and read the rows as they come."""
    empty = frame.collect_schema().to_frame()
    if pl.Object in empty.dtypes:
        return read(frame.collect())
    batches = frame.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True, lazy=True)
    return Stream(_table(empty).schema, _record_batches(batches))


def _record_batches(frames: Iterable[Any]) -> Iterator[Any]:
    for frame in frames:
        yield from _table(frame).to_batches()


def _table(frame: Any) -> Any:
    arrays = [_arrow(series) for series in frame.iter_columns()]
    return pa.table(arrays, names=frame.columns)


def _column(series: Any) -> Column:
    if series.dtype == pl.Object:
        return object_column(series.to_list())
    return ArrowColumn(_arrow(series))


def _plain(series: Any) -> Array | None:
    """The array that numbers lie in, if none is missing."""
    dtype = series.dtype
    if (
        not (dtype.is_integer() or dtype.is_float())
        or series.null_count()
        or series.n_chunks() != 1
    ):
        return None
    values: Array = series.to_numpy(allow_copy=False)
    return values


def _arrow(series: Any) -> Any:
    # The newest level hands text over as views, where an older one would copy it.
    coded = series.dtype in (pl.Categorical, pl.Enum)
    level = pl.CompatLevel.oldest() if coded else pl.CompatLevel.newest()
    try:
        pieces = [piece.to_arrow(compat_level=level) for piece in series.get_chunks()]
    except pa.ArrowInvalid as error:
        raise NoCanonicalForm(f"Arrow has no type for polars' {series.dtype}") from error
    return pa.chunked_array(pieces) if pieces else series.to_arrow(compat_level=level)
