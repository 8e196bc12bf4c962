"""Optuna: a study is one training, its trials its table; a refitted model is a run of its own."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Metric, Scalar, now
from nbmlops.tracking.inputs import Argument
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.solvers import data_read_by
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.parameters import as_scalar, named_parameters
from nbmlops.tracking.trainings import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["OptunaInstrument"]

_SETTINGS = ("n_trials", "timeout", "n_jobs", "gc_after_trial", "show_progress_bar")
_OF_NO_INTEREST = {"n_jobs", "gc_after_trial", "show_progress_bar"}


class OptunaInstrument:
    """Watches ``Study.optimize``."""

    modules = ("optuna.study.study",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the studies, also those that exist already."""

        def optimize(function: Callable[..., Any], study: Any, args: Any, kwargs: Any) -> Any:
            if study is None:
                return function(*args, **kwargs)
            return follow(
                tracker,
                lambda: function(*args, **kwargs),
                lambda: _begin(tracker, function, study, args, kwargs),
                lambda training, _answer: _take(training, study),
            )

        watch(module.Study, "optimize", optimize)


def _begin(
    tracker: Tracker, function: Callable[..., Any], study: Any, args: Any, kwargs: Any
) -> Training:
    bound = inspect.signature(function).bind(*args, **kwargs).arguments
    objective = bound["func"]
    settings = {
        "objective": getattr(objective, "__name__", type(objective).__name__),
        **{k: bound[k] for k in _SETTINGS if bound.get(k) is not None and k not in _OF_NO_INTEREST},
        "direction": ", ".join(direction.name.lower() for direction in study.directions),
        "sampler": type(study.sampler).__name__,
        "pruner": type(study.pruner).__name__,
    }
    # What a study takes of itself.
    defaults = {"sampler": "TPESampler", "pruner": "MedianPruner", "direction": "minimize"}
    parameters, hidden = named_parameters(settings, defaults)
    training = Training(
        model=None,
        model_class="optuna.study.Study",
        name=f"Study of {settings['objective']}",
        parameters=parameters,
        redacted=list(hidden),
        keep_model=False,
    )
    data = [Argument(name, value, name) for name, value in data_read_by(objective)]
    tracker.trainings.begin(training, data)
    return training


def _take(training: Training, study: Any) -> None:
    trials = study.get_trials(deepcopy=False)
    training.tables["trials"] = tuple(_row(trial) for trial in trials)
    done = [trial for trial in trials if trial.values is not None]
    if not done or len(study.directions) > 1:
        return
    best = study.best_trial
    found, hidden = named_parameters({f"best_{k}": v for k, v in best.params.items()})
    training.parameters = (*training.parameters, *found)
    training.redacted += hidden
    value = float(best.value)
    finite = value if math.isfinite(value) else None
    training.metrics.append(Metric(name="best_value", value=finite, at=now()))


def _row(trial: Any) -> dict[str, Scalar]:
    values = list(trial.values or ())
    names = ["value"] if len(values) == 1 else [f"value_{n}" for n in range(len(values))]
    return {
        "number": trial.number,
        "state": trial.state.name.lower(),
        **{name: as_scalar(value) for name, value in zip(names, values, strict=True)},
        **{f"param_{name}": as_scalar(value) for name, value in trial.params.items()},
        "seconds": trial.duration.total_seconds() if trial.duration is not None else None,
    }
