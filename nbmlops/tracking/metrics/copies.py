"""Models known again by what they hold: saved and loaded, or copied.

They are pickled into a digest, in which nothing tells how memory was laid out or what was shared.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
import warnings
from typing import Any

__all__ = ["content_of_model"]

_MOST_BYTES = 64 << 20  # beyond which a model is not read


def content_of_model(model: Any) -> str | None:
    """A digest of all that a model holds; None where it is large, or cannot be pickled."""
    sink = _Digest()
    pickler = _Pickler(sink, 5)
    pickler.fast = True  # without references to what stood before, which are another in a copy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pickler.dump(model)
    except Exception:  # noqa: BLE001 - any object's pickling may raise anything; it then has no content
        return None
    return sink.hash.hexdigest()


class _Digest:
    """A file that keeps only a digest of what is written to it."""

    def __init__(self) -> None:
        self.hash = hashlib.blake2b(digest_size=16)
        self._length = 0

    def write(self, part: bytes) -> int:
        self._length += len(part)
        if self._length > _MOST_BYTES:
            raise OverflowError(self._length)
        self.hash.update(part)
        return len(part)


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """Arrays by their values: a record's padding and an array's order in memory are no part."""
        numpy = sys.modules.get("numpy")
        if numpy is None:
            return NotImplemented
        if type(obj) is numpy.ma.MaskedArray:
            return tuple, ((obj.tolist(),),)
        if type(obj) is not numpy.ndarray or obj.dtype.hasobject:
            return NotImplemented
        parts = [obj[name] for name in obj.dtype.names] if obj.dtype.names else [obj]
        return tuple, ((str(obj.dtype), obj.shape, *(part.tobytes() for part in parts)),)
