"""Tables that arrive as Arrow batches: cut into runs of 65,536 rows and hashed as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from nbmlops.data.arrow import ArrowColumn
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Chunk
from nbmlops.data.crew import worker_count
from nbmlops.data.hashing import Progress, fold, sketch
from nbmlops.data.recording import Recorder
from nbmlops.data.runs import ReadColumn
from nbmlops.records.data import Summary

__all__ = ["Stream", "hash_stream"]


@dataclass(slots=True)
class Stream:
    """A table that can be read once, from front to end."""

    schema: Any
    batches: Iterable[Any]


def hash_stream(stream: Stream, recorder: Recorder, progress: Progress | None = None) -> int:
    """Hash a stream's columns and put them on record; count its rows."""
    width = len(stream.schema)
    chunks: list[list[Chunk]] = [[] for _ in range(width)]
    # What names the columns, without their values: those of the first run need not be kept.
    heads = [_head(ArrowColumn(pa.array([], kind))) for kind in stream.schema.types]
    rows = 0
    sketches: list[Summary] = []
    with (
        _memory_given_back(),
        ThreadPoolExecutor(worker_count(), thread_name_prefix="fingerprint") as pool,
    ):
        for run in _runs(stream):
            columns = [ArrowColumn(run.column(at)) for at in range(width)]
            if not rows:
                heads = [_head(column) for column in columns]
                sketches = [sketch(column) for column in columns]
            rows += run.num_rows
            for at, chunk in enumerate(pool.map(lambda c: c.chunk(0, c.rows), columns)):
                chunks[at].append(chunk)
            # An allocator keeps what a run took, and takes as much again for the next.
            del run, columns
            _give_back()
            if progress is not None:
                progress(sum(of[-1].nbytes for of in chunks))
    if not rows:
        empty = [ArrowColumn(pa.array([], kind)) for kind in stream.schema.types]
        chunks = [[column.chunk(0, 0)] for column in empty]
    for at, (head, of) in enumerate(zip(heads, chunks, strict=True)):
        hashed = fold(head, of, rows)
        if recorder.summarizes and sketches:
            # Of a stream, the first run is the sample.
            seen = min(rows, CHUNK_ROWS)
            hashed.sketch = sketches[at] if seen == rows else {"sampled": seen} | sketches[at]
        recorder.add(at, hashed)
    return rows


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


def _runs(stream: Stream) -> Iterator[Any]:
    """Cut batches of any size into tables of 65,536 rows; only the last is shorter."""
    held: list[Any] = []
    count = 0
    for batch in stream.batches:
        at = 0
        while at < batch.num_rows:
            take = min(CHUNK_ROWS - count, batch.num_rows - at)
            held.append(batch.slice(at, take))
            at += take
            count += take
            if count == CHUNK_ROWS:
                run = pa.Table.from_batches(held, stream.schema)
                held, count = [], 0
                yield run
                del run
        del batch
    if held:
        yield pa.Table.from_batches(held, stream.schema)
