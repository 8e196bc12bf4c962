"""Many short columns of one type: hashed as they lie, with as little Python for each as can be.

In a frame of tens of thousands of columns a column is a few kilobytes, which BLAKE3 hashes in
microseconds: what the interpreter does for each of them then costs as much as the hashing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from blake3 import blake3

from nbmlops.data.canonical import column_digest, column_head
from nbmlops.data.columns import Block
from nbmlops.data.hashing import Hashed
from nbmlops.data.numeric import NAT, Array, describe, hash_values, quieted

__all__ = ["Named", "hash_block", "name_block"]

# Read twice, for its nulls or statistics and its digest: the second time from the cache.
_CACHED_BYTES = 2**20
_LYING = ("float", "integer", "time")


class Named(NamedTuple):
    """Columns of which only the digests and the nulls are known, in order.

    `nulls` is None if none of them misses a value.
    """

    digests: list[bytes]
    nulls: list[int] | None


def name_block(block: Block, start: int, stop: int) -> Named | None:
    """Name columns `start` to `stop` of a block, each as a column of one run.

    None if its canonical form is not what lies there.
    """
    if block.sort not in _LYING:
        return None
    hasher = blake3()
    update, digest, reset = hasher.update, hasher.digest, hasher.reset
    runs: list[bytes] = []
    nulls: list[int] = []
    for rows in _cached(block, start, stop):
        few, missed = _settled(rows, block.sort)
        nulls += missed
        for row in few.view(np.uint8):
            update(row)
            runs.append(digest())
            reset()
    # Only now, for what is as short as this is hashed under the interpreter's lock: between two
    # rows it would make the other threads wait.
    head = column_head(block.type, len(block.values[0]))
    found = []
    for run in runs:
        update(head + run)
        found.append(digest())
        reset()
    return Named(found, nulls if any(nulls) else None)


def _settled(rows: Array, sort: str) -> tuple[Array, list[int]]:
    """Rows in canonical form, and how many values each of them misses."""
    if sort == "time":
        rows = rows.view("i8")
    if sort == "integer" or not _misses(rows, sort):
        return rows, [0] * len(rows)
    absent = rows == NAT if sort == "time" else np.isnan(rows)
    missed: list[int] = np.count_nonzero(absent, axis=1).tolist()
    return (rows if sort == "time" else quieted(rows, absent, sum(missed))), missed


def _misses(rows: Array, sort: str) -> bool:
    low: Any = np.minimum.reduce(rows, axis=None)
    return bool(np.isnan(low) if sort == "float" else low == NAT)


def _cached(block: Block, start: int, stop: int) -> Iterator[Array]:
    """A few rows at a time, which are in the cache when they are read again."""
    height = max(1, _CACHED_BYTES // max(1, block.values[0].nbytes))
    for at in range(start, stop, height):
        yield block.values[at : min(at + height, stop)]


def hash_block(block: Block, start: int, stop: int) -> list[Hashed]:
    """Hash columns `start` to `stop` of a block, each as a column of one run, with statistics."""
    kind, sort = block.type, block.sort
    if sort not in _LYING:
        return [_hash_one(block.values[at], kind, sort) for at in range(start, stop)]
    count = len(block.values[0])
    head = column_head(kind, count)
    found: list[Hashed] = []
    for few in _cached(block, start, stop):
        rows, told = describe(few.view("i8") if sort == "time" else few, sort)
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
