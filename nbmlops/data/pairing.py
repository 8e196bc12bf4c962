"""Which column of the old data is which of the new: by name, and else by content."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbmlops.data.alignment import Pair
from nbmlops.records.data import ColumnFingerprint, Fingerprint

__all__ = ["Strays", "held_elsewhere", "keyed", "sort_strays"]

_Key = tuple[str, bool, int]


@dataclass(slots=True)
class Strays:
    """Columns that are in one of the two only, by what became of them."""

    added: list[ColumnFingerprint]
    removed: list[ColumnFingerprint]
    renamed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def keyed(columns: tuple[ColumnFingerprint, ...]) -> dict[_Key, int]:
    """Each column's place by its name, whether it is of an index, and how many stand before it."""
    found: dict[_Key, int] = {}
    counts: dict[tuple[str, bool], int] = {}
    for at, column in enumerate(columns):
        key = (column.name, column.index)
        counts[key] = counts.get(key, -1) + 1
        found[*key, counts[key]] = at
    return found


def sort_strays(removed: list[ColumnFingerprint], added: list[ColumnFingerprint]) -> Strays:
    """Tell columns that went and came with the same content from others.

    An index without a name is told in a note: nobody added it by hand.
    """
    coming = list(added)
    found = Strays(coming, [])
    for column in removed:
        same = [other for other in coming if other.digest == column.digest]
        # Several may hold the same: one of the same name or role is likelier the same.
        same.sort(key=lambda other: (other.name != column.name, other.index != column.index))
        if not same:
            found.removed.append(column)
            continue
        coming.pop(next(at for at, other in enumerate(coming) if other is same[0]))
        if column.name == same[0].name and column.index != same[0].index:
            was, now = ("an index", "a column") if column.index else ("a column", "an index")
            found.notes.append(f"{column.name or 'What has no name'} was {was} and is {now}.")
        else:
            found.renamed.append((column.name, same[0].name))
    for columns, told in (
        (found.removed, "The old data's index is gone."),
        (found.added, "The new data has an index of its own."),
    ):
        unnamed = [column for column in columns if column.index and not column.name]
        if unnamed:
            columns[:] = [column for column in columns if not (column.index and not column.name)]
            found.notes.append(told)
    return found


def held_elsewhere(differing: list[Pair], old: Fingerprint) -> tuple[str, ...]:
    """Tell changed columns that hold what another one held: swapped, or moved by a name."""
    held = {column.digest: column.name for column in reversed(old.columns)}
    return tuple(
        f"{pair.name} holds what {held[pair.new.digest]} held."
        for pair in differing
        if pair.name and held.get(pair.new.digest)
    )
