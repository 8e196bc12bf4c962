"""Whether two tables hold the same rows in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbmlops.data.alignment import Pair, changed_runs, in_hand, same_extras
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Column
from nbmlops.data.multiset import sum_rows

__all__ = ["are_reordered", "may_be_reordered"]


def may_be_reordered(pair: Pair) -> bool:
    """Rule out most changes for nothing: order moves neither nulls nor the extremes."""
    if pair.old.nulls != pair.new.nulls:
        return False
    keys = ("min", "max")
    return all(pair.old.summary.get(key) == pair.new.summary.get(key) for key in keys)


def are_reordered(pairs: Sequence[Pair]) -> bool | None:
    """Sum the rows of both, where any column differs; None if not all of the data is in hand.

    What is the same in the same place adds the same to both sums, and need not be read.
    """
    held = in_hand(pairs)
    if held is None:
        return None
    olds, news = held
    if not same_extras(olds, news):
        return False
    differing = [at for at, pair in enumerate(pairs) if pair.old.digest != pair.new.digest]
    starts = sorted({start for at in differing for start in changed_runs(pairs[at])})
    # Most often a column that changed does not hold the same values, in whatever order.
    if any(_sum([olds[at]], starts) != _sum([news[at]], starts) for at in differing):
        return False
    return _sum(olds, starts) == _sum(news, starts)


def _sum(columns: list[Column], starts: list[int]) -> bytes:
    rows = columns[0].rows
    total: Any = 0
    for start in starts:
        total = total + sum_rows(columns, start, min(start + CHUNK_ROWS, rows))
    return bytes(total.tobytes())
