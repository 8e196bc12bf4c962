"""What gradient boosting measures while it trains: validation sets, best iteration, folds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from nbmlops.records import Metric, Scalar, now
from nbmlops.tracking.trainings.inputs import Argument, base_name
from nbmlops.tracking.trainings.parameters import as_scalar
from nbmlops.tracking.trainings.training import Training

__all__ = ["early_stopping", "evaluations", "fold_results", "take_evaluations"]

# The libraries' own names for a set without one: XGBoost's, LightGBM's and CatBoost's.
_NUMBERED = re.compile(r"(?:validation|valid|eval|test)_(\d+)$")
_OF_FOLDS = re.compile(r"(?:(train|test|valid|cv_agg)[- ])?(.+)-(mean|std)v?$")


def take_evaluations(training: Training, model: Any) -> None:
    """Add what an estimator measured on its validation sets."""
    try:
        results = model.evals_result_
    except Exception:  # noqa: BLE001 - a property that raises where nothing was evaluated, or no such attribute
        return
    if isinstance(results, Mapping) and all(isinstance(v, Mapping) for v in results.values()):
        evaluations(training, results, model)


def evaluations(training: Training, results: Mapping[str, Any], model: Any) -> None:
    """A metric for each set and measure, as the model that predicts has it; and the series."""
    best = _best_iteration(model)
    rows: dict[int, dict[str, Scalar]] = {}
    names = {label: _set_name(training, str(label)) for label in results}
    told = list(names.values())
    for label, measures in results.items():
        # Two sets cut from one table are told apart by what the library calls them.
        data = names[label] if told.count(names[label]) == 1 else str(label)
        for measure, values in measures.items():
            series = list(values) if isinstance(values, list | tuple) else [values]
            if not series:
                continue
            name = f"{measure}_{data}"
            at = best[1] if best and best[1] < len(series) else -1
            training.measure(Metric(name=name, value=float(series[at]), at=now(), data=data))
            for step, value in enumerate(series):
                rows.setdefault(step, {"step": step})[name] = float(value)
    if best:
        training.measure(Metric(name="best_iteration", value=float(best[0]), at=now()))
    if len(rows) > 1:
        training.tables["evaluation"] = tuple(rows[step] for step in sorted(rows))


def fold_results(training: Training, columns: Mapping[str, Any]) -> None:
    """The last row of a ``cv``'s history as metrics, the whole of it as a table."""
    spelled: dict[str, list[Any]] = {}
    for column, values in columns.items():
        match = _OF_FOLDS.match(str(column))
        if match is None or not len(values):
            continue
        before = "train_" if match[1] == "train" else ""
        name = f"{before}{match[2].replace(' ', '_')}_cv_{match[3]}"
        spelled[name] = list(values)
        training.measure(Metric(name=name, value=float(spelled[name][-1]), at=now()))
    rounds = max(map(len, spelled.values()), default=0)
    training.tables["evaluation"] = tuple(
        {"step": step, **{n: as_scalar(v[step]) for n, v in spelled.items() if step < len(v)}}
        for step in range(rounds)
    )


def early_stopping(callbacks: Iterable[Any] | None) -> dict[str, Any]:
    """The patience that a callback of XGBoost's or LightGBM's brings in."""
    for callback in callbacks or ():
        for name in ("stopping_rounds", "rounds"):
            if isinstance(rounds := getattr(callback, name, None), int):
                return {"early_stopping_rounds": rounds}
    return {}


def _best_iteration(model: Any) -> tuple[int, int] | None:
    """The best iteration as the library counts it, and its place in the series from 0."""
    for name in ("best_iteration_", "best_iteration"):
        try:
            value = getattr(model, name)
        except Exception:  # noqa: BLE001, S112 - XGBoost's property raises where nothing stopped early
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            if type(model).__module__.startswith("lightgbm"):
                return (value, value - 1) if value > 0 else None  # counted from 1
            return (value, value) if value >= 0 else None
    return None


def _set_name(training: Training, label: str) -> str:
    """What the user calls the set that the library calls `label`."""
    names = {i.role: base_name(Argument(i.role, None, i.name)) for i in training.inputs}
    if label in {"learn", "training", "train"} and "X" in names:
        return names["X"] if label != "train" else label
    match = _NUMBERED.match(label)
    number = match[1] if match else "0" if label == "validation" else None
    if number is None:
        return label
    for role in (f"eval_set[{number}].X", f"valid_sets[{number}].X", f"evals[{number}].X"):
        if role in names:
            return names[role]
    return names.get("eval_set.X", label)
