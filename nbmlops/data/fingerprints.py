"""Any data object to its Fingerprint."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from nbmlops.data.canonical import root_digest
from nbmlops.data.columns import NoCanonicalForm, Reading, label_bytes, label_text
from nbmlops.data.readers import open_object
from nbmlops.errors import FingerprintError
from nbmlops.records.data import ColumnFingerprint, Fingerprint

__all__ = ["fingerprint", "multiset_digest"]


def fingerprint(obj: Any, name: str | None = None) -> Fingerprint:
    """Name the whole content of a data object, in the canonical form of docs/fingerprints.md.

    An object that nbmlops does not know gives kind ``unknown`` with the reason, and no error.

    :raises FingerprintError: if the object is of a known kind and cannot be read to its end.
    """
    try:
        return hash_reading(open_object(obj), name)
    except NoCanonicalForm as gap:
        return Fingerprint(kind="unknown", name=name, reason=str(gap))
    except FingerprintError as error:
        what = name or f"a {type(obj).__module__}.{type(obj).__qualname__}"
        raise FingerprintError(f"Cannot fingerprint {what}: {error}") from error


def hash_reading(reading: Reading, name: str | None) -> Fingerprint:
    """Hash what a reader opened, and put it on record."""
    from nbmlops.data.hashing import hash_columns
    from nbmlops.data.summaries import summarize

    hashed = hash_columns([entry.column for entry in reading.entries])
    columns = []
    labels = []
    for entry, found in zip(reading.entries, hashed, strict=True):
        packed = b64encode(b"".join(found.chunks)).decode() if len(found.chunks) > 1 else ""
        columns.append(
            ColumnFingerprint(
                name=label_text(entry.label),
                type=found.type,
                digest=found.digest.hex(),
                nulls=found.nulls,
                summary=summarize(found),
                chunks=packed,
                index=entry.index,
            )
        )
        labels.append((label_bytes(entry.label, entry.index), found.digest))
    return Fingerprint(
        kind=reading.kind,
        digest=root_digest(reading.kind, reading.extent, labels),
        rows=reading.rows,
        nbytes=sum(found.nbytes for found in hashed),
        columns=tuple(columns),
        name=name,
        shape=reading.extent if reading.kind in ("array", "sparse") else None,
    )


def multiset_digest(obj: Any) -> str:
    """Name the rows of a table whatever their order."""
    raise NotImplementedError
