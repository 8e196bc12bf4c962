"""Polars frames, series and lazy frames, through Arrow and without a copy."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from nbmlops.data.arrow import ArrowColumn
from nbmlops.data.columns import Column, Entry, NoCanonicalForm, Reading
from nbmlops.data.object_columns import object_column

__all__ = ["read"]


def read(obj: Any) -> Reading:
    """Open a frame as a table, a series as a column; a lazy frame is computed by its engine."""
    if isinstance(obj, pl.LazyFrame):
        obj = obj.collect(engine="streaming")
    if isinstance(obj, pl.DataFrame):
        entries = [Entry(series.name, _column(series)) for series in obj.iter_columns()]
        return Reading("table", (obj.height,), entries)
    if isinstance(obj, pl.Series):
        return Reading("column", (len(obj),), [Entry(obj.name or None, _column(obj))])
    raise NoCanonicalForm(f"polars' {type(obj).__qualname__} is no data that nbmlops can read")


def _column(series: Any) -> Column:
    if series.dtype == pl.Object:
        return object_column(series.to_list())
    # The newest level hands text over as views, where an older one would copy it.
    coded = series.dtype in (pl.Categorical, pl.Enum)
    level = pl.CompatLevel.oldest() if coded else pl.CompatLevel.newest()
    pieces = [piece.to_arrow(compat_level=level) for piece in series.get_chunks()]
    return ArrowColumn(pa.chunked_array(pieces) if pieces else series.to_arrow())
