"""Codes of categories, renumbered by first appearance: a dictionary's own order is no content."""

from __future__ import annotations

import numpy as np

from nbmlops.data.numeric import Array

__all__ = ["renumber"]


def renumber(codes: Array, count: int) -> tuple[Array, Array]:
    """Number codes by first appearance (int32), and tell which old code each number stands for.

    `codes` are below `count`; every negative one is missing, and becomes -1.
    """
    codes = codes.astype("i8")
    rows = len(codes)
    if count > max(1024, rows):
        # So many categories are best not touched one by one.
        old, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
        present = np.flatnonzero(old >= 0)
        order = present[np.argsort(first[present], kind="stable")]
        number = np.full(len(old), -1, "i4")
        number[order] = np.arange(len(order), dtype="i4")
        return number[inverse], old[order]
    codes[codes < 0] = count
    first = np.full(count + 1, rows)
    # Written back to front, the earliest place is the one that stays.
    first[codes[::-1]] = np.arange(rows - 1, -1, -1)
    present = np.flatnonzero(first[:count] < rows)
    order = present[np.argsort(first[present], kind="stable")]
    number = np.full(count + 1, -1, "i4")
    number[order] = np.arange(len(order), dtype="i4")
    return number[codes], order
