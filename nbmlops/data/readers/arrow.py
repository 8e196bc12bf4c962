"""pyarrow tables, record batches, arrays, chunked arrays and datasets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from nbmlops.data.arrow_column import ArrowColumn
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Entry, NoCanonicalForm, Reading
from nbmlops.data.numeric import Array
from nbmlops.data.streams import Stream
from nbmlops.data.wide import WideReading, is_wide

__all__ = ["read", "read_table"]


def read(obj: Any) -> Reading | Stream:
    """Open tables and batches as a table, arrays as a column, datasets as a stream."""
    if isinstance(obj, (pa.Table, pa.RecordBatch)):
        return read_table(obj)
    if isinstance(obj, (pa.Array, pa.ChunkedArray)):
        return Reading("column", (len(obj),), [Entry(None, ArrowColumn(obj))])
    if hasattr(obj, "scanner") and hasattr(obj, "schema"):
        return _dataset(obj)
    raise NoCanonicalForm(f"pyarrow's {type(obj).__qualname__} is no data that nbmlops can read")


def _dataset(dataset: Any) -> Stream:
    """Open a dataset as a stream, column by column where its files keep columns apart."""
    schema = dataset.schema
    fragments = list(dataset.get_fragments())
    # A dot in a name means a field of a struct to Parquet's reader, too.
    plain = len(set(schema.names)) == len(schema) and not any("." in n for n in schema.names)
    if plain and fragments and all(_is_parquet(fragment, schema) for fragment in fragments):
        return Stream(
            schema,
            _batches(fragments, schema, schema.names),
            lambda places: _batches(fragments, schema, [schema.names[at] for at in places]),
        )
    return Stream(schema, _batches(fragments, schema, schema.names))


def _is_parquet(fragment: Any, schema: Any) -> bool:
    return bool(getattr(fragment, "row_groups", None) and fragment.physical_schema.equals(schema))


def _batches(fragments: list[Any], schema: Any, names: list[str]) -> Iterator[Any]:
    """Read the rows of some columns in order, few at a time.

    A dataset's scanner decodes whole row groups of Parquet files, and several of them ahead; a
    file's own reader does not.
    """
    for fragment in fragments:
        if _is_parquet(fragment, schema):
            from pyarrow.parquet import ParquetFile

            file = ParquetFile(fragment.open(), buffer_size=2**16, pre_buffer=False)
            groups = [group.id for group in fragment.row_groups]
            columns = None if names == schema.names else names
            yield from file.iter_batches(
                CHUNK_ROWS // 8, row_groups=groups, columns=columns, use_threads=False
            )
        else:
            yield from fragment.to_batches(
                schema, batch_size=CHUNK_ROWS, batch_readahead=1, fragment_readahead=1
            )


def read_table(table: Any) -> Reading:
    """Open anything with Arrow's ``column_names``, ``column(i)`` and ``num_rows``."""
    if is_wide(table.num_columns, table.num_rows):
        columns = _columns(table)
        return WideReading(table.column_names, table.num_rows, columns, ArrowColumn, _plain)
    entries = [
        Entry(name, ArrowColumn(table.column(at))) for at, name in enumerate(table.column_names)
    ]
    return Reading("table", (table.num_rows,), entries)


def _columns(table: Any) -> list[Any]:
    """Its columns, as arrays where each of them is one: those are made sooner than chunked ones."""
    batches = table.to_batches() if isinstance(table, pa.Table) else [table]
    columns: list[Any] = (batches[0] if len(batches) == 1 else table).columns
    return columns


def _plain(column: Any) -> Array | None:
    """The array that numbers lie in, if none is missing."""
    if isinstance(column, pa.ChunkedArray):
        if column.num_chunks != 1:
            return None
        column = column.chunk(0)
    if column.null_count or not pa.types.is_primitive(column.type):
        return None
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return None
    values: Array = column.to_numpy(zero_copy_only=True)
    return values
