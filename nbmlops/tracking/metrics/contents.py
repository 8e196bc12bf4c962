"""Predictions known again by their content, wherever they were put: a column, a list, a file."""

from __future__ import annotations

import sys
from typing import Any

from nbmlops.records import digest_bytes

__all__ = ["content_of", "roughly"]

_FEWEST = 8  # values; fewer are too easily equal by chance
_MOST_BYTES = 16 << 20  # beyond which a prediction is not read


def content_of(value: Any) -> str | None:
    """A digest of a sequence's values, whatever holds them; None where short, large or odd.

    Values that are all the same, as a baseline's are, say nothing of whose they are.
    """
    numpy = sys.modules.get("numpy")
    sized = hasattr(type(value), "__len__") and not isinstance(value, str | bytes | dict)
    if numpy is None or not sized:
        return None
    if not _FEWEST <= len(value) <= _MOST_BYTES // 8:
        return None
    array = numpy.asarray(value)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.size and bool((array == array.ravel()[0]).all()):
        return None
    if array.dtype.kind in "OUT":
        text = "\0".join(map(str, array.ravel().tolist()))
        return digest_bytes(text.encode("utf-8", "surrogatepass"))
    if array.dtype.kind not in "biuf" or array.nbytes > _MOST_BYTES:
        return None
    plain = numpy.ascontiguousarray(array, dtype="float64")
    return digest_bytes(f"{array.shape}".encode() + plain.tobytes())


def roughly(value: Any) -> int | None:
    """What tells small values apart that cannot be referred to weakly, as numbers and lists."""
    if not isinstance(value, float | list | tuple | dict):
        return None
    try:
        return hash(repr(value)[:10_000])
    except Exception:  # noqa: BLE001 - a user's own __repr__ may raise anything; it then has no content
        return None
