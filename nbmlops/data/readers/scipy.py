"""scipy.sparse matrices and arrays: the same cells, whatever the format.

Each row's count of entries, their columns in ascending order, and their values; zeros that are
stored count as absent, entries that repeat are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from nbmlops.data.columns import Chunk, Entry, NoCanonicalForm, Reading
from nbmlops.data.numeric import hash_values, numpy_type
from nbmlops.data.readers.numpy import array_column
from nbmlops.data.runs import RunCutter

__all__ = ["read"]

# So many entries are put in order at a time.
_SLAB_ENTRIES = 1_000_000


def read(obj: Any) -> Reading:
    """Open a sparse matrix or array; rows that are in no canonical order are put so in slabs."""
    if not sparse.issparse(obj):
        raise NoCanonicalForm(f"scipy's {type(obj).__qualname__} is no data that nbmlops can read")
    if obj.ndim > 2:
        raise NoCanonicalForm(f"a sparse array of {obj.ndim} dimensions has no canonical form")
    if obj.ndim == 1:
        obj = obj.reshape((1, -1)).tocsr()
        shape: tuple[int, ...] = (obj.shape[1],)
    else:
        shape = obj.shape
    if obj.format not in ("csr", "csc"):
        obj = obj.tocsr()
    if obj.format == "csr" and obj.has_canonical_format and not _holds_zero(obj.data):
        columns = [_Int64Column(obj.indptr, 1), _Int64Column(obj.indices, 0)]
        values = array_column(obj.data)
    else:
        *columns, values = _cut(obj)
    labelled = zip(("counts", "columns", "values"), (*columns, values), strict=True)
    return Reading("sparse", shape, [Entry(label, column) for label, column in labelled])


def _holds_zero(values: Any) -> bool:
    step = _SLAB_ENTRIES
    return any((values[at : at + step] == 0).any() for at in range(0, len(values), step))


class _Int64Column:
    """Whole numbers of any width as 64 bits, or (with `step` 1) the differences between them."""

    __slots__ = ("extra", "rows", "step", "type", "values", "width")

    def __init__(self, values: Any, step: int) -> None:
        self.values = values
        self.step = step
        self.rows = len(values) - step
        self.type = "int64"
        self.width = 8.0
        self.extra = b""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        run = self.values[start : stop + self.step].astype("i8")
        return hash_values(np.diff(run) if self.step else run, "integer")


def _cut(matrix: Any) -> list[Any]:
    """Hash counts, columns and values of a matrix, a slab of rows after another."""
    known = numpy_type(matrix.dtype)
    if known is None:
        raise NoCanonicalForm(f"a sparse matrix of {matrix.dtype} has no canonical form")
    counts, columns = RunCutter("int64", "integer"), RunCutter("int64", "integer")
    values = RunCutter(*known)
    for start, stop in _slabs(matrix):
        slab = matrix[start:stop].tocsr()
        slab.sum_duplicates()
        slab.eliminate_zeros()
        counts.push(np.diff(slab.indptr).astype("i8"))
        columns.push(slab.indices.astype("i8"))
        values.push(slab.data)
    return [counts.column(), columns.column(), values.column()]


def _slabs(matrix: Any) -> Iterator[tuple[int, int]]:
    """Cut the rows so that each slab holds about as many entries."""
    rows = matrix.shape[0]
    if matrix.format == "csr":
        ends = matrix.indptr
    else:
        counts = np.zeros(rows, "i8")
        for at in range(0, len(matrix.indices), _SLAB_ENTRIES):
            counts += np.bincount(matrix.indices[at : at + _SLAB_ENTRIES], minlength=rows)
        ends = np.concatenate([[0], np.cumsum(counts)])
    start = 0
    while start < rows:
        stop = int(np.searchsorted(ends, ends[start] + _SLAB_ENTRIES, side="right")) - 1
        stop = min(rows, max(start + 1, stop))
        yield start, stop
        start = stop
