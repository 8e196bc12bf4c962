"""Hashed columns to the records that name them, while other threads still hash."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from operator import concat
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from nbmlops.data.canonical import entry, field, number, root_digest
from nbmlops.data.columns import label_bytes, label_text
from nbmlops.data.summaries import summarize
from nbmlops.records.data import ColumnFingerprint, Fingerprint

if TYPE_CHECKING:
    from nbmlops.data.blocks import Named
    from nbmlops.data.hashing import Hashed

__all__ = ["SUMMARIZED_COLUMNS", "Recorder"]

# Nobody reads statistics of more columns than this, and making them would take longest of all.
SUMMARIZED_COLUMNS = 1_000


@lru_cache(maxsize=256)
def _marked_length(length: int) -> bytes:
    """Spell what stands before a column's label of so many ASCII characters."""
    return number(length + 2) + b"cs"


def _put(into: list[Any], places: Sequence[int], values: list[Any]) -> None:
    """Put each value in its place."""
    if isinstance(places, range) and places.step == 1:
        into[places.start : places.stop] = values
        return
    for at, value in zip(places, values, strict=True):
        into[at] = value


class Recorder:
    """One object's columns under their `labels`, put on record in any order, from any thread.

    The first `levels` of them are levels of an index.
    """

    def __init__(self, labels: Sequence[Any], levels: int = 0) -> None:
        self.labels = labels
        self.levels = levels
        self.summarizes = len(labels) <= SUMMARIZED_COLUMNS
        self._columns: list[Any] = [None] * len(labels)
        self._entries = [b""] * len(labels)
        self._nbytes: list[int] = []

    def add(self, at: int, hashed: Hashed) -> None:
        """Put one column on record."""
        label, index = self.labels[at], at < self.levels
        self._columns[at] = ColumnFingerprint(
            name=label_text(label),
            type=hashed.type,
            digest=hashed.digest.hex(),
            nulls=hashed.nulls,
            summary=summarize(hashed) if self.summarizes else {},
            chunks=b64encode(hashed.chunks).decode() if len(hashed.chunks) > 32 else "",
            index=index,
        )
        self._entries[at] = entry(label_bytes(label, index), hashed.digest)
        self._nbytes.append(hashed.nbytes)

    def add_named(self, places: Sequence[int], kind: str, named: Named, nbytes: int) -> None:
        """Put columns on record of which only digests and nulls are known."""
        # This runs for each of tens of thousands of columns, under the interpreter's lock: what
        # can be done for all of them in one call of C's is, and leaves no tuple behind, for the
        # garbage collector would walk them all, again and again.
        labels = [self.labels[at] for at in places]
        if set(map(type, labels)) == {str} and "".join(labels).isascii():
            shown = labels
            heads = map(_marked_length, map(len, labels))
            spelled = list(map(concat, heads, map(str.encode, labels)))
        else:
            shown = [label_text(label) for label in labels]
            spelled = [field(label_bytes(label)) for label in labels]
        columns = [
            ColumnFingerprint(name=label, type=kind, digest=digest.hex())
            for label, digest in zip(shown, named.digests, strict=True)
        ]
        if named.nulls is not None:
            columns = [
                replace(column, nulls=nulls) if nulls else column
                for column, nulls in zip(columns, named.nulls, strict=True)
            ]
        _put(self._columns, places, columns)
        _put(self._entries, places, list(map(concat, spelled, named.digests)))
        self._nbytes.append(nbytes)

    def column(self, at: int) -> ColumnFingerprint:
        """The record of one column, once it is made."""
        found: ColumnFingerprint = self._columns[at]
        return found

    def fingerprint(self, kind: str, extent: tuple[int, ...], name: str | None) -> Fingerprint:
        """Name the whole, once every column is on record."""
        return Fingerprint(
            kind=kind,
            digest=root_digest(kind, extent, self._entries),
            rows=extent[0] if extent else 1,
            nbytes=sum(self._nbytes),
            columns=tuple(self._columns),
            name=name,
            shape=extent if kind in ("array", "sparse") else None,
        )
