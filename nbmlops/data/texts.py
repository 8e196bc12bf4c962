"""Python texts, hashed as the canonical form of `string`: all lengths, then all bytes.

Joined, once by nothing and once by a character that none of them holds, they pass through C in two
calls; one by one they would hold the interpreter's lock three times as long.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from blake3 import blake3

from nbmlops.data.columns import Chunk
from nbmlops.data.numeric import Array

__all__ = ["Values", "hash_texts", "listed", "pieces"]

# A NumPy array of objects, or a list or tuple.
Values = Any

_PIECE_BYTES = 2_000_000
_PIECE_ROWS = 16_384
_HELD_BYTES = 8_000_000
_SAMPLE = 64


def hash_texts(values: Values) -> Chunk | None:
    """Hash a run of texts; None if it holds anything but texts that UTF-8 can spell without NUL."""
    lengths = np.empty(len(values), "u4")
    held: list[bytes] = []
    nbytes = 0
    for start, stop in pieces(values):
        spelled = _spell(values[start:stop])
        if spelled is None:
            return None
        lengths[start:stop], content = spelled
        nbytes += len(content)
        if nbytes <= _HELD_BYTES:
            held.append(content)
    hasher = blake3(lengths.view("u1").data)
    if nbytes > _HELD_BYTES:
        # Lengths come first: texts too long to be held meanwhile are spelled a second time.
        held = []
        for start, stop in pieces(values):
            again = _spell(values[start:stop])
            if again is None:
                return None
            hasher.update(again[1])
    for content in held:
        hasher.update(content)
    return Chunk(hasher.digest(), 0, lengths.nbytes + nbytes)


def pieces(values: Values) -> Iterator[tuple[int, int]]:
    """Cut a run so that each piece stays in the cache, going by a sample of the lengths."""
    sample = values[:: max(1, len(values) // _SAMPLE)]
    try:
        longest = max(map(len, sample), default=0)
    except TypeError:  # numbers, or nothing, among them
        longest = max(
            [len(value) for value in sample if isinstance(value, (str, bytes))], default=0
        )
    rows = min(_PIECE_ROWS, max(1, _PIECE_BYTES // (longest + 1)))
    for start in range(0, len(values), rows):
        yield start, min(start + rows, len(values))


def listed(values: Values) -> list[Any]:
    """As a list, which C reads three times as fast as an array of objects."""
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _spell(run: Values) -> tuple[Array, bytes] | None:
    """The lengths and the bytes of texts."""
    values = listed(run)
    try:
        content = "".join(values).encode()
        joined = np.frombuffer("\0".join(values).encode(), "u1")
    except (TypeError, UnicodeEncodeError):  # something else, or a lone surrogate
        return None
    ends = np.flatnonzero(joined == 0)
    if len(ends) != len(values) - 1 or len(joined) > 2**32:
        return None  # one of them may hold a NUL, or be 4 GiB long, which the caller refuses
    starts = np.empty(len(values) + 1, "i8")
    starts[0], starts[1:-1], starts[-1] = 0, ends + 1, len(joined) + 1
    return np.subtract(starts[1:], starts[:-1], dtype="i8") - 1, content
