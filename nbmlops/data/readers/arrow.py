"""pyarrow tables, record batches, arrays, chunked arrays and datasets."""

from __future__ import annotations

from collections.abc import Iterator
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
        return Stream(obj.schema, _batches(obj))
    raise NoCanonicalForm(f"pyarrow's {type(obj).__qualname__} is no data that nbmlops can read")


def _batches(dataset: Any) -> Iterator[Any]:
    """Read a dataset's rows in order, few at a time.

    Its scanner decodes whole row groups of Parquet files, and several of them ahead; a file's own
    reader does not.
    """
    schema = dataset.schema
    for fragment in dataset.get_fragments():
        if getattr(fragment, "row_groups", None) and fragment.physical_schema.equals(
            dataset.schema
        ):
            from pyarrow.parquet import ParquetFile

            file = ParquetFile(fragment.open(), buffer_size=2**16, pre_buffer=False)
            groups = [group.id for group in fragment.row_groups]
            yield from file.iter_batches(CHUNK_ROWS // 8, row_groups=groups, use_threads=False)
        else:
            yield from fragment.to_batches(
                schema, batch_size=CHUNK_ROWS, batch_readahead=1, fragment_readahead=1
            )


def read_table(table: Any) -> Reading:
    """Open anything with Arrow's ``column_names``, ``column(i)`` and ``num_rows``."""
    entries = [
        Entry(name, ArrowColumn(table.column(at))) for at, name in enumerate(table.column_names)
    ]
    return Reading("table", (table.num_rows,), entries)
