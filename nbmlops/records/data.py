"""Nouns of the data room: which data was it?"""

from __future__ import annotations

from nbmlops.records.codec import Record


class ColumnFingerprint(Record, frozen=True, kw_only=True):
    """One column's content and cheap statistics.

    `digest` is 64 hex characters; `chunks` are the digests of its runs of 65,536 rows, in order.
    """

    name: str
    type: str
    digest: str
    nulls: int = 0
    summary: dict[str, bool | int | float | str | list[list[str | int]] | None] = {}
    chunks: tuple[str, ...] = ()


class Fingerprint(Record, frozen=True, kw_only=True):
    """The full content of a data object, by name: equal content, equal `digest`.

    `kind` says what it was (``table``, ``array``, ``file`` ...); an object that nbmlops cannot read
    has kind ``unknown``, no digest, and the `reason`. `nbytes` is in bytes.
    """

    format: str = "nb1"
    kind: str
    digest: str = ""
    rows: int | None = None
    nbytes: int = 0
    columns: tuple[ColumnFingerprint, ...] = ()
    name: str | None = None
    reason: str | None = None
