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
from nbmlops.data.pairing import held_elsewhere, keyed, sort_strays
from nbmlops.data.readers import open_object
from nbmlops.data.selection import selected
from nbmlops.errors import FingerprintError
from nbmlops.records.data import ColumnFingerprint, DataDiff, Fingerprint

__all__ = ["compare"]

Progress = Callable[[int], None] | None

# Kinds whose entries are whole objects, not columns of rows.
_HOLDERS = frozenset({"mapping", "sequence", "folder", "sparse"})
# Kinds that have one value of each column in a row.
_ROWED = frozenset({"table", "column", "list", "dataset"})
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
    formats = [side.fingerprint.format for side in (before, after)]
    if formats[0] != formats[1]:
        raise FingerprintError(
            f"{before.label} is on record in format {formats[0]}, {after.label} in {formats[1]}: "
            "digests of two formats tell nothing. Fingerprint both anew."
        )
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
    facts: dict[str, Any] = {"old": before.label, "new": after.label}
    if not {old.kind, new.kind} & _HOLDERS:
        facts |= {"old_rows": old.rows, "new_rows": new.rows}
    if old.digest == new.digest and old.kind == new.kind:
        return DataDiff(identical=True, **facts)
    if old.kind != new.kind and not {old.kind, new.kind} <= {"table", "rows"}:
        note = f"One is of kind {old.kind}, the other of kind {new.kind}."
        return DataDiff(identical=False, notes=(note,), **facts)
    if {old.kind, new.kind} == {"table", "rows"}:
        return _diff_unordered(before, after, facts)
    return _diff_columns(before, after, facts)


def _diff_columns(before: _Side, after: _Side, facts: dict[str, Any]) -> DataDiff:
    """Tell what became of the columns, and then of the rows in those that both sides have."""
    old, new = before.fingerprint, after.fingerprint
    pairs, removed, added = _match(before, after)
    strays = sort_strays(removed, added)
    retyped = [pair for pair in pairs if pair.old.type != pair.new.type]
    pairs = [pair for pair in pairs if pair.old.type == pair.new.type]
    differing = [pair for pair in pairs if pair.old.digest != pair.new.digest]
    facts |= {
        "added": tuple(column.name for column in strays.added),
        "removed": tuple(column.name for column in strays.removed),
        "renamed": tuple(strays.renamed),
        "retyped": tuple((pair.name, pair.old.type, pair.new.type) for pair in retyped),
        "moved": _moved(old, new, pairs),
    }
    if old.kind == "rows":
        return DataDiff(identical=False, changed=_names(differing), **facts)
    # Shuffled rows carry their old places along as an index; those that had none gain one.
    same_columns = not (strays.added or strays.removed or strays.renamed or retyped)
    if differing and old.rows == new.rows and same_columns and _reordered(before, after, pairs):
        return DataDiff(identical=False, reordered=True, **facts)
    facts |= _row_facts(old, new, pairs, differing)
    if strays.notes:
        # They say why the whole differs where no column does.
        facts["notes"] = (*strays.notes, *(facts.get("notes", ()) if differing else ()))
    return DataDiff(identical=False, **facts)


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
        move = _move(pairs) or (selected(pairs) if old.kind in _ROWED else None)
        if move is not None and move.what:
            return _facts_of(move, _row_size(old))
        notes = move.notes if move is not None else ()
    return _changed_facts(old, pairs, differing, notes)


def _facts_of(move: Move, row: int) -> dict[str, Any]:
    counts = {move.what: move.rows, **move.also}
    return {
        **{what: count // row for what, count in counts.items()},
        "changed": _names(move.changed),
        "reordered": move.reordered,
        "notes": move.notes,
    }


def _changed_facts(
    old: Fingerprint, pairs: list[Pair], differing: list[Pair], notes: tuple[str, ...]
) -> dict[str, Any]:
    """Tell which values changed where no row moved, as far as that is known."""
    told = (*notes, *held_elsewhere(differing, old))
    if not is_whole(pairs) and not any(source for pair in pairs for source in pair.sources):
        why = "Whether rows came or went, or values changed, only the data itself could tell."
        told = (*told, why)
    facts: dict[str, Any] = {"changed": _names(differing), "notes": told}
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
    if best is None:
        return None
    changed = {id(pair) for pair in best.changed}
    # A constant column is a prefix of itself however rows moved, and proves nothing of others.
    telling = sum(id(pair) not in changed and not _is_constant(pair) for pair in pairs)
    return best if telling and len(changed) <= telling else None


def _is_constant(pair: Pair) -> bool:
    """Whether a column holds one value only, as far as its record tells."""
    longer = pair.old if pair.rows[0] > pair.rows[1] else pair.new
    told = longer.summary
    if "min" in told:
        return told["min"] == told["max"]
    return told.get("distinct", 0) == 1 or longer.nulls == max(pair.rows)


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
    old, new = before.fingerprint, after.fingerprint
    ours, theirs = keyed(old.columns), keyed(new.columns)
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


def _moved(old: Fingerprint, new: Fingerprint, pairs: list[Pair]) -> bool:
    """Whether the columns that both have stand in another order."""
    places = [pair.places[1] for pair in sorted(pairs, key=lambda pair: pair.places[0])]
    return places != sorted(places)


def _reordered(before: _Side, after: _Side, pairs: list[Pair]) -> bool:
    """Whether the rows are the same in another order."""
    from nbmlops.data.reordering import are_reordered, may_be_reordered

    if any(not may_be_reordered(pair) for pair in pairs if not pair.old.index):
        return False
    content = [pair for pair in pairs if pair.name or not pair.old.index]
    found = are_reordered(content)
    if found is not None:
        return found
    digests = [_multiset_of(side) for side in (before, after)]
    return digests[0] is not None and digests[0] == digests[1]


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
