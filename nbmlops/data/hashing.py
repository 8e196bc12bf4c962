"""Columns to digests: runs of 65,536 rows, hashed side by side on every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from nbmlops.data.canonical import CHUNK_ROWS, column_digest
from nbmlops.data.columns import Chunk, Column

__all__ = ["Hashed", "fold", "hash_columns", "worker_count"]

# Below this many bytes a second thread costs more than it saves.
_INLINE_BYTES = 2_000_000
# A task this large keeps a worker busy for about a millisecond.
_TASK_BYTES = 4_000_000

Progress = Callable[[int], None]


@dataclass(slots=True)
class Hashed:
    """A column, hashed: its digest, the digests of its runs, and its statistics.

    `low` and `high` are None where nothing was present; `total` is a float64 sum.
    """

    type: str
    rows: int
    digest: bytes
    chunks: list[bytes]
    nulls: int
    nbytes: int
    low: Any
    high: Any
    total: float | None


def worker_count() -> int:
    """How many threads to hash on: the cores that this process may use, at most 16."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(16, len(affinity(0)) if affinity else os.cpu_count() or 1)


def fold(column: Column, chunks: Sequence[Chunk], rows: int | None = None) -> Hashed:
    """Join a column's runs, in order, into its digest and statistics."""
    rows = column.rows if rows is None else rows
    if len(chunks) == 1:
        digest, nulls, nbytes, low, high, total = chunks[0]
        name = column_digest(column.type, rows, digest, column.extra)
        return Hashed(column.type, rows, name, [digest], nulls, nbytes, low, high, total)
    digests = [chunk.digest for chunk in chunks]
    lows = [chunk.low for chunk in chunks if chunk.low is not None]
    highs = [chunk.high for chunk in chunks if chunk.high is not None]
    totals = [chunk.total for chunk in chunks if chunk.total is not None]
    return Hashed(
        column.type,
        rows,
        column_digest(column.type, rows, b"".join(digests), column.extra),
        digests,
        sum(chunk.nulls for chunk in chunks),
        sum(chunk.nbytes for chunk in chunks),
        min(lows) if lows else None,
        max(highs) if highs else None,
        float(sum(totals)) if totals else None,
    )


def hash_columns(columns: Sequence[Column], progress: Progress | None = None) -> list[Hashed]:
    """Hash whole columns; `progress` hears of bytes as they are done."""
    spans = _tasks(columns)
    if len(spans) == 1:
        done = [_run(columns, spans[0], progress)]
    else:
        with ThreadPoolExecutor(worker_count(), thread_name_prefix="fingerprint") as pool:
            done = list(pool.map(lambda span: _run(columns, span, progress), spans))
    found: list[list[Chunk]] = [[] for _ in columns]
    for span, chunks in zip(spans, done, strict=True):
        for (at, _), chunk in zip(span, chunks, strict=True):
            found[at].append(chunk)
    return [fold(column, chunks) for column, chunks in zip(columns, found, strict=True)]


Span = list[tuple[int, int]]


def _tasks(columns: Sequence[Column]) -> list[Span]:
    """Cut columns into runs, and group the runs into tasks of a few megabytes."""
    total = sum(column.rows * column.width for column in columns)
    limit = float("inf") if total < _INLINE_BYTES or worker_count() == 1 else _TASK_BYTES
    spans: list[Span] = [[]]
    size = 0.0
    for at, column in enumerate(columns):
        rows, width = column.rows, column.width
        for start in range(0, rows or 1, CHUNK_ROWS):
            if size > limit:
                spans.append([])
                size = 0.0
            spans[-1].append((at, start))
            size += min(CHUNK_ROWS, rows - start) * width
    return spans


def _run(columns: Sequence[Column], span: Span, progress: Progress | None) -> list[Chunk]:
    chunks = []
    for at, start in span:
        column = columns[at]
        chunks.append(column.chunk(start, min(start + CHUNK_ROWS, column.rows)))
    if progress is not None:
        progress(sum(chunk.nbytes for chunk in chunks))
    return chunks
