"""Fixed-width values: numbers, booleans and times, hashed where they lie.

A missing float is the quiet NaN, a missing time the smallest 64-bit integer, both in place, so a
NumPy buffer is hashed without a copy. Other types carry zeros there, and a bitmap after the values
(one bit a row, set where there is a value, lowest bit first) in each run that misses any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from blake3 import blake3

from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Chunk
from nbmlops.errors import FingerprintError

__all__ = [
    "NumericColumn",
    "bitmap",
    "describe",
    "hash_fixed",
    "hash_values",
    "numpy_type",
    "quieted",
]

NAT = np.iinfo(np.int64).min
_BLOCK_BYTES = 2**21
Array = np.ndarray[Any, Any]


def bitmap(valid: Array) -> bytes:
    """Pack one bit a row, lowest first."""
    return np.packbits(valid, bitorder="little").tobytes()


def _hash_floats(values: Array, missing: Array | None = None) -> Chunk:
    """Hash contiguous floats; `missing` marks nulls besides the NaNs."""
    if missing is not None:
        values = values.copy()
        values[missing] = np.nan
    if not len(values):
        return Chunk(blake3(b"").digest(), 0, 0)
    low = np.minimum.reduce(values)
    if low == low:  # noqa: PLR0124 - a NaN among the values would differ from itself
        high = np.maximum.reduce(values)
        return Chunk(_digest(values), 0, values.nbytes, low, high, _total(values))
    absent = np.isnan(values)
    nulls = int(np.count_nonzero(absent))
    digest = _digest(quieted(values, absent, nulls))
    if nulls == len(values):
        return Chunk(digest, nulls, values.nbytes)
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    present = np.where(absent, np.zeros((), values.dtype), values)
    return Chunk(digest, nulls, values.nbytes, low, high, _total(present))


def _hash_times(values: Array) -> Chunk:
    """Hash contiguous 64-bit counts whose smallest number means: missing."""
    if not len(values):
        return Chunk(blake3(b"").digest(), 0, 0)
    low, nulls = np.minimum.reduce(values), 0
    present = values
    if low == NAT:
        absent = values == NAT
        nulls = int(np.count_nonzero(absent))
        present = values[~absent]
        if not len(present):
            return Chunk(_digest(values), nulls, values.nbytes)
        low = np.minimum.reduce(present)
    high = np.maximum.reduce(present)
    return Chunk(_digest(values), nulls, values.nbytes, low, high, _total(present, low, high))


def hash_fixed(values: Array, missing: Array | None = None, statistics: bool = True) -> Chunk:
    """Hash contiguous values of any width, with zeros and a bitmap where they are missing."""
    tail = b""
    nulls = 0
    present = values
    if missing is not None:
        nulls = int(np.count_nonzero(missing))
    if nulls and missing is not None:
        present = values[~missing]
        values = values.copy()
        values[missing] = np.zeros((), values.dtype)
        tail = bitmap(~missing)
    hasher = blake3(values.view(np.uint8).data)
    if tail:
        hasher.update(tail)
    nbytes = values.nbytes + len(tail)
    if not statistics or not len(present):
        return Chunk(hasher.digest(), nulls, nbytes)
    low, high = np.minimum.reduce(present), np.maximum.reduce(present)
    return Chunk(hasher.digest(), nulls, nbytes, low, high, _total(present, low, high))


def _hash_bools(values: Array, missing: Array | None = None) -> Chunk:
    """Hash booleans, a byte each: 0 or 1 and nothing else."""
    octets = values.view("u1")
    if len(octets) and octets.max() > 1:
        octets = (octets != 0).view("u1")
    return hash_fixed(octets, missing)


def quieted(values: Array, absent: Array, nulls: int) -> Array:
    """Make every NaN the same one, whatever its sign and payload; nearly always it is already."""
    bits = values.view(f"u{values.itemsize}")
    quiet = np.array(np.nan, values.dtype).view(bits.dtype)
    if np.count_nonzero(bits == quiet) == nulls:
        return values
    values = values.copy()
    values[absent] = np.nan
    return values


def _digest(values: Array) -> bytes:
    return blake3(values.view(np.uint8).data).digest()


def _total(values: Array, low: Any = None, high: Any = None) -> float:
    if low is not None and max(-int(low), int(high)) < 2**47:
        # A run is at most 2**16 long, so this sum is exact, and quicker than one of floats.
        return float(np.add.reduce(values, dtype=np.int64))
    with np.errstate(invalid="ignore"):  # infinities of both signs have no sum
        return float(np.add.reduce(values, dtype=np.float64))


@dataclass(slots=True)
class NumericColumn:
    """A one-dimensional NumPy buffer, any stride and byte order, with an optional null mask.

    `sort` is ``float``, ``complex``, ``bool``, ``time``, ``seconds``, ``integer`` or ``opaque``.
    """

    values: Array
    type: str
    sort: str
    missing: Array | None = None
    extra: bytes = b""

    @property
    def rows(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def width(self) -> float:
        """Bytes in a row."""
        return float(self.values.dtype.itemsize)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        missing = None if self.missing is None else self.missing[start:stop]
        return hash_values(self.values[start:stop], self.sort, missing)

    def runs(self, start: int, count: int) -> list[Chunk]:
        """Hash `count` whole runs of 65,536 rows from row `start` on, a few at a time."""
        values = self.values[start : start + count * CHUNK_ROWS]
        if self.missing is not None or not values.flags.c_contiguous or not values.dtype.isnative:
            stop = start + count * CHUNK_ROWS
            return [self.chunk(at, at + CHUNK_ROWS) for at in range(start, stop, CHUNK_ROWS)]
        return hash_rows(values.reshape(count, CHUNK_ROWS), self.sort)


def hash_rows(block: Array, sort: str) -> list[Chunk]:
    """Hash each row of a contiguous block as a run of values.

    Statistics are taken of several rows at once, while they are in the cache: each call into NumPy
    hands the interpreter's lock over, and that costs more than the arithmetic.
    """
    if sort not in ("float", "integer", "time"):
        return [hash_values(row, sort) for row in block]
    if sort == "time":
        block = block.view("i8")
    height = max(1, _BLOCK_BYTES // max(1, block[0].nbytes))
    found: list[Chunk] = []
    for start in range(0, len(block), height):
        rows, told = describe(block[start : start + height], sort)
        size = rows[0].nbytes
        found += [
            Chunk(blake3(row.data).digest(), nulls, size, low, high, total)
            for row, (nulls, low, high, total) in zip(rows.view(np.uint8), told, strict=True)
        ]
    return found


def describe(rows: Array, sort: str) -> tuple[Array, list[tuple[int, Any, Any, Any]]]:
    """Put each row of a block in canonical form; tell its nulls, extremes and sum.

    `sort` is ``float``, ``integer`` or ``time`` (as int64).
    """
    length = rows.shape[1]
    lows, highs = np.minimum.reduce(rows, axis=1), np.maximum.reduce(rows, axis=1)
    nulls = np.zeros(len(rows), "i8")
    present = rows
    absent = None
    if sort == "float" and np.isnan(lows).any():
        absent = np.isnan(rows)
        rows = quieted(rows, absent, int(np.count_nonzero(absent)))
        lows, highs = np.fmin.reduce(rows, axis=1), np.fmax.reduce(rows, axis=1)
        present = np.where(absent, np.zeros((), rows.dtype), rows)
    elif sort == "time" and (lows == NAT).any():
        absent = rows == NAT
        highest = np.iinfo(np.int64).max
        lows = np.minimum.reduce(rows, axis=1, where=~absent, initial=highest)
        present = np.where(absent, 0, rows)
    if absent is not None:
        nulls = np.count_nonzero(absent, axis=1)
    sums = _totals(present, sort, lows, highs)
    told = zip(nulls.tolist(), lows.tolist(), highs.tolist(), sums.tolist(), strict=True)
    if absent is None:
        return rows, list(told)
    return rows, [(n, *rest) if n < length else (n, None, None, None) for n, *rest in told]


def _totals(rows: Array, sort: str, lows: Array, highs: Array) -> Array:
    """Sum each row of a block, exactly where that is quicker."""
    with np.errstate(invalid="ignore"):  # infinities of both signs have no sum
        if sort == "float":
            return np.asarray(np.add.reduce(rows, axis=1, dtype=np.float64))
        small = max(-int(lows.min()), int(highs.max())) < 2**47
        return np.asarray(np.add.reduce(rows, axis=1, dtype=np.int64 if small else np.float64))


def hash_values(values: Array, sort: str, missing: Array | None = None) -> Chunk:
    """Hash any run of values of one `sort`, copying it only where it does not lie in order."""
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if not values.flags.c_contiguous:
        values = np.ascontiguousarray(values)
    if sort == "float":
        return _hash_floats(values, missing)
    if missing is not None and sort in ("time", "seconds", "complex"):
        values = values.copy()
        values[missing] = complex(np.nan, np.nan) if sort == "complex" else NAT
    if sort == "time":
        return _hash_times(values.view("i8"))
    if sort == "seconds":
        return _hash_times(_seconds_to_milliseconds(values.view("i8")))
    if sort == "bool":
        return _hash_bools(values, missing)
    if sort == "complex":
        parts = _hash_floats(values.view(values.real.dtype))
        nulls = int(np.count_nonzero(np.isnan(values))) if parts.nulls else 0
        return Chunk(parts.digest, nulls, parts.nbytes)
    return hash_fixed(values, missing, statistics=sort == "integer")


def _seconds_to_milliseconds(values: Array) -> Array:
    # Milliseconds are the coarsest unit that every library has.
    absent = values == NAT
    values = np.where(absent, 0, values)
    limit = 2**63 // 1000 - 1
    if len(values) and (values.max() > limit or values.min() < -limit):
        raise FingerprintError(
            "A time in seconds lies more than 292 million years from 1970, where milliseconds end."
        )
    return np.where(absent, NAT, values * 1000)


def numpy_type(dtype: np.dtype[Any]) -> tuple[str, str] | None:  # noqa: PLR0911 - one return for each case
    """The canonical type of a NumPy dtype and its sort; None for text, bytes and objects."""
    kind = dtype.kind
    if kind == "b":
        return "bool", "bool"
    if kind in "iu":
        return f"{'u' if kind == 'u' else ''}int{dtype.itemsize * 8}", "integer"
    if kind == "f" and dtype.itemsize <= 8:
        return f"float{dtype.itemsize * 8}", "float"
    if kind == "c" and dtype.itemsize <= 16:
        return f"complex{dtype.itemsize * 8}", "complex"
    if kind in "mM":
        unit, count = np.datetime_data(dtype)
        if kind == "M" and (unit, count) == ("D", 1):
            return "date", "time"
        name = "timestamp" if kind == "M" else "duration"
        if (unit, count) == ("s", 1):
            return f"{name}[ms]", "seconds"
        return f"{name}[{'' if count == 1 else count}{unit}]", "time"
    return None
