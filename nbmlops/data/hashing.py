"""Columns to digests: runs of 65,536 rows, hashed side by side on every core."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from nbmlops.data.canonical import CHUNK_ROWS, column_digest
from nbmlops.data.columns import Block, Chunk, Column, Reading
from nbmlops.data.steadiness import check_sample
from nbmlops.records.data import Summary

if TYPE_CHECKING:
    from nbmlops.data.recording import Recorder

__all__ = ["Hashed", "fold", "hash_reading", "sketch", "worker_count"]

# Below this many bytes a second thread costs more than it saves.
_INLINE_BYTES = 2_000_000
# A task this large keeps a worker busy for a millisecond or two.
_TASK_BYTES = 8_000_000
# Short columns are many: a larger task of them keeps threads longer out of each other's way.
_STRIP_BYTES = 32_000_000

Progress = Callable[[int], None]


class Hashed(msgspec.Struct, gc=False):
    """A column, hashed: its digest, its runs' digests end to end, and its statistics.

    `low` and `high` are None where nothing was present; `total` is a float64 sum.
    """

    type: str
    rows: int
    digest: bytes
    chunks: bytes
    nulls: int
    nbytes: int
    low: Any = None
    high: Any = None
    total: float | None = None
    sketch: Summary = {}


def worker_count() -> int:
    """How many threads to hash on: the cores that this process may use, at most 16."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(16, len(affinity(0)) if affinity else os.cpu_count() or 1)


def fold(column: Column, chunks: Sequence[Chunk], rows: int | None = None) -> Hashed:
    """Join a column's runs, in order, into its digest and statistics."""
    rows = column.rows if rows is None else rows
    lows = [chunk.low for chunk in chunks if chunk.low is not None]
    highs = [chunk.high for chunk in chunks if chunk.high is not None]
    totals = [chunk.total for chunk in chunks if chunk.total is not None]
    digests = b"".join([chunk.digest for chunk in chunks])
    return Hashed(
        column.type,
        rows,
        column_digest(column.type, rows, digests, column.extra),
        digests,
        sum([chunk.nulls for chunk in chunks]),
        sum([chunk.nbytes for chunk in chunks]),
        min(lows) if lows else None,
        max(highs) if highs else None,
        float(sum(totals)) if totals else None,
    )


class _Piece(NamedTuple):
    """Rows `start` to `stop` of the column at place `at`; whole runs, but for a column's last."""

    at: int
    column: Column
    start: int
    stop: int


class _Strip(NamedTuple):
    """Columns `start` to `stop` of a block."""

    block: Block
    start: int
    stop: int


_Task = list[_Piece | _Strip]


def hash_reading(reading: Reading, recorder: Recorder, progress: Progress | None = None) -> None:
    """Hash every column and put it on record; `progress` hears of bytes as they are done."""
    loose, blocks = reading.loose(), reading.blocks()
    total = sum([column.rows * column.width for _, column in loose])
    total += sum([block.values.nbytes for block in blocks])
    job = _Job(recorder, progress)
    if total < _INLINE_BYTES or worker_count() == 1:
        job.work(deque([[_Piece(at, column, 0, column.rows) for at, column in loose]]))
        job.work(deque([[_Strip(block, 0, len(block.values))] for block in blocks]))
    else:
        slow = deque(_cut((at, column) for at, column in loose if _is_slow(column)))
        quick = deque(_cut((at, column) for at, column in loose if not _is_slow(column)))
        quick.extend(_strips(blocks))
        with ThreadPoolExecutor(worker_count() - 1, thread_name_prefix="fingerprint") as pool:
            others = [pool.submit(job.work, quick, slow) for _ in range(worker_count() - 1)]
            # What holds the interpreter's lock is left to one thread as long as there is other
            # work: two of them would only wait for each other.
            job.work(slow, quick)
            for other in others:
                other.result()
    for at, column in loose:
        pieces = job.pieces[at]
        chunks = pieces[0][1] if len(pieces) == 1 else _in_order(pieces)
        hashed = fold(column, chunks)
        if recorder.summarizes:
            hashed.sketch = sketch(column)
        recorder.add(at, hashed)
    if total >= _TASK_BYTES:
        check_sample(reading, recorder)


def sketch(column: Column) -> Summary:
    """Count a column's distinct values, where it knows how."""
    count = getattr(column, "sketch", None)
    found: Summary = count() if count is not None and column.rows else {}
    return found


def _in_order(pieces: list[tuple[int, list[Chunk]]]) -> list[Chunk]:
    return [chunk for _, chunks in sorted(pieces, key=itemgetter(0)) for chunk in chunks]


def _is_slow(column: Column) -> bool:
    return bool(getattr(column, "holds_lock", False))


def _cut(columns: Iterable[tuple[int, Column]]) -> list[_Task]:
    """Cut columns into pieces, and group the pieces into tasks of a few megabytes."""
    tasks: list[_Task] = []
    size = float("inf")
    for at, column in columns:
        rows, width = column.rows, column.width
        per_run = CHUNK_ROWS * width
        start = 0
        while True:
            if size >= _TASK_BYTES:
                tasks.append([])
                size = 0.0
            runs = int((_TASK_BYTES - size) / (per_run or 1) + 1)
            stop = min(rows, start + runs * CHUNK_ROWS)
            tasks[-1].append(_Piece(at, column, start, stop))
            size += (stop - start) * width
            start = stop
            if start >= rows:
                break
    return tasks


def _strips(blocks: Iterable[Block]) -> Iterable[_Task]:
    for block in blocks:
        height = max(1, _STRIP_BYTES // max(1, block.values[0].nbytes))
        for start in range(0, len(block.values), height):
            yield [_Strip(block, start, min(start + height, len(block.values)))]


class _Job:
    """The hashing of one object: what is done so far."""

    def __init__(self, recorder: Recorder, progress: Progress | None) -> None:
        self.recorder = recorder
        self.progress = progress
        self.failed = False
        self.pieces: dict[int, list[tuple[int, list[Chunk]]]] = {}

    def work(self, *queues: deque[_Task]) -> None:
        """Do tasks until none is left, the first queue's first."""
        try:
            for queue in queues:
                while not self.failed:
                    try:
                        task = queue.popleft()
                    except IndexError:
                        break
                    self._do(task)
        except BaseException:  # whatever it was, the other threads need not go on
            self.failed = True
            raise

    def _do(self, task: _Task) -> None:
        nbytes = 0
        for part in task:
            if isinstance(part, _Strip):
                nbytes += self._hash_strip(part)
            else:
                chunks = _hash_piece(part)
                self.pieces.setdefault(part.at, []).append((part.start, chunks))
                nbytes += sum([chunk.nbytes for chunk in chunks])
        if self.progress is not None:
            self.progress(nbytes)

    def _hash_strip(self, strip: _Strip) -> int:
        from nbmlops.data.blocks import hash_block, name_block

        block, start, stop = strip
        values, places = block.values[start:stop], block.places[start:stop]
        nbytes = int(values.nbytes)
        names = None if self.recorder.summarizes else name_block(values, block.type, block.sort)
        if names is not None:
            self.recorder.add_named(places, block.type, names, nbytes)
            return nbytes
        for at, hashed in zip(places, hash_block(values, block.type, block.sort), strict=True):
            self.recorder.add(at, hashed)
        return nbytes


def _hash_piece(piece: _Piece) -> list[Chunk]:
    column, start = piece.column, piece.start
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
