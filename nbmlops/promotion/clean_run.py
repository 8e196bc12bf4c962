"""The proof that a notebook does in a fresh kernel what was tracked. Pure: no I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nbmlops.errors import CheckFailed
from nbmlops.records import CleanRun, MetricAgreement, TrackedRun

__all__ = ["check_clean_run", "pick_clean_run"]


def pick_clean_run(tracked: TrackedRun, candidates: Sequence[TrackedRun]) -> TrackedRun:
    """The clean run's record that answers to `tracked`: the same cell, else the same model class.

    :raises CheckFailed: if the clean run trained no such model, or several.
    """
    same_class = [r for r in candidates if r.model_class == tracked.model_class]
    same_cell = [r for r in same_class if r.cell.source_digest == tracked.cell.source_digest]
    fitting = same_cell or same_class
    if len(fitting) == 1:
        return fitting[0]
    found = ", ".join(r.model_class for r in candidates) or "no model at all"
    raise CheckFailed(
        f"The clean run should train one {tracked.model_class}, as run {tracked.id} did; "
        f"it trained {found}. Look at its output notebook."
    )


def check_clean_run(tracked: TrackedRun, clean: TrackedRun, tolerance: float) -> CleanRun:
    """Hold the clean run's metrics and data against the tracked ones.

    `tolerance` is relative. A metric that only one of the two has does not agree.
    """
    before = {m.name: m.value for m in tracked.metrics}
    after = {m.name: m.value for m in clean.metrics}
    metrics = tuple(
        MetricAgreement(
            name=name,
            tracked=before.get(name),
            clean=after.get(name),
            tolerance=tolerance,
            agrees=name in before
            and name in after
            and _close(before[name], after[name], tolerance),
        )
        for name in sorted(before.keys() | after.keys())
    )
    data_agrees = bool(clean.data_digest) and tracked.data_digest == clean.data_digest
    return CleanRun(
        run_id=clean.id,
        mlflow_run_id=clean.mlflow_run_id,
        started=clean.started,
        duration=clean.duration,
        metrics=metrics,
        data_agrees=data_agrees,
        agrees=data_agrees and bool(metrics) and all(m.agrees for m in metrics),
    )


def _close(a: float | None, b: float | None, tolerance: float) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
