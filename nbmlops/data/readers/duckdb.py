"""DuckDB relations, computed by their engine and read batch by batch, in its order of rows."""

from __future__ import annotations

from typing import Any

from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import NoCanonicalForm
from nbmlops.data.streams import Stream
from nbmlops.errors import FingerprintError

__all__ = ["read"]


def read(obj: Any) -> Stream:
    """Open a relation as a stream."""
    # A connection has these methods too, but is no data.
    if type(obj).__qualname__ != "DuckDBPyRelation":
        raise NoCanonicalForm(f"DuckDB's {type(obj).__qualname__} is no data that can be read")
    import duckdb

    try:
        reader = (
            obj.to_arrow_reader(CHUNK_ROWS)
            if hasattr(obj, "to_arrow_reader")
            else obj.fetch_arrow_reader(CHUNK_ROWS)
        )
    except duckdb.Error as error:
        raise FingerprintError(f"DuckDB could not compute the relation: {error}") from error
    return Stream(reader.schema, reader)
