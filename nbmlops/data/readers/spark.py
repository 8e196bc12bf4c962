"""PySpark frames, hashed on the executors: each partition sends back a few kilobytes.

The executors need nbmlops installed. Spark's rows have no order, so the digest is the
order-free one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from nbmlops.data.columns import NoCanonicalForm
from nbmlops.data.multiset import Multiset

__all__ = ["read"]


def read(obj: Any) -> Multiset:
    """Sum a frame's rows on its engine."""
    if not hasattr(obj, "mapInArrow"):
        raise NoCanonicalForm(f"Spark's {type(obj).__qualname__} is no data that nbmlops can read")
    from pyspark.sql.pandas.types import to_arrow_schema

    zone = obj.sparkSession.conf.get("spark.sql.session.timeZone")
    schema = to_arrow_schema(obj.schema, timezone=zone)
    found = Multiset.of_batch(schema.empty_table())
    for row in obj.mapInArrow(_share, "share binary").collect():
        found = found.plus(msgspec.msgpack.decode(row.share, type=Multiset))
    return found


def _share(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        share = msgspec.msgpack.encode(Multiset.of_batch(batch))
        yield pa.RecordBatch.from_arrays([pa.array([share], pa.binary())], ["share"])
