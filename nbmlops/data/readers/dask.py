"""Dask frames, hashed where their partitions lie; the digest is the order-free one."""

from __future__ import annotations

from functools import reduce
from typing import Any

from nbmlops.data.columns import NoCanonicalForm
from nbmlops.data.multiset import Multiset, unordered_entries
from nbmlops.data.readers import pandas as pandas_reader

__all__ = ["read"]


def read(obj: Any) -> Multiset:
    """Sum a frame's rows, partition by partition, on its scheduler."""
    if not hasattr(obj, "to_delayed") or not hasattr(obj, "divisions"):
        raise NoCanonicalForm(f"Dask's {type(obj).__qualname__} is no data that nbmlops can read")
    import dask

    shares = [dask.delayed(_share)(partition) for partition in obj.to_delayed()]
    found: Multiset = reduce(Multiset.plus, dask.compute(*shares))
    return found


def _share(partition: Any) -> Multiset:
    reading = pandas_reader.read(partition)
    return Multiset.of(unordered_entries(reading.entries), reading.rows)
