"""Whether data stood still while it was hashed: a sample of it, hashed a second time.

Memory cannot be locked against its other writers, so what is written to places out of the sample
goes unseen; docs/fingerprints.md says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbmlops.data.canonical import CHUNK_ROWS, column_digest
from nbmlops.data.columns import Column, Reading, label_text
from nbmlops.errors import FingerprintError

if TYPE_CHECKING:
    from nbmlops.data.recording import Recorder
    from nbmlops.records.data import ColumnFingerprint

__all__ = ["Look", "second_looks"]

# Evenly spread runs, hashed again: milliseconds, where hashing the whole took tens of them.
_RUNS = 8


class Look(NamedTuple):
    """A run, to be hashed again: from row `start` on, of the column at place `at`."""

    at: int
    column: Column
    start: int

    def take(self, recorder: Recorder) -> None:
        """Hash it again, once its column is on record.

        :raises FingerprintError: if it is not what it was.
        """
        stop = min(self.start + CHUNK_ROWS, self.column.rows)
        if not _stands(self.column, self.start, stop, recorder.column(self.at)):
            label = label_text(recorder.labels[self.at])
            what = f"column {label!r}" if label else "its content"
            raise FingerprintError(
                f"it changed while it was hashed: {what} is not what it was in rows "
                f"{self.start:,} to {stop - 1:,}. Hash a copy of it, or wait until its writer is "
                "done."
            )


def second_looks(reading: Reading) -> list[Look]:
    """Choose a few runs of a large object, evenly spread; those that take longest come first."""
    looks = [
        Look(at, column, start)
        for at, column in reading.loose()
        for start in range(0, max(1, column.rows), CHUNK_ROWS)
    ]
    looks = [looks[at] for at in _spread(len(looks))]
    for block in reading.blocks():
        rows = _spread(len(block.places))
        looks += [Look(block.places[row], block.column(row), 0) for row in rows]
    # Reading Python objects takes longest: begun last, one would be waited for alone.
    looks.sort(key=lambda look: not getattr(look.column, "holds_lock", False))
    return looks


def _spread(count: int) -> list[int]:
    """Places among `count`, the first and the last included."""
    return sorted({(count - 1) * at // (_RUNS - 1) for at in range(_RUNS)}) if count else []


def _stands(column: Column, start: int, stop: int, record: ColumnFingerprint) -> bool:
    digest = column.chunk(start, stop).digest
    if record.chunks:
        return digest == record.chunk_digests()[start // CHUNK_ROWS]
    return column_digest(column.type, column.rows, digest, column.extra).hex() == record.digest
