"""pyarrow tables, record batches, arrays, chunked arrays and datasets."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from nbmlops.data.arrow import ArrowColumn
from nbmlops.data.columns import Entry, NoCanonicalForm, Reading
from nbmlops.data.streams import Stream

__all__ = ["read", "read_table"]


def read(obj: Any) -> Reading | Stream:
    """Open tables and batches as a table, arrays as a column, datasets as a stream."""
    if isinstance(obj, (pa.Table, pa.RecordBatch)):
        return read_table(obj)
    if isinstance(obj, (pa.Array, pa.ChunkedArray)):
        return Reading("column", (len(obj),), [Entry(None, ArrowColumn(obj))])
    if hasattr(obj, "scanner") and hasattr(obj, "schema"):
        return Stream(obj.schema, obj.to_batches(batch_readahead=2, fragment_readahead=1))
    raise NoCanonicalForm(f"pyarrow's {type(obj).__qualname__} is no data that nbmlops can read")


def read_table(table: Any) -> Reading:
    """Open anything with Arrow's ``column_names``, ``column(i)`` and ``num_rows``."""
    entries = [
        Entry(name, ArrowColumn(table.column(at))) for at, name in enumerate(table.column_names)
    ]
    return Reading("table", (table.num_rows,), entries)
