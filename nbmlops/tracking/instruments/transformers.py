"""Hugging Face's ``Trainer``: what it trains, on which datasets, and what it logged."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Parameter
from nbmlops.tracking.code.data_names import data_called
from nbmlops.tracking.code.frames import argument_of, call_node, held_name_of, name_of
from nbmlops.tracking.instruments.curves import add_judgement, take_curve
from nbmlops.tracking.instruments.following import follow, quietly
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.torch_data import inputs_of
from nbmlops.tracking.instruments.torch_settings import layers_of, measured, model_settings
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.inputs import Argument
from nbmlops.tracking.trainings.parameters import named_parameters
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["TransformersInstrument"]

_PLAIN = (bool, int, float, str)
# How fast it went, which is no quality of the model.
_PLACE = ("step", "epoch")
_SPEED = ("runtime", "samples_per_second", "steps_per_second", "total_flos", "preparation_time")


class TransformersInstrument:
    """Watches ``Trainer``, and what derives from it."""

    modules = ("transformers.trainer",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch how arguments are made, training, evaluation and prediction."""
        handed = _Handed()

        def train(
            function: Callable[..., Any], trainer: Any, args: Any, kwargs: dict[str, Any]
        ) -> Any:
            return follow(
                tracker,
                lambda: function(*args, **kwargs),
                lambda: _begin(tracker, trainer, handed),
                lambda training, _answer: _finish(training, trainer),
            )

        def judge(
            function: Callable[..., Any], trainer: Any, args: Any, kwargs: dict[str, Any]
        ) -> Any:
            return _judge(tracker, function, trainer, args, kwargs)

        watch(module.TrainingArguments, "__post_init__", handed.made)
        watch(module.Trainer, "train", train)
        watch(module.Trainer, "evaluate", judge)
        watch(module.Trainer, "predict", judge)


def _begin(tracker: Tracker, trainer: Any, handed: _Handed) -> Training:
    model = trainer.model
    parameters, hidden = _settings(trainer, handed)
    training = Training(
        model=model,
        model_class=class_path(model),
        name=type(model).__name__,
        parameters=parameters,
        redacted=list(hidden),
        random=True,
    )
    training.tables["layers"] = layers_of(model)
    frames = tracker.frames()
    plain: list[Argument] = []
    for role, given in (("data", "train_dataset"), ("validation", "eval_dataset")):
        value = getattr(trainer, given, None)
        for part, dataset in value.items() if isinstance(value, dict) else ((None, value),):
            if dataset is not None:
                name = name_of(dataset, tracker.namespace, frames)
                name = name or held_name_of(dataset, tracker.namespace) or part or given
                as_is, named = inputs_of(Argument(role, dataset, name))
                plain += as_is
                training.inputs += named
    tracker.trainings.begin(training, plain)
    return training


class _Handed:
    """Which arguments were given other than their defaults, before they set one another."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, frozenset[str]]] = {}

    def made(
        self, function: Callable[..., Any], arguments: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        """Stand around what runs when the fields are as the user has given them."""
        key, known = id(arguments), self._known
        given = frozenset(
            field.name
            for field in dataclasses.fields(arguments)
            if getattr(arguments, field.name, None) is not field.default
            and getattr(arguments, field.name, None) != field.default
        )
        known[key] = weakref.ref(arguments, lambda _gone: known.pop(key, None)), given
        return function(*args, **kwargs)

    def otherwise(self, arguments: Any, name: str) -> bool:
        """Whether `name` was given other than by default; true where that was not seen."""
        found = self._known.get(id(arguments))
        return found is None or found[0]() is not arguments or name in found[1]


def _settings(trainer: Any, handed: _Handed) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """The training arguments, and where the model's configuration differs from its class's."""
    defaults = {
        field.name: getattr(field.default, "value", field.default)
        for field in dataclasses.fields(trainer.args)
    }
    values = {
        field.name: getattr(value, "value", value)
        for field in dataclasses.fields(trainer.args)
        if isinstance(value := getattr(trainer.args, field.name, None), _PLAIN)
        and (value or defaults[field.name] is not None)
    }
    # What one argument has made of another is none of the user's settings.
    defaults |= {n: v for n, v in values.items() if not handed.otherwise(trainer.args, n)}
    settings, hidden = named_parameters(values, defaults)
    config = getattr(trainer.model, "config", None)
    set_by_trainer = {f"config__{name}" for name in values}
    own = {n: v for n, v in _plain(config).items() if n not in set_by_trainer}
    known = _plain(type(config)()) if config is not None else {}
    more, more_hidden = named_parameters(own, known)
    tensors = [p for p in trainer.model.parameters() if p.requires_grad]
    size = measured(model_settings([trainer.model], tensors)) if tensors else ()
    return (*settings, *more, *size), (*hidden, *more_hidden)


def _plain(config: Any) -> dict[str, Any]:
    told = {} if config is None else config.to_dict()
    return {
        f"config__{name}": value
        for name, value in told.items()
        if isinstance(value, _PLAIN) and name != "transformers_version"
    }


def _finish(training: Training, trainer: Any) -> None:
    state = trainer.state
    rows: dict[int, dict[str, Any]] = {}
    for entry in state.log_history:
        row = rows.setdefault(int(entry.get("step", 0)), {"step": entry.get("step", 0)})
        row |= {k: v for k, v in entry.items() if k not in _PLACE and not k.endswith(_SPEED)}
    take_curve(training, "log", rows.values(), by="step")
    known = {p.name for p in training.parameters}
    steps = measured({"steps": state.global_step})
    training.parameters += tuple(p for p in steps if p.name not in known)


def _judge(
    tracker: Tracker, function: Callable[..., Any], trainer: Any, args: Any, kwargs: dict[str, Any]
) -> Any:
    if not tracker.watching or tracker.activity.busy:
        return function(*args, **kwargs)
    answer = quietly(tracker, lambda: function(*args, **kwargs))
    with tracker.safely("an evaluation"):
        run_id = tracker.provenance.run_behind_model(trainer.model)
        if run_id is None:
            return answer
        bound = bind(function, args, kwargs).arguments
        role = next((n for n in ("eval_dataset", "test_dataset") if bound.get(n) is not None), "")
        frames = tracker.frames()
        node = argument_of(call_node(frames[0]), 0, role) if frames and role else None
        data = bound[role] if role else trainer.eval_dataset
        name = data_called(data, node, frames, tracker.namespace)
        values = answer if isinstance(answer, dict) else answer.metrics or {}
        told = {k: v for k, v in values.items() if not k.endswith(_SPEED) and k != "epoch"}
        add_judgement(tracker, run_id, told, name)
        if not isinstance(answer, dict):
            tracker.provenance.remember_prediction(answer.predictions, run_id, name)
    return answer
