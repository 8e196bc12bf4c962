"""Many short columns in one array: hashed as they lie, with as little Python for each as can be.

In a frame of tens of thousands of columns a column is a few kilobytes, which BLAKE3 hashes in
microseconds: what the interpreter does for each of them then costs as much as the hashing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from blake3 import blake3

from nbmlops.data.canonical import column_digest, column_head
from nbmlops.data.hashing import Hashed
from nbmlops.data.numeric import NAT, Array, describe, hash_values

__all__ = ["hash_block", "name_block"]

# Read twice, for its statistics and its digest: the second time from the cache.
_CACHED_BYTES = 2**20


def name_block(values: Array, kind: str, sort: str) -> list[bytes] | None:
    """Name each row of a contiguous array as a column of one run, in its canonical form as it lies.

    None if it is not in that form, or misses values.
    """
    if sort not in ("float", "integer", "time") or not values.size:
        return None
    head = column_head(kind, values.shape[1])
    hasher = blake3()
    update, digest, reset = hasher.update, hasher.digest, hasher.reset
    runs: list[bytes] = []
    for rows in _cached(values):
        if sort != "integer" and _misses(rows, sort):
            return None
        for row in rows.view(np.uint8):
            update(row)
            runs.append(digest())
            reset()
    # Only now, for what is as short as this is hashed under the interpreter's lock: between two
    # rows it would make the other threads wait.
    found = []
    for run in runs:
        update(head + run)
        found.append(digest())
        reset()
    return found


def _misses(rows: Array, sort: str) -> bool:
    low: Any = np.minimum.reduce(rows.view("i8") if sort == "time" else rows, axis=None)
    return bool(np.isnan(low) if sort == "float" else low == NAT)


def _cached(values: Array) -> Iterator[Array]:
    """A few rows at a time, which are in the cache when they are read again."""
    height = max(1, _CACHED_BYTES // max(1, values[0].nbytes))
    for start in range(0, len(values), height):
        yield values[start : start + height]


def hash_block(values: Array, kind: str, sort: str) -> list[Hashed]:
    """Hash each row of a contiguous array as a column of one run, with its statistics."""
    count = values.shape[1]
    if sort not in ("float", "integer", "time"):
        return [_hash_one(row, kind, sort) for row in values]
    if sort == "time":
        values = values.view("i8")
    head = column_head(kind, count)
    found: list[Hashed] = []
    for few in _cached(values):
        rows, told = describe(few, sort)
        size = rows[0].nbytes
        found += [
            Hashed(kind, count, name, run, nulls, size, low, high, total)
            for (run, name), (nulls, low, high, total) in zip(
                _digests(rows, head), told, strict=True
            )
        ]
    return found


def _digests(rows: Array, head: bytes) -> list[tuple[bytes, bytes]]:
    """Each row's digest as a run and as a column; making a hasher for each would cost more."""
    hasher = blake3()
    update, digest, reset = hasher.update, hasher.digest, hasher.reset
    found = []
    for row in rows.view(np.uint8):
        update(row)
        run = digest()
        reset()
        update(head + run)
        found.append((run, digest()))
        reset()
    return found


def _hash_one(row: Array, kind: str, sort: str) -> Hashed:
    chunk = hash_values(row, sort)
    name = column_digest(kind, len(row), chunk.digest)
    numbers = (chunk.nulls, chunk.nbytes, chunk.low, chunk.high, chunk.total)
    return Hashed(kind, len(row), name, chunk.digest, *numbers)
