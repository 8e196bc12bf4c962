"""Two data objects to their DataDiff: what changed since?"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nbmlops.data.alignment import Move, Pair, appended, changed_ranges, cut, dropped, is_whole
from nbmlops.data.columns import Reading
from nbmlops.data.fingerprints import fingerprint, hash_opened, multiset_of, naming
from nbmlops.data.objects import NoCanonicalForm
from nbmlops.data.readers import open_object
from nbmlops.errors import FingerprintError
from nbmlops.records.data import ColumnFingerprint, DataDiff, Fingerprint

__all__ = ["compare"]

Progress = Callable[[int], None] | None

# Kinds whose entries are whole objects, not columns of rows.
_HOLDERS = frozenset({"mapping", "sequence", "folder", "sparse"})
_TABULAR = {".parquet": "parquet", ".feather": "feather", ".arrow": "feather", ".csv": "csv"}


class _Side:
    """One of the two: its fingerprint, and the data where any run of its rows can be read again."""

    def __init__(self, obj: Any, default: str, progress: Progress = None) -> None:
        self.label = default
        self.reading: Reading | None = None
        if isinstance(obj, Fingerprint):
            self.fingerprint = obj
            self.label = obj.name or default
        elif isinstance(obj, (str, os.PathLike)):
            self.label = os.fsdecode(obj)
            self.fingerprint = fingerprint(obj, self.label, progress=progress)
        else:
            try:
                with naming(obj):
                    opened = open_object(obj)
                    self.fingerprint = hash_opened(opened, None, progress)
            except NoCanonicalForm as gap:
                self.fingerprint = Fingerprint(kind="unknown", reason=str(gap))
                return
            self.reading = opened if isinstance(opened, Reading) else None


def compare(old: Any, new: Any, *, progress: Progress = None) -> DataDiff:
    """Tell what changed from `old` to `new`; each is a data object, a path or a Fingerprint.

    From two fingerprints alone it tells columns exactly and rows to the grain of 65,536; with the
    data in hand it tells rows exactly. Two Parquet, Feather or CSV files whose bytes differ are
    read and compared as tables. `progress` hears of bytes as files are hashed.

    :raises FingerprintError: if one cannot be read, or is of no kind that can be compared.
    """
    before, after = _Side(old, "the old data", progress), _Side(new, "the new data", progress)
    for side in (before, after):
        if side.fingerprint.kind == "unknown":
            raise FingerprintError(f"{side.label} cannot be compared: {side.fingerprint.reason}.")
    if before.fingerprint.digest != after.fingerprint.digest:
        tables = _as_tables(old, new)
        if tables is not None:
            labels = before.label, after.label
            before, after = (_Side(table, "", progress) for table in tables)
            before.label, after.label = labels
    return _diff(before, after)


def _as_tables(old: Any, new: Any) -> list[Any] | None:
    """Open two files as tables, if both are of a format that holds one."""
    if not all(isinstance(obj, (str, os.PathLike)) for obj in (old, new)):
        return None
    paths = [Path(os.fsdecode(obj)) for obj in (old, new)]
    formats = [_TABULAR.get(path.suffix.lower()) for path in paths]
    if None in formats:
        return None
    import pyarrow as pa
    import pyarrow.dataset as datasets

    try:
        pairs = zip(paths, formats, strict=True)
        return [datasets.dataset(path, format=kind).to_table() for path, kind in pairs]
    except (pa.ArrowInvalid, OSError):
        return None  # the bytes are not what the suffix says; that they differ still holds


def _diff(before: _Side, after: _Side) -> DataDiff:
    old, new = before.fingerprint, after.fingerprint
    facts: dict[str, Any] = {
        "old": before.label,
        "new": after.label,
        "old_rows": old.rows,
        "new_rows": new.rows,
    }
    if old.digest == new.digest and old.kind == new.kind:
        return DataDiff(identical=True, **facts)
    if old.kind != new.kind and not {old.kind, new.kind} <= {"table", "rows"}:
        note = f"One is of kind {old.kind}, the other of kind {new.kind}."
        return DataDiff(identical=False, notes=(note,), **facts)
    if {old.kind, new.kind} == {"table", "rows"}:
        return _diff_unordered(before, after, facts)
    pairs, removed, added = _match(before, after)
    renamed = _renamed(removed, added)
    removed = [c for c in removed if c.name not in {pair[0] for pair in renamed}]
    added = [c for c in added if c.name not in {pair[1] for pair in renamed}]
    retyped = [pair for pair in pairs if pair.old.type != pair.new.type]
    pairs = [pair for pair in pairs if pair.old.type == pair.new.type]
    differing = [pair for pair in pairs if pair.old.digest != pair.new.digest]
    facts |= {
        "added": tuple(column.name for column in added),
        "removed": tuple(column.name for column in removed),
        "renamed": tuple(renamed),
        "retyped": tuple((pair.name, pair.old.type, pair.new.type) for pair in retyped),
        "moved": _moved(old, new, pairs),
    }
    if old.kind == "rows":
        return DataDiff(identical=False, changed=_names(differing), **facts)
    if differing and old.rows == new.rows and not (renamed or retyped):
        # Shuffled rows carry their old places along as an index; those that had none gain one.
        only_index = all(column.index and not column.name for column in (*added, *removed))
        if only_index and _reordered(before, after, [p for p in pairs if not p.old.index]):
            facts |= {"added": (), "removed": ()}
            return DataDiff(identical=False, reordered=True, **facts)
    return DataDiff(identical=False, **facts, **_row_facts(old, new, pairs, differing))


def _names(pairs: Sequence[Pair]) -> tuple[str, ...]:
    return tuple(pair.name for pair in pairs)


def _row_facts(
    old: Fingerprint, new: Fingerprint, pairs: list[Pair], differing: list[Pair]
) -> dict[str, Any]:
    """Tell rows that came, went or changed, column by column."""
    if not differing:
        return {"notes": _label_note(old, new, pairs)}
    if old.kind in _HOLDERS:
        return {"changed": _names(differing)}
    notes: tuple[str, ...] = ()
    if old.shape is not None and new.shape is not None and old.shape[1:] != new.shape[1:]:
        notes = (f"The shape was {old.shape} and is {new.shape}.",)
    elif pairs:
        move = _move(pairs)
        if move is not None:
            row = _row_size(old)
            counts = {move.what: move.rows, **move.also}
            return {
                **{what: count // row for what, count in counts.items()},
                "changed": _names(move.changed),
                "notes": move.notes,
            }
    facts: dict[str, Any] = {"changed": _names(differing), "notes": notes}
    if is_whole(pairs) and not notes:
        ranges, values = changed_ranges(differing)
        row = _row_size(old)
        rows = tuple((start // row, -(-stop // row)) for start, stop in ranges)
        facts |= {"changed_rows": rows, "changed_values": values}
    return facts


def _move(pairs: list[Pair]) -> Move | None:
    """What moved the rows: the move that leaves the fewest columns unexplained, if not most."""
    best: Move | None = None
    for tell in (appended, cut, dropped):
        move = tell(pairs)
        if move is not None and not move.changed:
            return move
        best = best or move
    # A constant column is a prefix of any longer one, and proves nothing about the others.
    return best if best is not None and 2 * len(best.changed) < len(pairs) else None


def _row_size(of: Fingerprint) -> int:
    """How many hashed values make a row: one, but in an array of more dimensions."""
    return max(1, math.prod(of.shape[1:])) if of.shape else 1


def _length(of: Fingerprint) -> int:
    return (of.rows or 0) * (_row_size(of) if of.kind == "array" else 1)


def _label_note(old: Fingerprint, new: Fingerprint, pairs: list[Pair]) -> tuple[str, ...]:
    if old.shape != new.shape:
        return (f"The shape was {old.shape} and is {new.shape}.",)
    same = [(c.name, c.digest) for c in old.columns] == [(c.name, c.digest) for c in new.columns]
    if same and pairs:
        return ("Every value is the same; a column's label changed its type (0 is not '0').",)
    return ()


def _match(
    before: _Side, after: _Side
) -> tuple[list[Pair], list[ColumnFingerprint], list[ColumnFingerprint]]:
    """Pair columns by name; of columns that share a name, the first with the first, and so on."""

    def keyed(side: _Side) -> dict[tuple[str, bool, int], int]:
        found: dict[tuple[str, bool, int], int] = {}
        counts: dict[tuple[str, bool], int] = {}
        for at, column in enumerate(side.fingerprint.columns):
            key = (column.name, column.index)
            counts[key] = counts.get(key, -1) + 1
            found[*key, counts[key]] = at
        return found

    ours, theirs = keyed(before), keyed(after)
    old, new = before.fingerprint, after.fingerprint
    rows = _length(old), _length(new)
    pairs = []
    for key, at in ours.items():
        if key in theirs:
            to = theirs[key]
            sources = _source(before, at), _source(after, to)
            pairs.append(Pair(old.columns[at], new.columns[to], rows, sources, (at, to)))
    removed = [old.columns[at] for key, at in ours.items() if key not in theirs]
    added = [new.columns[at] for key, at in theirs.items() if key not in ours]
    return pairs, removed, added


def _source(side: _Side, at: int) -> Any:
    column = None if side.reading is None else side.reading.entries[at].column
    return None if hasattr(column, "chunks") else column  # read once, and not to be read again


def _renamed(
    removed: list[ColumnFingerprint], added: list[ColumnFingerprint]
) -> list[tuple[str, str]]:
    """Columns that went and came with the same content."""
    coming = list(added)
    renamed = []
    for column in removed:
        same = [other for other in coming if other.digest == column.digest]
        if same:
            coming.remove(same[0])
            renamed.append((column.name, same[0].name))
    return renamed


def _moved(old: Fingerprint, new: Fingerprint, pairs: list[Pair]) -> bool:
    """Whether the columns that both have stand in another order."""
    places = [pair.places[1] for pair in sorted(pairs, key=lambda pair: pair.places[0])]
    return places != sorted(places)


def _reordered(before: _Side, after: _Side, pairs: list[Pair]) -> bool:
    """Whether the rows are the same in another order."""
    if any(not _may_be_reordered(pair) for pair in pairs):
        return False
    digests = [_multiset_of(side) for side in (before, after)]
    return digests[0] is not None and digests[0] == digests[1]


def _may_be_reordered(pair: Pair) -> bool:
    """Rule out most changes for nothing: order moves neither nulls nor the extremes."""
    if pair.old.nulls != pair.new.nulls:
        return False
    keys = ("min", "max")
    return all(pair.old.summary.get(key) == pair.new.summary.get(key) for key in keys)


def _multiset_of(side: _Side) -> str | None:
    if side.fingerprint.multiset_digest is not None:
        return side.fingerprint.multiset_digest
    if side.reading is None:
        return None
    try:
        return multiset_of(side.reading).digest()
    except NoCanonicalForm:
        return None  # an array, say: its rows cannot be told apart from its columns


def _diff_unordered(before: _Side, after: _Side, facts: dict[str, Any]) -> DataDiff:
    """Compare a table with rows that have no order."""
    digests = [_multiset_of(side) for side in (before, after)]
    if None in digests:
        note = "One has no row order and the other's order-free digest is not known."
        return DataDiff(identical=False, notes=(note,), **facts)
    if digests[0] == digests[1]:
        return DataDiff(identical=True, **facts)
    note = "Their rows differ, whatever the order."
    return DataDiff(identical=False, notes=(note,), **facts)
