"""Dask frames, hashed where their partitions lie; the digest is the order-free one."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pyarrow as pa

from nbmlops.data.columns import NoCanonicalForm
from nbmlops.data.multiset import Multiset, unordered_entries
from nbmlops.data.object_columns import ObjectColumn
from nbmlops.data.readers import pandas as pandas_reader

__all__ = ["read"]

_PLAIN = {
    "string": pa.large_string(),
    "binary": pa.large_binary(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "object": None,
}


def read(obj: Any) -> Multiset:
    """Sum a frame's rows, partition by partition, on its scheduler.

    What type Python's objects have only all of them together tell: where partitions disagree, they
    are summed a second time.
    """
    if not hasattr(obj, "to_delayed") or not hasattr(obj, "divisions"):
        raise NoCanonicalForm(f"Dask's {type(obj).__qualname__} is no data that nbmlops can read")
    import dask

    partitions = list(obj.to_delayed())
    shares = dask.compute(*(dask.delayed(_share)(each, {}) for each in partitions))
    if agreed := _agreed(shares):
        shares = dask.compute(*(dask.delayed(_share)(each, agreed) for each in partitions))
    found: Multiset = reduce(Multiset.plus, shares)
    return found


def _share(partition: Any, agreed: dict[int, Any]) -> Multiset:
    reading = pandas_reader.read(partition)
    entries = unordered_entries(reading.entries)
    for at, kind in agreed.items():
        if isinstance(column := entries[at].column, ObjectColumn):
            entries[at].column = ObjectColumn(column.values, kind)
    return Multiset.of(entries, reading.rows)


def _agreed(shares: tuple[Multiset, ...]) -> dict[int, Any]:
    """The Arrow types (None: objects) of columns that partitions take for different ones."""
    columns = zip(*(share.types for share in shares if share.rows), strict=False)
    agreed = {}
    for at, types in enumerate(columns):
        told = set(types) - {"null"}
        if len(set(types)) == 1 or not told:
            continue
        if all(kind.startswith("decimal[") for kind in told):
            agreed[at] = pa.decimal128(38, max(int(kind[8:-1]) for kind in told))
        elif told <= _PLAIN.keys():
            agreed[at] = _PLAIN[told.pop()] if len(told) == 1 else None
    return agreed
