"""How much of a run was captured: its gaps, and a score from 0 to 1 computed from them."""

from __future__ import annotations

import msgspec

from nbmlops.records import Gap, TrackedRun

__all__ = ["score", "with_gaps", "without_gaps"]

# What each kind of gap takes from a whole record. Without its data or model a run cannot be redone.
_WEIGHTS = {
    "data": 0.2,
    "model": 0.2,
    "cell": 0.2,
    "slice": 0.15,
    "instrument": 0.15,
    "parameters": 0.1,
    "notebook": 0.1,
    "metrics": 0.1,
    "local module": 0.1,
    "file": 0.1,
    "seed": 0.05,
    "environment": 0.05,
}


def score(gaps: tuple[Gap, ...]) -> float:
    """1 without gaps; each distinct kind takes its weight once, a second of the kind half of it."""
    taken: dict[str, float] = {}
    for gap in gaps:
        weight = _WEIGHTS.get(gap.what, 0.05)
        taken[gap.what] = min(taken.get(gap.what, weight / 2) + weight / 2, 2 * weight)
    return round(max(0.0, 1.0 - sum(taken.values())), 2)


def with_gaps(run: TrackedRun, *gaps: Gap) -> TrackedRun:
    """`run` with more gaps, and its score computed anew."""
    together = tuple(dict.fromkeys((*run.gaps, *gaps)))
    return msgspec.structs.replace(run, gaps=together, completeness=score(together))


def without_gaps(run: TrackedRun, *gaps: Gap) -> TrackedRun:
    """`run` without those gaps, which were closed since, and its score computed anew."""
    left = tuple(gap for gap in run.gaps if gap not in gaps)
    return msgspec.structs.replace(run, gaps=left, completeness=score(left))
