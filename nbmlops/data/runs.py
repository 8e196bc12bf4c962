"""Values that come piece by piece, once: cut into runs of 65,536 and hashed as they come."""

from __future__ import annotations

import numpy as np

from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Chunk
from nbmlops.data.numeric import Array, hash_values

__all__ = ["RangeColumn", "ReadColumn", "RunCutter"]


class ReadColumn:
    """A column that was read once, and of which only its runs' digests are left."""

    __slots__ = ("chunks", "extra", "rows", "type", "width")

    def __init__(self, kind: str, rows: int, chunks: list[Chunk]) -> None:
        self.type = kind
        self.rows = rows
        self.chunks = chunks
        self.width = 0.0
        self.extra = b""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hand over what is known of a whole run.

        :raises ValueError: for any other rows.
        """
        if start % CHUNK_ROWS or stop != min(start + CHUNK_ROWS, self.rows):
            raise ValueError("only whole runs are known of a column that was read once")
        return self.chunks[start // CHUNK_ROWS]


class RangeColumn:
    """A range within 64 bits, written out run by run."""

    __slots__ = ("extra", "range", "rows", "type", "width")

    def __init__(self, numbers: range) -> None:
        self.range = numbers
        self.rows = len(numbers)
        self.type = "int64"
        self.width = 8.0
        self.extra = b""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        run = self.range[start:stop]
        return hash_values(run.start + run.step * np.arange(len(run), dtype="i8"), "integer")


class RunCutter:
    """Hashes pieces of any length as one column of canonical type `kind`."""

    def __init__(self, kind: str, sort: str) -> None:
        self._kind = kind
        self._sort = sort
        self._held: list[Array] = []
        self._waiting = 0
        self._rows = 0
        self._chunks: list[Chunk] = []

    def push(self, values: Array) -> None:
        """Take the next values, one-dimensional."""
        self._rows += len(values)
        self._waiting += len(values)
        self._held.append(values)
        if self._waiting < CHUNK_ROWS:
            return
        joined = self._held[0] if len(self._held) == 1 else np.concatenate(self._held)
        whole = self._waiting - self._waiting % CHUNK_ROWS
        for start in range(0, whole, CHUNK_ROWS):
            self._chunks.append(hash_values(joined[start : start + CHUNK_ROWS], self._sort))
        self._waiting -= whole
        self._held = [joined[whole:].copy()]

    def column(self) -> ReadColumn:
        """End the column."""
        if self._waiting or not self._chunks:
            rest = np.concatenate(self._held) if self._held else np.empty(0, "u1")
            self._chunks.append(hash_values(rest, self._sort if self._held else "opaque"))
        self._held, self._waiting = [], 0
        return ReadColumn(self._kind, self._rows, self._chunks)
