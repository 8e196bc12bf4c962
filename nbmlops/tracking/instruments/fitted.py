"""What a fitted model says about itself: a search's best candidate, losses, scores."""

from __future__ import annotations

import math
from typing import Any

from nbmlops.records import Metric, Parameter, Scalar, now
from nbmlops.tracking.instruments.curves import take_curve
from nbmlops.tracking.instruments.evaluations import take_evaluations
from nbmlops.tracking.instruments.torch_settings import layers_of
from nbmlops.tracking.trainings.parameters import as_scalar, attributes_of
from nbmlops.tracking.trainings.training import Training

__all__ = ["take_results"]

_ATTRIBUTES = {
    "best_score_": "best_cv_score", "inertia_": "inertia", "loss_": "loss",
    "lower_bound_": "lower_bound",
    "oob_score_": "oob_score", "reconstruction_err_": "reconstruction_error",
}  # fmt: skip


def take_results(training: Training, model: Any) -> None:
    """Add what `model` tells once it is fitted; a pipeline's last step speaks for it."""
    fitted = attributes_of(model)
    if isinstance(steps := fitted.get("steps"), list) and steps:
        take_results(training, steps[-1][1])
    take_evaluations(training, model)
    if "module_" in fitted and "history_" in fitted:
        _take_network(training, fitted)
    for attribute, name in _ATTRIBUTES.items():
        value = fitted.get(attribute)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            training.measure(Metric(name=name, value=float(value), at=now()))
    best = fitted.get("best_params_")
    if isinstance(best, dict):
        training.parameters = (
            *training.parameters,
            *(
                Parameter(name=f"best_{name}"[:250], value=as_scalar(value), is_default=False)
                for name, value in best.items()
            ),
        )
    results = fitted.get("cv_results_")
    if isinstance(results, dict):
        training.tables["candidates"] = _candidates(results)


def _take_network(training: Training, fitted: dict[str, Any]) -> None:
    """skorch's curve; its own pickle needs the notebook's classes, its module's does not."""
    rows = [
        {name: value for name, value in row.items() if not name.endswith(("dur", "batch_count"))}
        for row in fitted["history_"]
    ]
    take_curve(training, "history", rows)
    training.tables["layers"] = layers_of(fitted["module_"])
    training.kept = fitted["module_"]
    training.sample = None


def _candidates(results: dict[str, Any]) -> tuple[dict[str, Scalar], ...]:
    columns = {
        name: list(values)
        for name, values in results.items()
        if name != "params" and not name.startswith("split")
    }
    count = min((len(values) for values in columns.values()), default=0)
    return tuple(
        {name: as_scalar(values[row]) for name, values in columns.items()} for row in range(count)
    )
