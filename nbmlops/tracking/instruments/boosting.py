"""The native training functions of XGBoost and LightGBM: ``train`` and ``cv``."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Metric, now
from nbmlops.tracking.frames import name_of
from nbmlops.tracking.inputs import Argument, arguments_of
from nbmlops.tracking.instruments.estimators import EstimatorWatch, class_path
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.sklearn_metrics import replace_functions
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.parameters import named_parameters
from nbmlops.tracking.trainings import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["LightgbmInstrument", "XgboostInstrument"]

_DATA = ("dtrain", "train_set")
_SETS = ("evals", "valid_sets")
_OPTIONS = (
    "num_boost_round", "early_stopping_rounds", "nfold", "stratified", "seed", "metrics", "folds",
    "maximize", "shuffle",
)  # fmt: skip


class BoostingInstrument:
    """Watches ``train`` and ``cv``, and what their data sets were made from."""

    modules: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the functions, the data sets' constructors and the booster's prediction."""
        made: dict[int, tuple[Any, list[Argument]]] = {}

        def construct(
            function: Callable[..., Any], instance: Any, args: Any, kwargs: dict[str, Any]
        ) -> Any:
            answer = function(*args, **kwargs)
            if tracker.watching and not tracker.activity.busy:
                try:
                    made[id(instance)] = _sources(tracker, made, function, instance, args, kwargs)
                except Exception as error:  # noqa: BLE001 - the user's data comes first; `fault` tells
                    tracker.fault("a data set", error)
            return answer

        def train(function: Callable[..., Any], _: Any, args: Any, kwargs: dict[str, Any]) -> Any:
            return _train(tracker, made, function, args, kwargs)

        for name in self.datasets:
            if hasattr(module, name):
                watch(getattr(module, name), "__init__", construct)
        replace_functions(tracker, module, ["train", "cv"], train)
        watcher = EstimatorWatch(tracker)
        watcher.watch_class(module.Booster, own_only=True)


class XgboostInstrument(BoostingInstrument):
    """XGBoost's native interface; its estimators are watched as scikit-learn's are."""

    modules = ("xgboost",)
    datasets = ("DMatrix", "QuantileDMatrix")


class LightgbmInstrument(BoostingInstrument):
    """LightGBM's native interface; its estimators are watched as scikit-learn's are."""

    modules = ("lightgbm",)
    datasets = ("Dataset",)


def _sources(
    tracker: Tracker,
    made: dict[int, Any],
    function: Callable[..., Any],
    instance: Any,
    *call: Any,
) -> tuple[Any, list[Argument]]:
    """What a data set was made from; the library may free it, so its names are kept beside it."""
    args, kwargs = call
    data, _ = arguments_of(function, args, kwargs, tracker.frames(), tracker.namespace)
    roles = {"data": "X", "label": "y", "weight": "sample_weight"}
    kept = [Argument(roles[a.role], a.value, a.name) for a in data if a.role in roles]
    key = id(instance)
    return weakref.ref(instance, lambda _gone: made.pop(key, None)), [
        Argument(a.role, _weak(a.value), a.name) for a in kept
    ]


def _weak(value: Any) -> Any:
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


def _train(
    tracker: Tracker,
    made: dict[int, Any],
    function: Callable[..., Any],
    args: Any,
    kwargs: dict[str, Any],
) -> Any:
    results: dict[str, Any] = {}

    def begin() -> Training:
        nonlocal results
        signature = inspect.signature(function)
        bound = signature.bind(*args, **kwargs).arguments
        if function.__name__ == "train" and "evals_result" in signature.parameters:
            given = kwargs.setdefault("evals_result", results)
            results = results if given is None else given
        return _begin(tracker, made, function, bound)

    def after(training: Training, answer: Any) -> None:
        if function.__name__ == "cv":
            _folds(training, answer)
            return
        training.model = answer
        training.model_class = class_path(answer)
        _evaluations(training, results or getattr(answer, "best_score", None) or {})

    return follow(tracker, lambda: function(*args, **kwargs), begin, after)


def _begin(
    tracker: Tracker, made: dict[int, Any], function: Callable[..., Any], bound: dict[str, Any]
) -> Training:
    library = function.__module__.split(".", maxsplit=1)[0]
    values = dict(bound.get("params") or {})
    values.update({name: bound[name] for name in _OPTIONS if bound.get(name) is not None})
    parameters, hidden = named_parameters(values)
    data: list[Argument] = []
    frames = tracker.frames()
    for name in _DATA:
        if name in bound:
            data += _of_set(made, bound[name], name_of(bound[name], tracker.namespace, frames), "")
    for name in _SETS:
        for number, entry in enumerate(bound.get(name) or ()):
            dataset, label = entry if isinstance(entry, tuple) else (entry, None)
            if dataset is not bound.get("dtrain") and dataset is not bound.get("train_set"):
                called = name_of(dataset, tracker.namespace, frames) or label
                data += _of_set(made, dataset, called, f"{name}[{number}].")
    cross = function.__name__ == "cv"
    training = Training(
        kind="cross-validation" if cross else "training",
        model=None,
        model_class=f"{library}.Booster",
        name=f"{library}.{function.__name__}",
        parameters=parameters,
        redacted=list(hidden),
        keep_model=not cross,
    )
    tracker.begin_training(training, data)
    return training


def _of_set(made: dict[int, Any], dataset: Any, name: str | None, prefix: str) -> list[Argument]:
    found = made.get(id(dataset))
    parts = []
    if found is not None and found[0]() is dataset:
        for part in found[1]:
            value = part.value()
            if value is not None:
                parts.append(Argument(f"{prefix}{part.role}", value, part.name))
    return parts or [Argument(f"{prefix}X", dataset, name or "data")]


def _evaluations(training: Training, results: dict[str, Any]) -> None:
    """One metric a set and measure: its last value, and where it was reached as a table."""
    rows: dict[int, dict[str, Any]] = {}
    for data, measures in results.items():
        for measure, values in measures.items():
            series = list(values) if isinstance(values, list) else [values]
            name = f"{measure}_{data}"
            training.metrics.append(
                Metric(name=name, value=float(series[-1]), at=now(), data=str(data))
            )
            for step, value in enumerate(series):
                rows.setdefault(step, {"step": step})[name] = float(value)
    if len(rows) > 1:
        training.tables["evaluation"] = tuple(rows[step] for step in sorted(rows))


def _folds(training: Training, answer: Any) -> None:
    columns = answer.to_dict("list") if hasattr(answer, "to_dict") else dict(answer)
    for name, values in columns.items():
        if len(values):
            spelled = name.replace(" ", "_")
            training.metrics.append(
                Metric(name=f"{spelled}_cv", value=float(list(values)[-1]), at=now())
            )
