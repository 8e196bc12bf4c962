"""pyarrow tables, record batches, arrays, chunked arrays and datasets."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from nbmlops.data.arrow import ArrowColumn
from nbmlops.data.canonical import CHUNK_ROWS
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
        return Stream(obj.schema, obj.to_batches(**_frugal(obj)))
    raise NoCanonicalForm(f"pyarrow's {type(obj).__qualname__} is no data that nbmlops can read")


def _frugal(dataset: Any) -> dict[str, Any]:
    """Read few rows ahead; of a Parquet file, parts of a row group rather than all of it."""
    frugal: dict[str, Any] = {
        "batch_size": CHUNK_ROWS,
        "batch_readahead": 1,
        "fragment_readahead": 1,
    }
    if getattr(getattr(dataset, "format", None), "default_extname", "") == "parquet":
        from pyarrow.dataset import ParquetFragmentScanOptions

        frugal["fragment_scan_options"] = ParquetFragmentScanOptions(
            use_buffered_stream=True, buffer_size=2**20, pre_buffer=False
        )
    return frugal


def read_table(table: Any) -> Reading:
    """Open anything with Arrow's ``column_names``, ``column(i)`` and ``num_rows``."""
    entries = [
        Entry(name, ArrowColumn(table.column(at))) for at, name in enumerate(table.column_names)
    ]
    return Reading("table", (table.num_rows,), entries)
