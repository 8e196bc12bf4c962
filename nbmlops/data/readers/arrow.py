"""pyarrow tables, record batches, arrays and chunked arrays."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from nbmlops.data.arrow import ArrowColumn
from nbmlops.data.columns import Entry, NoCanonicalForm, Reading

__all__ = ["read", "read_table"]


def read(obj: Any) -> Reading:
    """Open a table or record batch as a table, an array or chunked array as a column."""
    if isinstance(obj, (pa.Table, pa.RecordBatch)):
        return read_table(obj)
    if isinstance(obj, (pa.Array, pa.ChunkedArray)):
        return Reading("column", (len(obj),), [Entry(None, ArrowColumn(obj))])
    raise NoCanonicalForm(f"pyarrow's {type(obj).__qualname__} is no data that nbmlops can read")


def read_table(table: Any) -> Reading:
    """Open anything with Arrow's ``column_names``, ``column(i)`` and ``num_rows``."""
    entries = [
        Entry(name, ArrowColumn(table.column(at))) for at, name in enumerate(table.column_names)
    ]
    return Reading("table", (table.num_rows,), entries)
