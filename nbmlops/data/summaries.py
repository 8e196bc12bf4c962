"""Cheap statistics of a column, from what its runs told while they were hashed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from nbmlops.data.hashing import Hashed
from nbmlops.data.sketches import flags
from nbmlops.records.data import Summary

__all__ = ["summarize"]

_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}


def summarize(hashed: Hashed) -> Summary:
    """State min, max and mean of numbers and times, and what is known of distinct values."""
    kind = hashed.type
    if hashed.low is None or hashed.total is None:
        return hashed.sketch
    mean = float(hashed.total) / (hashed.rows - hashed.nulls)
    if kind == "bool":
        true = round(hashed.total)
        return {"mean": mean} | flags(true, hashed.rows - hashed.nulls - true)
    if kind.startswith(("timestamp[", "date")):
        return _times(kind, int(hashed.low), int(hashed.high), mean)
    if kind.startswith("float"):
        return {"min": _number(hashed.low), "max": _number(hashed.high), "mean": _number(mean)}
    return {"min": int(hashed.low), "max": int(hashed.high), "mean": _number(mean)}


def _number(value: Any) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(number)  # JSON has no infinity


def _times(kind: str, low: int, high: int, mean: float) -> Summary:
    unit = kind.removeprefix("timestamp[").rstrip("]").partition(",")[0]
    scale = 1 / 86_400 if kind == "date" else _PER_SECOND.get(unit)
    if scale is None:
        return {"min": low, "max": high, "mean": mean}
    instants = {"min": low / scale, "max": high / scale, "mean": mean / scale}
    return {name: _instant(seconds, kind) for name, seconds in instants.items()}


def _instant(seconds: float, kind: str) -> str | float:
    try:
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return seconds
    if kind == "date":
        return instant.date().isoformat()
    text = instant.isoformat()
    return text if "," in kind else text.removesuffix("+00:00")
