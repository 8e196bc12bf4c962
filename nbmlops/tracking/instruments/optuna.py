"""Optuna: a study is one training, its trials its table; a refitted model is a run of its own.

A loop of ``ask`` and ``tell`` is what ``optimize`` is: what trains between them is a trial's.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Gap, Metric, Scalar, now
from nbmlops.tracking.code.frames import name_of
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.inference.namespace import kind_of
from nbmlops.tracking.inference.world import Kind
from nbmlops.tracking.instruments.estimators import called_by_library
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.optuna_parts import Handed
from nbmlops.tracking.instruments.solvers import data_read_by
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.inputs import Argument
from nbmlops.tracking.trainings.parameters import (
    as_scalar,
    named_parameters,
)
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.session.cells import ExecutedCell
    from nbmlops.tracking.tracker import Tracker

__all__ = ["OptunaInstrument"]

_SETTINGS = ("n_trials", "timeout", "n_jobs", "gc_after_trial", "show_progress_bar")
_OF_NO_INTEREST = {"n_jobs", "gc_after_trial", "show_progress_bar"}


class OptunaInstrument:
    """Watches ``Study.optimize``, ``Study.ask`` and ``Study.tell``."""

    modules = ("optuna.study.study",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the studies, also those that exist already."""

        handed = Handed(tracker, module)

        def optimize(function: Callable[..., Any], study: Any, args: Any, kwargs: Any) -> Any:
            if study is None:
                return function(*args, **kwargs)
            return follow(
                tracker,
                lambda: function(*args, **kwargs),
                lambda: _begin(tracker, handed, study, bind(function, args, kwargs).arguments),
                lambda training, _answer: _take(training, study),
            )

        loops = _Loops(tracker, handed)
        watch(module.Study, "optimize", optimize)
        watch(module.Study, "ask", loops.ask)
        watch(module.Study, "tell", loops.tell)


class _Loops:
    """The studies that the running cell asks for trials."""

    def __init__(self, tracker: Tracker, handed: Handed) -> None:
        self._tracker, self._handed = tracker, handed
        self._open: dict[int, tuple[Any, Training]] = {}
        self._untold: dict[tuple[int, int], None] = {}  # study and trial
        self._asked_for: Counter[int] = Counter()
        self._entered = False
        tracker.before_cell_ends.append(self._cell_ends)

    def ask(self, function: Callable[..., Any], study: Any, args: Any, kwargs: Any) -> Any:
        """A trial begins; of what happens until it is told nothing is a training of its own."""
        mine = self._is_loop(study)
        trial = function(*args, **kwargs)
        if mine:
            self._note(lambda: self._asked(study, trial))
        return trial

    def tell(self, function: Callable[..., Any], study: Any, args: Any, kwargs: Any) -> Any:
        """A trial is told how it went."""
        mine = self._is_loop(study)
        try:
            return function(*args, **kwargs)
        finally:
            if mine:
                self._note(lambda: self._told(study, (*args, *kwargs.values())[0]))

    def _is_loop(self, study: Any) -> bool:
        tracker = self._tracker
        free = self._entered or not tracker.activity.busy
        return study is not None and tracker.watching and free and not called_by_library()

    def _asked(self, study: Any, trial: Any) -> None:
        self._opened(study)
        self._asked_for[id(study)] += 1
        self._untold[id(study), trial.number] = None
        if not self._entered:
            self._entered = True
            self._tracker.activity.enter()

    def _told(self, study: Any, trial: Any) -> None:
        self._opened(study)
        training = self._open[id(study)][1]
        if not training.inputs:  # the trials were asked for before their loop
            self._tracker.trainings.add_inputs(training, self._data(), [])
        self._untold.pop((id(study), getattr(trial, "number", trial)), None)
        if self._entered and not self._untold:
            self._entered = False
            self._tracker.activity.leave()

    def _opened(self, study: Any) -> None:
        if id(study) in self._open:
            return
        training = _training_of(self._handed, study, "Study", {})
        self._open[id(study)] = study, training
        self._tracker.trainings.open(training, self._data())

    def _data(self) -> list[Argument]:
        """The data that the code reads which asks for a trial or tells it, as do its functions."""
        found: dict[int, Argument] = {}
        for frame in self._tracker.frames()[:1]:
            code, values = frame.f_code, {**frame.f_globals, **frame.f_locals}
            for name in (*code.co_names, *code.co_varnames, *code.co_freevars):
                value = values.get(name)
                read = [(name, value)] if kind_of(value) is Kind.DATA else []
                if is_own(value):
                    read = list(data_read_by(value))
                for role, data in read:
                    found.setdefault(id(data), Argument(role, data, role))
        return list(found.values())

    def _cell_ends(self, _cell: ExecutedCell) -> None:
        opened, self._open = self._open, {}
        untold, self._untold = self._untold, {}
        if self._entered:
            self._entered = False
            self._tracker.activity.leave()
        asked, self._asked_for = self._asked_for, Counter()
        for study, training in opened.values():
            count, _ = named_parameters({"n_trials": asked[id(study)]})
            training.parameters = (*count, *training.parameters)
            training.duration = time.perf_counter() - training.began
            if left := sum(key[0] == id(study) for key in untold):
                why = f"{left} of the trials were never told: what trained since is theirs."
                training.gaps.append(Gap(what="trials", why=why))
            _take(training, study)
            self._tracker.trainings.close(training)

    def _note(self, note: Callable[[], None]) -> None:
        with self._tracker.safely("a study"):
            note()


def _begin(tracker: Tracker, handed: Handed, study: Any, bound: dict[str, Any]) -> Training:
    objective = bound["func"]
    name = getattr(objective, "__name__", type(objective).__name__)
    chosen = {k: bound[k] for k in _SETTINGS if bound.get(k) is not None}
    settings = {k: v for k, v in chosen.items() if k not in _OF_NO_INTEREST}
    training = _training_of(handed, study, f"Study of {name}", {"objective": name, **settings})
    data = [
        Argument(role, value, name_of(value, tracker.namespace, []) or role)
        for role, value in data_read_by(objective)
    ]
    tracker.trainings.begin(training, data)
    return training


def _training_of(handed: Handed, study: Any, name: str, settings: dict[str, Any]) -> Training:
    settings = {
        **settings,
        "direction": ", ".join(direction.name.lower() for direction in study.directions),
        "sampler": type(study.sampler).__name__,
        "pruner": type(study.pruner).__name__,
    }
    # What a study takes of itself.
    defaults = {"sampler": "TPESampler", "pruner": "MedianPruner", "direction": "minimize"}
    parameters, hidden = named_parameters(settings, defaults)
    gaps = []
    for role, part in (("sampler", study.sampler), ("pruner", study.pruner)):
        given, taken = handed.to(part, role)
        found, more_hidden = named_parameters(given, taken)
        parameters, hidden = (*parameters, *found), (*hidden, *more_hidden)
        if {**taken, **given}.get(f"{role}__seed", 0) is None:
            gaps.append(Gap(what="seed", why=f"The {role} has no seed: a rerun may differ."))
    return Training(
        model=None,
        model_class="optuna.study.Study",
        name=name,
        parameters=parameters,
        gaps=gaps,
        redacted=list(hidden),
        keep_model=False,
    )


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
