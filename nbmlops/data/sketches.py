"""How many distinct values a column has, and the commonest of a few categories.

Records travel into MLflow, the journal and notebooks, so a value of the data stands in them only
where it names a group and no person: of flags and of columns that their owner declared categorical,
with at most 50 distinct values, each in at least 10 rows; never of text, whatever it holds. A value
that looks like an address or a key is left out even then.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbmlops.records.data import Summary

if TYPE_CHECKING:
    from nbmlops.data.numeric import Array

__all__ = [
    "arrow_texts",
    "categories",
    "flags",
    "stretches",
    "texts",
]

_CATEGORY_SAMPLE = 65_536
_TEXT_SAMPLE = 4_096
_MOST_DISTINCT = 50
_FEWEST_ROWS = 10
_PRIME = 2_654_435_761
_SHOWN = 5
_STRETCH = 64
# So few are counted in Python before Arrow has begun.
_FEW = 256
_LONGEST = 40
_PRIVATE = re.compile(r"@|://|(?=\S*\d)(?=\S*[A-Za-z])\S{16,}|\d{7,}")


def places(rows: int, sample: int) -> Array | None:
    """Rows to look at, spread over all of them by no period that data could share; None for all."""
    import numpy as np

    if rows <= sample:
        return None
    # Multiples of a large prime meet no row twice.
    return np.asarray(np.arange(sample, dtype="u8") * np.uint64(_PRIME) % np.uint64(rows), "i8")


def stretches(rows: int) -> list[tuple[int, int]]:
    """Rows of text to look at, from and to: all, or some next to each other in many places."""
    starts = places(rows - _STRETCH, _TEXT_SAMPLE // _STRETCH) if rows > _TEXT_SAMPLE else None
    if starts is None:
        return [(0, rows)]
    return [(start, start + _STRETCH) for start in starts.tolist()]


def texts(distinct: int, sampled: int, rows: int) -> Summary:
    """Tell how many distinct values were met, and in how many rows if not in all."""
    told: Summary = {"distinct": distinct}
    return told | {"sampled": sampled} if sampled < rows else told


def arrow_texts(array: Any) -> Summary:
    """Count distinct texts in an Arrow array; of a long one, in 64 stretches of 64 rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from nbmlops.data.arrow_types import is_view

    if len(array) <= _FEW:
        present = {value for value in array.to_pylist() if value is not None}
        return texts(len(present), len(array), len(array))
    sample = array
    if len(array) > _TEXT_SAMPLE:
        # Arrow can slice every array, and pick single values only from some.
        cut = [array.slice(start, stop - start) for start, stop in stretches(len(array))]
        pieces = [piece for each in cut for piece in getattr(each, "chunks", [each])]
        sample = pa.chunked_array(pieces, array.type)
    if is_view(array.type):
        sample = sample.cast(pa.large_string())
    distinct = pc.count_distinct(sample, mode="only_valid").as_py()
    return texts(distinct, len(sample), len(array))


def categories(codes: Array, dictionary: Any) -> Summary:
    """Count a sample of codes into an Arrow dictionary; negative ones are missing."""
    import numpy as np

    chosen = places(len(codes), _CATEGORY_SAMPLE)
    sample = codes if chosen is None else codes[chosen]
    counts = np.bincount(sample.astype("i8") + 1, minlength=1)[1:]
    used = np.flatnonzero(counts)
    told = texts(len(used), len(sample), len(codes))
    if len(used) > _MOST_DISTINCT:
        return told
    order = used[np.argsort(-counts[used], kind="stable")][:_SHOWN]
    named = [(dictionary[int(at)].as_py(), int(counts[at])) for at in order]
    return _with_top(told, named)


def flags(true: int, false: int) -> Summary:
    """Count a column of booleans."""
    named = sorted([("true", true), ("false", false)], key=lambda pair: -pair[1])
    present = [pair for pair in named if pair[1]]
    return _with_top({"distinct": len(present)}, present)


def _with_top(told: Summary, named: list[tuple[Any, int]]) -> Summary:
    top: list[list[str | int]] = [
        [str(value), count] for value, count in named if count >= _FEWEST_ROWS and _is_shown(value)
    ]
    return told | ({"top": top} if top else {})


def _is_shown(value: Any) -> bool:
    if not isinstance(value, (bool, int, str)):
        return False
    text = str(value)
    return len(text) <= _LONGEST and not _PRIVATE.search(text)
