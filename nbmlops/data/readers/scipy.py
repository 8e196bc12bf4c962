"""scipy.sparse matrices and arrays: the same cells, whatever the format.

Each row's count of entries, their columns in ascending order, and their values; zeros that are
stored count as absent, entries that repeat are added.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from nbmlops.data.columns import Entry, NoCanonicalForm, Reading
from nbmlops.data.numeric import NumericColumn
from nbmlops.data.readers.numpy import array_column

__all__ = ["read"]


def read(obj: Any) -> Reading:
    """Open a sparse matrix or array; one that is no canonical CSR is copied to become so."""
    if not sparse.issparse(obj):
        raise NoCanonicalForm(f"scipy's {type(obj).__qualname__} is no data that nbmlops can read")
    if obj.ndim > 2:
        raise NoCanonicalForm(f"a sparse array of {obj.ndim} dimensions has no canonical form")
    if obj.ndim == 1:
        obj = obj.reshape((1, -1)).tocsr()
        shape: tuple[int, ...] = (obj.shape[1],)
    else:
        shape = obj.shape
    rows = obj.tocsr()
    if not rows.has_canonical_format or (rows.data == 0).any():
        rows = rows.copy() if rows is obj else rows
        rows.sum_duplicates()
        rows.eliminate_zeros()
    return Reading(
        "sparse",
        shape,
        [
            Entry("counts", _whole(np.diff(rows.indptr))),
            Entry("columns", _whole(rows.indices)),
            Entry("values", array_column(rows.data)),
        ],
    )


def _whole(numbers: Any) -> NumericColumn:
    # Indices are 32 or 64 bits wide as the matrix happens to need.
    return NumericColumn(np.asarray(numbers).astype("i8", copy=False), "int64", "integer")
