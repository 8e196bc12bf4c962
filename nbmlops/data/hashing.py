"""Columns to digests: runs of 65,536 rows, hashed side by side on every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from nbmlops.data.canonical import CHUNK_ROWS, column_digest
from nbmlops.data.columns import Chunk, Column

if TYPE_CHECKING:
    from nbmlops.data.numeric import Array, NumericColumn

__all__ = ["Hashed", "fold", "hash_columns", "worker_count"]

# Below this many bytes a second thread costs more than it saves.
_INLINE_BYTES = 2_000_000
# A task this large keeps a worker busy for a millisecond or two.
_TASK_BYTES = 8_000_000

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
    tasks = _tasks(columns)
    if len(tasks) == 1:
        done = [_run(columns, tasks[0], progress)]
    else:
        with ThreadPoolExecutor(worker_count(), thread_name_prefix="fingerprint") as pool:
            done = list(pool.map(lambda task: _run(columns, task, progress), tasks))
    found: list[list[Chunk]] = [[] for _ in columns]
    for told in done:
        for at, chunks in told:
            found[at].extend(chunks)
    return [fold(column, chunks) for column, chunks in zip(columns, found, strict=True)]


class _Piece(NamedTuple):
    """Rows `start` to `stop` of the column at place `at`; whole runs, but for a column's last."""

    at: int
    start: int
    stop: int


def _tasks(columns: Sequence[Column]) -> list[list[_Piece]]:
    """Cut columns into pieces, and group the pieces into tasks of a few megabytes."""
    total = sum(column.rows * column.width for column in columns)
    limit = float("inf") if total < _INLINE_BYTES or worker_count() == 1 else _TASK_BYTES
    tasks: list[list[_Piece]] = [[]]
    size = 0.0
    for at, column in enumerate(columns):
        rows, width = column.rows, column.width
        per_run = CHUNK_ROWS * width
        start = 0
        while True:
            if size >= limit:
                tasks.append([])
                size = 0.0
            room = rows if limit == float("inf") else int((limit - size) / (per_run or 1) + 1)
            stop = rows if room * CHUNK_ROWS >= rows - start else start + room * CHUNK_ROWS
            tasks[-1].append(_Piece(at, start, stop))
            size += (stop - start) * width
            start = stop
            if start >= rows:
                break
    return tasks


def _run(
    columns: Sequence[Column], task: list[_Piece], progress: Progress | None
) -> list[tuple[int, list[Chunk]]]:
    told: list[tuple[int, list[Chunk]]] = []
    done = 0
    while done < len(task):
        together = _neighbours(columns, task, done)
        if together > 1:
            told.extend(_hash_neighbours(columns, task[done : done + together]))
        else:
            told.append((task[done].at, _hash_piece(columns[task[done].at], task[done])))
        done += together
    if progress is not None:
        progress(sum(chunk.nbytes for _, chunks in told for chunk in chunks))
    return told


def _hash_piece(column: Column, piece: _Piece) -> list[Chunk]:
    start = piece.start
    chunks: list[Chunk] = []
    runs = getattr(column, "runs", None)
    if runs is not None and piece.stop - start >= 2 * CHUNK_ROWS:
        count = (piece.stop - start) // CHUNK_ROWS
        chunks = runs(start, count)
        start += count * CHUNK_ROWS
        if start == piece.stop:
            return chunks
    for at in range(start, piece.stop, CHUNK_ROWS) if piece.stop else (0,):
        chunks.append(column.chunk(at, min(at + CHUNK_ROWS, piece.stop)))
    return chunks


def _neighbours(columns: Sequence[Column], task: list[_Piece], first: int) -> int:
    """How many pieces from `first` on are whole short columns, side by side in one block."""
    lead = columns[task[first].at]
    block = getattr(lead, "block", None)
    if block is None or not 0 < lead.rows <= CHUNK_ROWS:
        return 1
    count = 1
    for piece in task[first + 1 :]:
        column = columns[piece.at]
        if getattr(column, "block", None) is not block or column.place != lead.place + count:  # type: ignore[attr-defined]
            break
        count += 1
    return count


def _hash_neighbours(
    columns: Sequence[Column], pieces: list[_Piece]
) -> list[tuple[int, list[Chunk]]]:
    from nbmlops.data.numeric import hash_rows

    lead = cast("NumericColumn", columns[pieces[0].at])
    block = cast("Array", lead.block)
    chunks = hash_rows(block[lead.place : lead.place + len(pieces)], lead.sort)
    return [(piece.at, [chunk]) for piece, chunk in zip(pieces, chunks, strict=True)]
