"""Keras 3: ``fit``, ``evaluate`` and ``predict``, whatever the backend."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Parameter, Scalar
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.instruments.curves import add_judgement, take_curve
from nbmlops.tracking.instruments.estimators import EstimatorWatch, data_name
from nbmlops.tracking.instruments.following import follow, quietly
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.examples import example_of
from nbmlops.tracking.trainings.inputs import PAIR, Argument, Steps, arguments_of, tables_of
from nbmlops.tracking.trainings.parameters import as_scalar, named_parameters, parameters_of
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["KerasInstrument"]

_OF_NO_INTEREST = {"verbose", "callbacks", "initial_epoch"}
_TABLES = ("class_weight",)  # settings that are dicts
_MOST_LAYERS = 500


class KerasInstrument:
    """Watches the methods by which every Keras model is trained, judged and used."""

    modules = ("keras",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the backend's trainer, which every model class derives from."""

        def fit(function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]) -> Any:
            return _fit(tracker, function, model, args, kwargs)

        def evaluate(
            function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
        ) -> Any:
            return _evaluate(tracker, function, model, args, kwargs)

        for base in module.Model.__mro__:
            if base.__module__.startswith("keras."):
                for name, watcher in (("fit", fit), ("evaluate", evaluate)):
                    if name in vars(base):
                        watch(base, name, watcher)
        trainer = next(base for base in module.Model.__mro__ if "predict" in vars(base))
        EstimatorWatch(tracker).watch_predictions(trainer)


def _fit(
    tracker: Tracker, function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
) -> Any:
    def begin() -> Training:
        frames, space = tracker.frames(), tracker.namespace
        data, options = arguments_of(function, args, kwargs, frames, space, parts=_parts)
        training = Training(
            model=model,
            model_class=class_path(model),
            name=class_path(model).rpartition(".")[2],
            random=True,
        )
        options |= {n: as_scalar(kwargs[n]) for n in _TABLES if kwargs.get(n) is not None}
        settings, hidden = _settings(function, model, options)
        made, more_hidden = _made_with(tracker, model)
        training.parameters = (*made, *settings)
        training.redacted = [*more_hidden, *hidden]
        training.tables["layers"] = _layers(model)
        data = [a for a in data if a.role not in _OF_NO_INTEREST]
        tracker.trainings.begin(training, data)
        if any(a.role.startswith("X[") for a in data):
            training.sample = _example(model, data)
        return training

    def after(training: Training, history: Any) -> None:
        columns = dict(getattr(history, "history", {}))
        epochs = list(getattr(history, "epoch", []))
        take_curve(
            training,
            "history",
            ({"epoch": e, **{k: v[n] for k, v in columns.items()}} for n, e in enumerate(epochs)),
        )
        if not any(p.name == "num_parameters" for p in training.parameters):
            training.parameters += _size(model)
        training.tables["layers"] = _layers(model)

    return follow(tracker, lambda: function(*args, **kwargs), begin, after)


def _example(model: Any, data: list[Argument]) -> Any:
    """Of several inputs in a list each by its name in the model; None where it has no names."""
    fed = [a.value for a in data if a.role.startswith("X[")]
    names = [part.name for part in getattr(model, "inputs", None) or ()]
    return example_of(dict(zip(names, fed, strict=True))) if len(names) == len(fed) else None


def _parts(role: str, value: Any) -> Iterator[tuple[str, Steps, Any]]:
    """What a model of several inputs or outputs is handed in a list or dict, each by itself."""
    if role == "validation_data" and type(value) is tuple:
        for place, (part, item) in enumerate(zip(PAIR, value, strict=False)):
            for inner, steps, table in tables_of(f"{role}.{part}", item):
                yield inner, (place, *steps), table
    else:
        yield from tables_of("X" if role == "x" else role, value)


def _evaluate(
    tracker: Tracker, function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
) -> Any:
    if not tracker.watching or tracker.activity.busy:
        return function(*args, **kwargs)
    run_id = tracker.provenance.run_behind_model(model)
    answer = quietly(tracker, lambda: function(*args, **kwargs))
    if run_id is not None:
        with tracker.safely("an evaluation"):
            name = data_name(tracker, args, {"X": kwargs.get("x"), **kwargs})
            values = dict(model.get_metrics_result())
            add_judgement(tracker, run_id, values, name)
    return answer


def _settings(
    function: Callable[..., Any], model: Any, options: dict[str, Any]
) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """What the model was compiled with, and what ``fit`` was told beside its data."""
    values: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        values["optimizer"] = type(optimizer).__name__
        values |= _config(optimizer.get_config())
        defaults |= _config(type(optimizer)().get_config())
    for name in ("loss", "metrics"):
        told = _compiled(model).get(name)
        if told:
            values[name] = told if isinstance(told, str) else _names(told)
    given = inspect.signature(function).parameters
    defaults |= {name: p.default for name, p in given.items()}
    values["epochs"] = defaults.get("epochs", 1)
    values |= {n: v for n, v in options.items() if n not in _OF_NO_INTEREST}
    parameters, hidden = named_parameters(values, defaults)
    return (*parameters, *_size(model)), hidden


def _made_with(tracker: Tracker, model: Any) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """What a model of the user's own class was made with."""
    if not is_own(type(model)):
        return (), ()
    parameters, hidden, _ = parameters_of(model, tracker.constructions.of(model))
    return tuple(p for p in parameters if p.name != "name"), hidden  # Keras makes one up


def _config(config: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in config.items():
        if name == "name":
            continue
        if isinstance(value, dict) and "class_name" in value:  # a learning rate's schedule
            found[name] = value["class_name"]
            found |= {f"{name}__{k}": v for k, v in value.get("config", {}).items() if k != "name"}
        else:
            found[name] = _as_written(value)
    return found


def _as_written(value: Any) -> Any:
    """0.01 where Keras has kept it with half the digits: 0.009999999776482582."""
    from numpy import float32

    kept = isinstance(value, float) and float(float32(value)) == value
    return float(str(float32(value))) if kept else value


def _compiled(model: Any) -> dict[str, Any]:
    compiled = getattr(model, "_compile_config", None)
    return dict(getattr(compiled, "config", {}) or {})


def _names(told: Any) -> Scalar:
    if isinstance(told, list | tuple):
        return ", ".join(str(_names(part)) for part in told)
    if isinstance(told, dict):
        return as_scalar({k: _names(v) for k, v in told.items()})
    return told if isinstance(told, str) else getattr(told, "__name__", type(told).__name__)


def _size(model: Any) -> tuple[Parameter, ...]:
    if not getattr(model, "built", False):
        return ()
    return named_parameters({"num_parameters": model.count_params()})[0]


def _layers(model: Any) -> tuple[dict[str, Scalar], ...]:
    return tuple(
        {
            "name": layer.name,
            "class": type(layer).__name__,
            "parameters": layer.count_params() if layer.built else None,
        }
        for layer in model.layers[:_MOST_LAYERS]
    )
