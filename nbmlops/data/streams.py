"""Tables that arrive as Arrow batches: cut into runs of 65,536 rows and hashed as they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from nbmlops.data.arrow_column import ArrowColumn
from nbmlops.data.arrow_types import type_name
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Chunk
from nbmlops.data.crew import worker_count
from nbmlops.data.hashing import Progress, fold, sketch
from nbmlops.data.recording import Recorder
from nbmlops.data.runs import ReadColumn
from nbmlops.errors import FingerprintError
from nbmlops.records.data import Summary

__all__ = ["Stream", "hash_stream"]


# Columns that are read together: what so many rows of them take is held at once.
_PART_BYTES = 8_000_000
_TEXT_BYTES = 64


@dataclass(slots=True)
class Stream:
    """A table that is read from front to end.

    `part` reads only the columns at some places, as often as it is called; without it, `batches`
    can be read once, all columns together.
    """

    schema: Any
    batches: Iterable[Any]
    part: Callable[[Sequence[int]], Iterable[Any]] | None = None


def hash_stream(stream: Stream, recorder: Recorder, progress: Progress | None = None) -> int:
    """Hash a stream's columns and put them on record; count its rows.

    :raises FingerprintError: if it changed between the reading of its columns.
    """
    counts: set[int] = set()
    with (
        _memory_given_back(),
        ThreadPoolExecutor(worker_count(), thread_name_prefix="fingerprint") as pool,
    ):
        for places in _parts(stream):
            batches = stream.batches if stream.part is None else stream.part(places)
            schema = pa.schema([stream.schema.field(at) for at in places])
            counts.add(_Part(places, schema, recorder, progress).hash(batches, pool))
    if len(counts) > 1:
        raise FingerprintError(
            f"it changed while it was hashed: it had {min(counts):,} rows, then {max(counts):,}. "
            "Hash a copy of it, or wait until its writer is done."
        )
    return counts.pop()


def _parts(stream: Stream) -> list[Sequence[int]]:
    """Places of the columns to read together."""
    places = range(len(stream.schema))
    if stream.part is None or not places:
        return [places]
    parts: list[list[int]] = []
    size = float("inf")
    for at, kind in zip(places, stream.schema.types, strict=True):
        try:
            width = kind.bit_width / 8
        except ValueError:  # of no fixed width
            width = _TEXT_BYTES
        if size + width * CHUNK_ROWS > _PART_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(at)
        size += width * CHUNK_ROWS
    return list(parts)


class _Part:
    """Columns of a stream that are read together, to be put on record at their `places`."""

    def __init__(
        self, places: Sequence[int], schema: Any, recorder: Recorder, progress: Progress | None
    ) -> None:
        self.places = places
        self.schema = schema
        self.recorder = recorder
        self.progress = progress
        self.chunks: list[list[Chunk]] = [[] for _ in places]
        for kind in schema.types:
            type_name(kind)  # refused here, before Arrow is asked for an array of it
        # What names the columns, without their values: those of the first run need not be kept.
        self.heads = [_head(ArrowColumn(pa.array([], kind))) for kind in schema.types]
        self.sketches: list[Summary] = []

    def hash(self, batches: Iterable[Any], pool: ThreadPoolExecutor) -> int:
        """Hash run by run, and count the rows."""
        rows = 0
        for run in _runs(batches, self.schema):
            columns = [ArrowColumn(column) for column in run.columns]
            if not rows:
                self.heads = [_head(column) for column in columns]
                self.sketches = [sketch(column) for column in columns]
            rows += run.num_rows
            found = list(pool.map(lambda c: c.chunk(0, c.rows), columns))
            for of, chunk in zip(self.chunks, found, strict=True):
                of.append(chunk)
            # An allocator keeps what a run took, and takes as much again for the next.
            del run, columns
            _give_back()
            if self.progress is not None:
                self.progress(sum([chunk.nbytes for chunk in found]))
        if not rows:
            empty = [ArrowColumn(pa.array([], kind)) for kind in self.schema.types]
            self.chunks = [[column.chunk(0, 0)] for column in empty]
        self._record(rows)
        return rows

    def _record(self, rows: int) -> None:
        for at, (place, head, of) in enumerate(
            zip(self.places, self.heads, self.chunks, strict=True)
        ):
            hashed = fold(head, of, rows)
            if self.recorder.summarizes and self.sketches:
                # Of a stream, the first run is the sample.
                seen = min(rows, CHUNK_ROWS)
                sample = {} if seen == rows else {"sampled": seen}
                hashed.sketch = sample | self.sketches[at]
            self.recorder.add(place, hashed)


_giving_back = threading.Lock()
_kept_pools: list[Any] = []


@contextmanager
def _memory_given_back() -> Iterator[None]:
    """Let Arrow take memory from the system's allocator, which gives back what was freed.

    Its own keeps tens of megabytes. A buffer knows whose it is, so others may go on meanwhile.
    """
    with _giving_back:
        _kept_pools.append(pa.default_memory_pool())
        pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        with _giving_back:
            if len(_kept_pools) == 1:  # the last to end puts back what the first one found
                pa.set_memory_pool(_kept_pools[0])
            _kept_pools.pop()


def _give_back() -> None:
    # Parquet's reader goes on using Arrow's own allocator, whatever the default is.
    for pool in {id(pool): pool for pool in (pa.default_memory_pool(), *_kept_pools)}.values():
        pool.release_unused()


def _head(column: ArrowColumn) -> ReadColumn:
    head = ReadColumn(column.type, 0, [])
    head.extra = column.extra
    return head


def _runs(batches: Iterable[Any], schema: Any) -> Iterator[Any]:
    """Cut batches of any size into tables of 65,536 rows; only the last is shorter."""
    held: list[Any] = []
    count = 0
    for batch in batches:
        at = 0
        while at < batch.num_rows:
            take = min(CHUNK_ROWS - count, batch.num_rows - at)
            held.append(batch.slice(at, take))
            at += take
            count += take
            if count == CHUNK_ROWS:
                run = pa.Table.from_batches(held, schema)
                held, count = [], 0
                yield run
                del run
        del batch
    if held:
        yield pa.Table.from_batches(held, schema)
