"""What a trainer noted epoch by epoch, and what it measured afterwards, as metrics."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.records import Metric, now
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["add_judgement", "add_to_origin", "as_number", "take_curve"]

_MOST_POINTS = 1000  # of a curve; a longer one is thinned out evenly


def take_curve(
    training: Training, table: str, rows: Iterable[Mapping[str, Any]], *, by: str = "epoch"
) -> None:
    """Keep one dict a step as table `table` and as metrics; the column `by` counts the steps."""
    told = [
        {name: number for name, value in row.items() if (number := as_number(value)) is not None}
        for row in rows
    ]
    every = max(1, math.ceil(len(told) / _MOST_POINTS))
    kept = [row for n, row in enumerate(told) if n % every == 0 or n == len(told) - 1]
    at = now()
    for number, row in enumerate(kept):
        step = int(row.get(by, number))
        training.metrics += [
            Metric(name=name, value=value if math.isfinite(value) else None, at=at, step=step)
            for name, value in row.items()
            if name != by
        ]
    if kept:
        training.tables[table] = tuple(
            {n: v if math.isfinite(v) else None for n, v in row.items()} for row in kept
        )


def add_judgement(
    tracker: Tracker, run_id: str, values: Mapping[str, Any], data: str | None
) -> None:
    """Put what was measured on the data called `data` on run `run_id`, under names that say so."""
    for name, value in values.items():
        number = as_number(value)
        if number is not None:
            tracker.metrics.add(run_id, f"{name}_{data}" if data else name, number, data)


def add_to_origin(tracker: Tracker, name: str, value: Any, seen: list[Any]) -> None:
    """A metric was computed from the values `seen`; the model that made one of them gets it."""
    number = as_number(value)
    if number is None:
        return
    origin = tracker.origin(seen)
    if origin is None:
        tracker.metrics.unlinked(name, number)
    else:
        add_judgement(tracker, origin.run_id, {name: number}, origin.data)


def as_number(value: Any) -> float | None:
    """A number, or an array or tensor of one, as a float; None for anything else."""
    if isinstance(value, bool | str) or value is None:
        return None
    if isinstance(value, numbers.Real):
        return float(value)
    if hasattr(value, "item") and math.prod(getattr(value, "shape", (0,))) == 1:
        return float(value.item())
    return None
