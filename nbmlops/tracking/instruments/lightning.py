"""Lightning's ``Trainer``: what it fits, on which loaders, and what the module logged meanwhile."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Gap
from nbmlops.tracking.code.frames import name_of
from nbmlops.tracking.instruments.curves import add_judgement, take_curve
from nbmlops.tracking.instruments.following import follow, quietly
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.torch_data import inputs_of
from nbmlops.tracking.instruments.torch_settings import (
    layers_of,
    measured,
    model_settings,
    optimizer_settings,
    scheduler_settings,
)
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.inputs import Argument
from nbmlops.tracking.trainings.parameters import named_parameters
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["LightningInstrument"]

# What a trainer was made with that says nothing of what is trained.
_OF_NO_INTEREST = {
    "logger", "callbacks", "enable_progress_bar", "enable_model_summary", "enable_checkpointing",
    "default_root_dir", "profiler", "log_every_n_steps", "plugins",
}  # fmt: skip


class LightningInstrument:
    """Watches ``Trainer`` under either of the library's names."""

    modules = ("lightning.pytorch", "pytorch_lightning")

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the trainer's constructor and its four entry points."""
        trainers = _Trainers(tracker, module)
        watch(module.Trainer, "__init__", trainers.construct)
        watch(module.Trainer, "fit", trainers.fit)
        for name in ("validate", "test", "predict"):
            watch(module.Trainer, name, trainers.judge)


class _Trainers:
    """The watchers of one tracker, and what each trainer was made with."""

    def __init__(self, tracker: Tracker, lightning: Any) -> None:
        self._tracker, self._lightning = tracker, lightning
        self._made: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()

    def construct(
        self, function: Callable[..., Any], trainer: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        self._made[trainer] = {k: v for k, v in kwargs.items() if k not in _OF_NO_INTEREST}
        return function(*args, **kwargs)

    def fit(
        self, function: Callable[..., Any], trainer: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        tracker = self._tracker
        epochs: list[dict[str, Any]] = []
        notes = _notes(self._lightning, epochs)

        def begin() -> Training:
            bound = bind(function, args, kwargs).arguments
            training = _begin(tracker, trainer, bound, self._made.get(trainer, {}))
            trainer.callbacks.append(notes)
            return training

        def after(training: Training, _answer: Any) -> None:
            _finish(training, trainer)
            if not training.inputs:
                _take_loaders(tracker, training, trainer)
            take_curve(training, "epochs", epochs)

        try:
            return follow(tracker, lambda: function(*args, **kwargs), begin, after)
        finally:
            if notes in trainer.callbacks:
                trainer.callbacks.remove(notes)

    def judge(
        self, function: Callable[..., Any], trainer: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        return _judge(self._tracker, function, trainer, args, kwargs)


def _notes(lightning: Any, epochs: list[dict[str, Any]]) -> Any:
    """A callback that adds to `epochs` what was logged by the end of each."""

    class Notes(lightning.Callback):  # type: ignore[misc] # Lightning's class is known at run time
        def on_train_epoch_end(self, trainer: Any, _module: Any) -> None:
            epochs.append({"epoch": trainer.current_epoch, **trainer.callback_metrics})

    return Notes()


def _begin(
    tracker: Tracker, trainer: Any, bound: dict[str, Any], settings: dict[str, Any]
) -> Training:
    model = bound["model"]
    own, hidden = named_parameters(dict(getattr(model, "hparams", {}) or {}))
    given, more_hidden = named_parameters(settings, _defaults(type(trainer)))
    training = Training(
        model=model,
        model_class=class_path(model),
        name=type(model).__name__,
        parameters=(*own, *(p for p in given if p.name not in {o.name for o in own})),
        redacted=[*hidden, *more_hidden],
        random=True,
    )
    training.tables["layers"] = layers_of(model)
    plain: list[Argument] = []
    for argument in _data(tracker, bound):
        as_is, named = inputs_of(argument)
        plain += as_is
        training.inputs += named
    tracker.trainings.begin(training, plain)
    return training


def _data(tracker: Tracker, bound: dict[str, Any]) -> list[Argument]:
    """The loaders that ``fit`` was given, by the user's names; a data module's are taken later."""
    found = []
    frames = tracker.frames()
    for given, role in (("train_dataloaders", "data"), ("val_dataloaders", "validation")):
        value = bound.get(given)
        loaders = value if isinstance(value, list | tuple) else [value]
        for loader in loaders:
            if loader is not None and not hasattr(loader, "train_dataloader"):
                name = name_of(loader, tracker.namespace, frames) or given
                found.append(Argument(role, loader, name))
    return found


def _take_loaders(tracker: Tracker, training: Training, trainer: Any) -> None:
    """The loaders that a data module, or the model itself, made for the trainer."""
    source = trainer.datamodule or training.model
    name = name_of(source, tracker.namespace, tracker.frames()) or type(source).__name__
    for role, loader in (
        ("data", trainer.train_dataloader), ("validation", trainer.val_dataloaders),
    ):  # fmt: skip
        if hasattr(loader, "dataset"):
            spelled = "train_dataloader" if role == "data" else "val_dataloader"
            plain, named = inputs_of(Argument(role, loader, f"{name}.{spelled}"))
            tracker.trainings.add_inputs(training, plain, named)
    if not training.inputs:
        training.gaps.append(Gap(what="data", why="The trainer does not tell its loaders."))


def _finish(training: Training, trainer: Any) -> None:
    known = {p.name for p in training.parameters}
    found = list(measured({"epochs": trainer.current_epoch, "steps": trainer.global_step}))
    for optimizer in trainer.optimizers[:1]:
        found += optimizer_settings(optimizer)
        tensors = [t for group in optimizer.param_groups for t in group["params"]]
        found += measured(model_settings([training.model], tensors))
    for config in trainer.lr_scheduler_configs[:1]:
        found += scheduler_settings(config.scheduler)
    size = getattr(trainer.train_dataloader, "batch_size", None)
    if size is not None:
        found += measured({"batch_size": size})
    training.parameters += tuple(p for p in found if p.name not in known)


def _judge(
    tracker: Tracker, function: Callable[..., Any], trainer: Any, args: Any, kwargs: dict[str, Any]
) -> Any:
    if not tracker.watching or tracker.activity.busy:
        return function(*args, **kwargs)
    answer = quietly(tracker, lambda: function(*args, **kwargs))
    with tracker.safely("an evaluation"):
        bound = bind(function, args, kwargs).arguments
        model = bound.get("model") or trainer.lightning_module
        run_id = tracker.provenance.run_behind_model(model)
        source = bound.get("dataloaders") or bound.get("datamodule")
        name = name_of(source, tracker.namespace, tracker.frames())
        if run_id is None or answer is None:
            return answer
        if function.__name__ == "predict":
            for batch in answer:
                tracker.provenance.remember_prediction(batch, run_id, name)
        else:
            for values in answer:
                add_judgement(tracker, run_id, values, name)
    return answer


def _defaults(kind: type) -> dict[str, Any]:
    return {n: p.default for n, p in inspect.signature(kind).parameters.items()}
