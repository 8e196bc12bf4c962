"""What was trained in other processes: the models that came back, or the bare fact."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import msgspec

from nbmlops.records import Gap
from nbmlops.tracking.instruments.estimators import PREDICTS
from nbmlops.tracking.instruments.fitted import take_results
from nbmlops.tracking.instruments.models import class_path, is_model, title
from nbmlops.tracking.instruments.solvers import data_read_by
from nbmlops.tracking.instruments.wrapping import is_watched
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.inputs import Argument, arguments_of, input_of
from nbmlops.tracking.trainings.parameters import attributes_of, named_parameters, parameters_of
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["Batch", "Task", "take_batch", "take_models"]

_TRAINS = {"fit", "partial_fit", "fit_predict", "cross_val_score", "cross_validate"}
_DEEPEST = 3  # functions that a task calls in turn, in which a training is looked for
_MOST_ROWS = 1000
_UNSEEN = "It was trained in a worker process, where time, memory and warnings are not observed."


class Task(msgspec.Struct, frozen=True):
    """One call that a process was asked to make."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Batch(msgspec.Struct):
    """Calls that were handed to `workers` processes together; `results` are in their order."""

    tasks: list[Task]
    workers: int | None
    results: list[Any] = msgspec.field(default_factory=list)
    began: float = msgspec.field(default_factory=time.perf_counter)


def take_models(tracker: Tracker, batch: Batch, results: list[Any]) -> bool:
    """Make a training of each fitted model among `results`; whether there was one."""
    prints: dict[int, Any] = {}
    found = False
    for number, result in enumerate(results):
        task = batch.tasks[min(number, len(batch.tasks) - 1)]
        for model in _models_in(result):
            if tracker.provenance.run_of(model) is None:
                found = True
                _take_model(tracker, batch, model, _data_of(tracker, task, prints))
    return found


def take_batch(tracker: Tracker, batch: Batch) -> None:
    """Say what trained without giving a model back: on the cell's runs, or in one of its own."""
    function = _plain(batch.tasks[0].function)
    if not _trains(function):
        return
    name = getattr(function, "__name__", type(function).__name__)
    why = f"{name} trained in worker processes, where nothing is observed."
    if tracker.trainings.now:
        tracker.note("worker processes", why)
        return
    settings = {"tasks": len(batch.tasks), "workers": batch.workers}
    parameters, _ = named_parameters(settings)
    training = Training(
        model=None,
        model_class=f"{getattr(function, '__module__', '')}.{name}",
        name=f"{name} in worker processes",
        parameters=parameters,
        keep_model=False,
        gaps=[
            Gap(what="worker processes", why=why),
            Gap(what="model", why=f"{name} gives back no model."),
        ],
    )
    training.inputs = [input_of(data) for data in _data_of(tracker, batch.tasks[0], {})]
    _add_tasks(training, batch)
    tracker.trainings.add(training)


def _take_model(tracker: Tracker, batch: Batch, model: Any, data: list[Argument]) -> None:
    parameters, hidden, gaps = parameters_of(model)
    training = Training(
        model=model,
        model_class=class_path(model),
        name=title(model),
        parameters=parameters,
        gaps=[*gaps, Gap(what="worker processes", why=_UNSEEN)],
        redacted=list(hidden),
    )
    if hidden:
        training.keep_model = False
        training.gaps.append(Gap(what="model", why=f"It holds a credential ({hidden[0]})."))
    tracker.trainings.begin(training, data)
    take_results(training, model)
    training.began = batch.began
    tracker.trainings.end(training)


def _models_in(result: Any) -> Iterator[Any]:
    if type(result) is dict:
        parts = list(result.values())
    else:
        parts = list(result) if type(result) in (list, tuple) else [result]
    for part in parts:
        fit = getattr(type(part), "fit", None)
        if fit is not None and is_model(part) and _is_fitted(part):
            yield part


def _is_fitted(model: Any) -> bool:
    held = attributes_of(model)
    if any(n.endswith("_") and not n.startswith("_") for n in held):
        return True
    return bool(held.get("steps")) and _is_fitted(held["steps"][-1][1])


def _data_of(tracker: Tracker, task: Task, prints: dict[int, Any]) -> list[Argument]:
    """The data that a task was handed or reads, fingerprinted once for all tasks."""
    function = _plain(task.function)
    frames = tracker.frames()
    data, _ = arguments_of(function, task.args, task.kwargs, frames, tracker.namespace)
    known = {id(argument.value) for argument in data}
    data += [
        Argument(name, value, name)
        for name, value in data_read_by(function)
        if id(value) not in known
    ]
    made = []
    for argument in data:
        print_ = prints.setdefault(id(argument.value), input_of(argument))
        made.append(Argument(argument.role, print_, argument.name))
    return made


def _plain(function: Any) -> Any:
    """What a library wraps around a task's function is taken off."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif type(function).__name__ == "_FuncWrapper":  # scikit-learn's, around its settings
            function = function.function
        else:
            return function


def _trains(function: Any, depth: int = 0) -> bool:
    """Whether a function trains something, as far as its code tells."""
    if is_watched(function) and not getattr(function, "_self_home", None):
        return True  # it was read when it came to be: it trains by hand
    if getattr(function, "__name__", "") in _TRAINS:
        return is_model(getattr(function, "__self__", None) or function)
    function = inspect.unwrap(function) if callable(function) else function
    if type(function) is not FunctionType or depth > _DEEPEST:
        return False
    names = _names_in(function.__code__)
    values = [function.__globals__.get(name) for name in names]
    if names & _TRAINS:
        estimators = [v for v in values if hasattr(v, "fit")]
        return not estimators or any(map(_predicts, estimators))
    return any(_trains(v, depth + 1) for v in values if type(v) is FunctionType or is_watched(v))


def _predicts(estimator: Any) -> bool:
    """Whether an estimator or a class of them makes models, rather than prepares data."""
    return not hasattr(estimator, "transform") or any(hasattr(estimator, p) for p in PREDICTS)


def _names_in(code: CodeType) -> set[str]:
    inner = [_names_in(c) for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*inner)


def _add_tasks(training: Training, batch: Batch) -> None:
    """The table `tasks`: what each was given and gave back, as far as those are single values."""
    rows = []
    for number, task in enumerate(batch.tasks[:_MOST_ROWS]):
        try:
            row = dict(bind(task.function, task.args, task.kwargs).arguments)
        except (TypeError, ValueError):
            row = {str(place): value for place, value in enumerate(task.args)}
        if number < len(batch.results):
            row["result"] = batch.results[number]
        told, hidden = named_parameters({k: v for k, v in row.items() if _is_scalar(v)})
        training.redacted += hidden
        rows.append({p.name: p.value for p in told})
    if any(rows):
        training.tables["tasks"] = tuple(rows)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)
