"""Nouns of the data room: which data was it, and what changed since?"""

from __future__ import annotations

import html
from base64 import b64decode

from nbmlops.records.codec import Record

Summary = dict[str, bool | int | float | str | list[list[str | int]] | None]


class ColumnFingerprint(Record, frozen=True, kw_only=True):
    """One column's content and cheap statistics.

    `digest` is 64 hex characters and covers type, row count and every value, not the name. `chunks`
    is base64 of the 32-byte digests of its runs of 65,536 rows, in order; it is empty where there
    is but one run. `index` marks a level of a pandas index.
    """

    name: str
    type: str
    digest: str
    nulls: int = 0
    summary: Summary = {}
    chunks: str = ""
    index: bool = False

    def chunk_digests(self) -> tuple[bytes, ...]:
        """The digests of this column's runs of 65,536 rows, 32 bytes each."""
        packed = b64decode(self.chunks)
        return tuple(packed[at : at + 32] for at in range(0, len(packed), 32))


class Fingerprint(Record, frozen=True, kw_only=True):
    """The full content of a data object, by name: equal content, equal `digest`.

    `kind` says what it was (``table``, ``column``, ``array``, ``file`` ...); an object that nbmlops
    cannot read has kind ``unknown``, no digest, and the `reason`. `shape` is an array's, and `rows`
    its first axis. `nbytes` counts the bytes of content that were hashed. `multiset_digest` names
    the rows whatever their order; it is computed where the engine has no row order (kind ``rows``)
    or where it was asked for.
    """

    format: str = "nb1"
    kind: str
    digest: str = ""
    rows: int | None = None
    nbytes: int = 0
    columns: tuple[ColumnFingerprint, ...] = ()
    name: str | None = None
    reason: str | None = None
    shape: tuple[int, ...] | None = None
    multiset_digest: str | None = None


class DataDiff(Record, frozen=True, kw_only=True):
    """What changed between two data objects; ``str()`` tells it in one paragraph.

    `renamed` and `retyped` hold (name, old, new) and (old name, new name) as their fields say.
    `changed_rows` are half-open ranges of rows, to the grain of 65,536, that hold every change.
    `appended` and `dropped` count rows at the end and at the front. `reordered` means: the same
    rows in another order. `certain` is false where data was not in hand and `notes` says what
    could not be told.
    """

    identical: bool
    old: str
    new: str
    old_rows: int | None = None
    new_rows: int | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    changed: tuple[str, ...] = ()
    changed_rows: tuple[tuple[int, int], ...] = ()
    moved: bool = False
    appended: int | None = None
    dropped: int | None = None
    reordered: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(self.sentences())

    def sentences(self) -> list[str]:
        """Tell the difference, the most important sentence first."""
        if self.identical:
            return [f"{self.new} holds exactly the data of {self.old}."]
        return [f"{self.new} differs from {self.old}.", *self.notes]

    def _repr_html_(self) -> str:
        return "<p>" + html.escape(str(self)) + "</p>"
