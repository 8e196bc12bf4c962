"""Codes of categories, renumbered by first appearance: a dictionary's own order is no content."""

from __future__ import annotations

import numpy as np

from nbmlops.data.numeric import Array
from nbmlops.errors import FingerprintError

__all__ = ["renumber"]


# So many rows tell the order of a few categories, nearly always.
_HEAD = 4_096
_FEW = 256
_UNSEEN = -2


def renumber(codes: Array, count: int) -> tuple[Array, Array]:
    """Number codes by first appearance (int32), and tell which old code each number stands for.

    Every negative code is missing, and becomes -1.

    :raises FingerprintError: if a code is not below `count`.
    """
    if len(codes):
        if codes.max() >= count:
            raise FingerprintError(
                "a code of it stands for none of its categories. Check how it was made, or decode "
                "it first."
            )
        if codes.min() < -1:
            codes = np.maximum(codes, -1)
    if count > max(1024, len(codes)):
        return _renumber_sparsely(codes)
    if count <= _HEAD < len(codes):
        order = _order(codes[:_HEAD], count)
        numbers = _numbered(codes, order, count)
        if len(order) == count or numbers.min() > _UNSEEN:
            return numbers, order
    order = _order(codes, count)
    return _numbered(codes, order, count), order


def _order(codes: Array, count: int) -> Array:
    """Which codes are there, by first appearance."""
    rows = len(codes)
    if rows <= _FEW:
        met = dict.fromkeys(codes.tolist())
        met.pop(-1, None)
        return np.array(list(met), "i8")
    first = np.full(count + 1, rows)  # the last place is that of code -1
    # Written back to front, the earliest place is the one that stays.
    first[codes[::-1].astype("i8")] = np.arange(rows - 1, -1, -1)
    present = np.flatnonzero(first[:count] < rows)
    return present[np.argsort(first[present], kind="stable")]


def _numbered(codes: Array, order: Array, count: int) -> Array:
    """Each code's number; a missing one's stands at the end, where -1 finds it."""
    numbers = np.full(count + 1, _UNSEEN, "i4")
    numbers[order] = np.arange(len(order), dtype="i4")
    numbers[count] = -1
    # All codes are in bounds: to wrap them is quicker than to check each.
    found: Array = numbers.take(codes, mode="wrap")
    return found


def _renumber_sparsely(codes: Array) -> tuple[Array, Array]:
    """Number codes without a table of all categories: they are too many to touch one by one."""
    old, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    present = np.flatnonzero(old >= 0)
    order = present[np.argsort(first[present], kind="stable")]
    number = np.full(len(old), -1, "i4")
    number[order] = np.arange(len(order), dtype="i4")
    return number[inverse], old[order]
