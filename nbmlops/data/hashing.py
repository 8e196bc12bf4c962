"""Columns to digests: runs of 65,536 rows, hashed side by side on every core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from nbmlops.data.canonical import CHUNK_ROWS, column_digest
from nbmlops.data.columns import Block, Chunk, Column, Reading
from nbmlops.data.crew import Crew, Task, worker_count
from nbmlops.data.steadiness import Look, second_looks
from nbmlops.records.data import Summary

if TYPE_CHECKING:
    from nbmlops.data.recording import Recorder

__all__ = ["Hashed", "fold", "hash_reading", "sketch"]

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


def fold(column: Column, chunks: Sequence[Chunk], rows: int | None = None) -> Hashed:
    """Join a column's runs, in order, into its digest and statistics."""
    rows = column.rows if rows is None else rows
    if len(chunks) == 1:
        only = chunks[0]
        name = column_digest(column.type, rows, only.digest, column.extra)
        told = (only.nulls, only.nbytes, only.low, only.high, only.total)
        return Hashed(column.type, rows, name, only.digest, *told)
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


def hash_reading(reading: Reading, recorder: Recorder, progress: Progress | None = None) -> None:
    """Hash every column and put it on record; `progress` hears of bytes as they are done.

    :raises FingerprintError: if it changed meanwhile.
    """
    loose, blocks = reading.loose(), reading.blocks()
    total = sum([column.rows * column.width for _, column in loose])
    total += sum([block.nbytes for block in blocks])
    job = _Job(recorder, progress)
    if total < _INLINE_BYTES:
        for at, column in loose:
            job.hash_pieces([_Piece(at, column, 0, column.rows)])
            job.record(at, column)
        for block in blocks:
            job.hash_strip(_Strip(block, 0, len(block.values)))
        return
    slow = [(at, column) for at, column in loose if _is_slow(column)]
    # While slow ones are hashed, each call of a quick one waits for the lock: those that do most
    # in a call come first.
    quick = sorted(
        [(at, column) for at, column in loose if not _is_slow(column)],
        key=lambda entry: entry[1].width,
        reverse=True,
    )
    with Crew(worker_count()) as crew:
        crew.share(
            [
                *(partial(job.hash_pieces, pieces) for pieces in _cut(quick)),
                *(partial(job.hash_strip, strip) for strip in _strips(blocks)),
            ],
            [partial(job.hash_pieces, pieces) for pieces in _cut(slow)],
        )
        looks = second_looks(reading) if total >= _TASK_BYTES else []
        crew.share(_last_tasks(job, loose, looks))


def _last_tasks(job: _Job, loose: list[tuple[int, Column]], looks: list[Look]) -> list[Task]:
    """Put every loose column on record, each before the looks that are taken at it again."""
    again: dict[int, list[Look]] = {}
    for look in looks:
        again.setdefault(look.at, []).append(look)
    columns = dict(loose)
    order = dict.fromkeys([*again, *columns])
    return [partial(job.finish, at, columns.get(at), again.get(at, ())) for at in order]


def sketch(column: Column) -> Summary:
    """Count a column's distinct values, where it knows how."""
    count = getattr(column, "sketch", None)
    found: Summary = count() if count is not None and column.rows else {}
    return found


def _is_slow(column: Column) -> bool:
    return bool(getattr(column, "holds_lock", False))


def _cut(columns: Iterable[tuple[int, Column]]) -> list[list[_Piece]]:
    """Cut columns into pieces, and group the pieces into tasks of a few megabytes."""
    tasks: list[list[_Piece]] = []
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


def _strips(blocks: Iterable[Block]) -> Iterable[_Strip]:
    for block in blocks:
        height = max(1, _STRIP_BYTES // max(1, block.values[0].nbytes))
        for start in range(0, len(block.values), height):
            yield _Strip(block, start, min(start + height, len(block.values)))


class _Job:
    """The hashing of one object: what is done so far."""

    def __init__(self, recorder: Recorder, progress: Progress | None) -> None:
        self.recorder = recorder
        self.progress = progress
        self.pieces: dict[int, list[tuple[int, list[Chunk]]]] = {}

    def hash_pieces(self, pieces: list[_Piece]) -> None:
        """Hash the runs of some columns."""
        nbytes = 0
        for piece in pieces:
            chunks = _hash_piece(piece)
            self.pieces.setdefault(piece.at, []).append((piece.start, chunks))
            nbytes += sum([chunk.nbytes for chunk in chunks])
        self._told(nbytes)

    def hash_strip(self, strip: _Strip) -> None:
        """Hash short columns and put them on record."""
        from nbmlops.data.blocks import hash_block, name_block

        block, start, stop = strip
        places = block.places[start:stop]
        nbytes = block.nbytes * (stop - start) // len(block.values)
        named = None if self.recorder.summarizes else name_block(block, start, stop)
        if named is not None:
            self.recorder.add_named(places, block.type, named, nbytes)
        else:
            for at, hashed in zip(places, hash_block(block, start, stop), strict=True):
                self.recorder.add(at, hashed)
        self._told(nbytes)

    def finish(self, at: int, column: Column | None, looks: Iterable[Look]) -> None:
        """Put a column on record, unless a block's is already, and look at it a second time."""
        if column is not None:
            self.record(at, column)
        for look in looks:
            look.take(self.recorder)

    def record(self, at: int, column: Column) -> None:
        """Put a column on record whose runs are all hashed."""
        pieces = self.pieces[at]
        if getattr(column, "misread", False):
            pieces = [(0, _hash_piece(_Piece(at, column, 0, column.rows)))]
        chunks = pieces[0][1] if len(pieces) == 1 else _in_order(pieces)
        hashed = fold(column, chunks)
        if self.recorder.summarizes:
            hashed.sketch = sketch(column)
        self.recorder.add(at, hashed)

    def _told(self, nbytes: int) -> None:
        if self.progress is not None:
            self.progress(nbytes)


def _in_order(pieces: list[tuple[int, list[Chunk]]]) -> list[Chunk]:
    return [chunk for _, chunks in sorted(pieces, key=itemgetter(0)) for chunk in chunks]


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
