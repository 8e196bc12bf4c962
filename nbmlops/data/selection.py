"""Rows taken out of a table, or put in among its others: a filter, a sample, a merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from blake3 import blake3

from nbmlops.data.alignment import Move, Pair, in_hand, same_extras
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Column

__all__ = ["selected"]

# To name a value takes a microsecond or so: these are a few seconds.
_MOST_VALUES = 4_000_000


def selected(pairs: list[Pair]) -> Move | None:
    """Rows that one table has and the other lacks, where all of the other's are among them.

    None if that is not so, or if not all data is in hand.
    """
    old_rows, new_rows = pairs[0].rows
    if old_rows == new_rows or not old_rows or not new_rows:
        return None
    held = in_hand(pairs)
    if held is None or not same_extras(*held):
        return None
    if len(pairs) * (old_rows + new_rows) > _MOST_VALUES:
        told = "Whether rows were taken out or put in was not looked for: the data is too large."
        return Move("", 0, pairs, notes=(told,))
    few, many = reversed(held) if new_rows < old_rows else held
    few_rows, many_rows = _row_names(few, many)
    if not few_rows:
        return None
    what = "deleted" if new_rows < old_rows else "inserted"
    in_order = _in_order(few_rows, many_rows)
    return Move(what, abs(old_rows - new_rows), [], reordered=not in_order)


def _row_names(few: list[Column], many: list[Column]) -> tuple[list[bytes], list[bytes]]:
    """Name each row of both; nothing if one of the few is not among the many."""
    named: list[tuple[list[bytes], list[bytes]]] = []
    for one, other in zip(few, many, strict=True):
        found = _cells(one), _cells(other)
        # Most often already one column tells.
        if not _among(*found):
            return [], []
        named.append(found)
    few_rows, many_rows = (
        [blake3(b"".join(row)).digest(16) for row in zip(*side, strict=True)]
        for side in zip(*named, strict=True)
    )
    return (few_rows, many_rows) if _among(few_rows, many_rows) else ([], [])


def _cells(column: Column) -> list[bytes]:
    from nbmlops.data.multiset import cells

    starts = range(0, column.rows, CHUNK_ROWS)
    return [cell for at in starts for cell in cells(column, at, min(at + CHUNK_ROWS, column.rows))]


def _among(few: Iterable[bytes], many: Iterable[bytes]) -> bool:
    return Counter(few) <= Counter(many)


def _in_order(few: list[bytes], many: list[bytes]) -> bool:
    """Whether the few follow one another as they do among the many."""
    rest: Iterator[bytes] = iter(many)
    return all(name in rest for name in few)
