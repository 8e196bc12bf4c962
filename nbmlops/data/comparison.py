"""Two data objects to their DataDiff: what changed since?"""

from __future__ import annotations

from typing import Any

from nbmlops.data.fingerprints import fingerprint
from nbmlops.records.data import ColumnFingerprint, DataDiff, Fingerprint

__all__ = ["compare"]


def compare(old: Any, new: Any) -> DataDiff:
    """Tell what changed from `old` to `new`; each is a data object or its Fingerprint."""
    before = old if isinstance(old, Fingerprint) else fingerprint(old)
    after = new if isinstance(new, Fingerprint) else fingerprint(new)
    ours = {column.name: column for column in before.columns}
    theirs = {column.name: column for column in after.columns}
    common = [name for name in ours if name in theirs]
    retyped = [n for n in common if ours[n].type != theirs[n].type]
    return DataDiff(
        identical=bool(before.digest) and before.digest == after.digest,
        old=before.name or "the old data",
        new=after.name or "the new data",
        old_rows=before.rows,
        new_rows=after.rows,
        added=tuple(n for n in theirs if n not in ours),
        removed=tuple(n for n in ours if n not in theirs),
        retyped=tuple((n, ours[n].type, theirs[n].type) for n in retyped),
        changed=tuple(n for n in common if n not in retyped and _differs(ours[n], theirs[n])),
    )


def _differs(old: ColumnFingerprint, new: ColumnFingerprint) -> bool:
    return old.digest != new.digest
