"""A session's trainings: those of the cell that runs, and the runs that those before it became."""

from __future__ import annotations

import time
from typing import Any

from nbmlops.records import DataInput, Scalar, TrackedRun
from nbmlops.tracking.delivery.mlflow_active_run import active_mlflow_run
from nbmlops.tracking.faults import Faults
from nbmlops.tracking.metrics.provenance import Provenance
from nbmlops.tracking.redaction import hide_in_text, hide_value
from nbmlops.tracking.runs.assembler import RunAssembler
from nbmlops.tracking.runs.writer import RunWriter
from nbmlops.tracking.session.cells import CellHistory
from nbmlops.tracking.trainings.data import TrainingData
from nbmlops.tracking.trainings.inputs import Argument
from nbmlops.tracking.trainings.memory import MemoryWatch
from nbmlops.tracking.trainings.parameters import attributes_of
from nbmlops.tracking.trainings.training import Activity, Training

__all__ = ["MOST_RUNS", "SessionTrainings"]

MOST_RUNS = 50  # runs of one cell; what it trains beyond becomes rows of a table


class SessionTrainings:
    """What instruments tell of trainings; each is journaled as soon as it has ended."""

    def __init__(
        self,
        *,
        history: CellHistory,
        activity: Activity,
        provenance: Provenance,
        writer: RunWriter,
        assembler: RunAssembler,
        faults: Faults,
    ) -> None:
        self._history, self._activity, self._provenance = history, activity, provenance
        self._writer, self._assembler, self._faults = writer, assembler, faults
        self._data = TrainingData(faults)
        self._memory = MemoryWatch()
        self._surplus: list[Training] = []
        self._forced: tuple[str | None, dict[str, str]] | None = None
        self.now: dict[str, Training] = {}
        """The trainings of the cell that runs now that have ended or are open, by run."""
        self.made: dict[str, TrackedRun] = {}
        """The runs of this session's earlier cells."""
        self.inside: Training | None = None
        """The training that begins or goes on now, of those that end by themselves."""

    # -- one training ---------------------------------------------------------------------------
    def begin(self, training: Training, arguments: list[Argument]) -> None:
        """A training begins: its data is named before it can change."""
        self._activity.enter()
        self.inside = training
        self._begin(training, arguments)

    def end(self, training: Training) -> None:
        """A training ended well: it is journaled at once, its model saved in the background."""
        training.duration = time.perf_counter() - training.began
        training.peak_memory = max(self._memory.end(training.id), training.peak_memory or 0)
        self._activity.leave()
        self.inside = None
        self._data.wait(training)
        self.add(training)

    def drop(self, training: Training) -> None:
        """A training raised: there is no model to keep."""
        self._memory.end(training.id)
        self._activity.leave()
        self.inside = None
        self._data.forget(training)

    def open(self, training: Training, arguments: list[Argument]) -> None:
        """A training begins that goes on until :meth:`close`, at the end of its cell."""
        training.incremental = True
        self._begin(training, arguments)
        self.add(training)

    def add_inputs(
        self, training: Training, arguments: list[Argument], named: list[DataInput]
    ) -> None:
        """Data that an opened training turned out to use as well."""
        self._data.add(training, arguments)
        training.inputs += named

    def take_inputs(
        self, training: Training, arguments: list[Argument], named: list[DataInput]
    ) -> None:
        """The data of a training that began without any, and has found it before its first step."""
        training.inputs += named
        self._data.take(training, arguments)

    def close(self, training: Training) -> None:
        """An opened training is complete; its model is saved when the cell has ended."""
        training.peak_memory = self._memory.end(training.id)
        self._data.wait(training)

    def add(self, training: Training) -> None:
        """Take in a training that has ended."""
        if (cell := self._history.running) is None:
            return
        if training.id not in self.now and len(self.now) >= MOST_RUNS:
            self._surplus.append(training)
            training.model = training.sample = None
            return
        self.now[training.id] = training
        for model in _parts_of(training.model):
            self._provenance.remember_model(model, training.id)
        self._writer.write(
            self._assembler.assemble(training, self._history.record(cell)),
            open_=True,
            model="saving" if training.keep_model else None,
            destination=training.destination,
        )
        if not training.incremental:
            self.release(training)

    def release(self, training: Training) -> None:
        """The model of `training` is as it stays: it is saved soon, and then let go of."""
        if training.keep_model and not training.released:
            self._writer.save_model(training)
        training.released = True
        training.model = training.sample = None

    def _begin(self, training: Training, arguments: list[Argument]) -> None:
        try:
            self._writer.finish_model(training.model)
            self._assembler.environment.warm()
            training.destination = active_mlflow_run()
        except Exception as error:  # noqa: BLE001 - a user's own object may raise anything; the training is kept without
            self._faults.add("data", error)
        self._data.take(training, arguments)
        self._memory.begin(training.id)
        training.began = time.perf_counter()

    # -- all of them ----------------------------------------------------------------------------
    def clear(self) -> None:
        """A cell begins or has ended: none is its own any more."""
        self.now.clear()
        self._surplus.clear()

    def known(self, run_id: str) -> Training | None:
        """The training of run `run_id`, if the cell that runs now has begun it."""
        if self.inside is not None and self.inside.id == run_id:
            return self.inside
        return self.now.get(run_id)

    def of(self, model: Any) -> Training | None:
        """The training of `model` in the cell that runs now, if there was one."""
        return self.now.get(self._provenance.run_of(model) or "")

    @property
    def any(self) -> bool:
        """Whether anything has been trained in this session."""
        return bool(self.now or self.made)

    def only(self) -> str | None:
        """The run of the one training of the cell that runs now; None unless it is one."""
        return next(iter(self.now)) if len(self.now) == 1 else None

    def latest(self) -> str | None:
        """The run that was tracked last in this session."""
        if self.now:
            return next(reversed(self.now))
        return next(reversed(self.made), None)

    def surplus(self) -> tuple[dict[str, Scalar], ...]:
        """What the cell trained beyond :data:`MOST_RUNS`, as rows of a table."""
        return tuple(
            {
                "model": t.model_class,
                "duration": t.duration,
                **{p.name: p.value for p in t.parameters if not p.is_default},
                **{m.name: m.value for m in t.metrics},
            }
            for t in self._surplus
        )

    # -- cells that the user puts into a run ----------------------------------------------------
    def force(self, name: str | None, tags: dict[str, str]) -> None:
        """The running cell becomes a run in any case, under that name and with those tags."""
        self._forced = (name, tags)

    def take_forced(self) -> None:
        """The cell ends: do what :meth:`force` has asked for it."""
        if self._forced is None:
            return
        (name, tags), self._forced = self._forced, None
        if not self.now:
            made = Training(
                kind="forced", model=None, model_class="", name=name or "cell", keep_model=False
            )
            if (cell := self._history.running) is not None:
                made.started = cell.started
                made.duration = time.perf_counter() - cell.began
            self.add(made)
        named, secret = hide_in_text(name or "")
        told = {tag: hide_value(tag, value) for tag, value in tags.items()}
        secret += tuple(f"tag {tag}" for tag, (_, was_secret) in told.items() if was_secret)
        for training in self.now.values():
            training.name = named or training.name
            training.tags.update({tag: value for tag, (value, _) in told.items()})
            training.redacted += secret


def _parts_of(model: Any) -> list[Any]:
    """A trained object and what a search or pipeline leaves inside it to predict with."""
    held = attributes_of(model)
    found = [held.get("best_estimator_"), held.get("model")]
    if held.get("steps"):
        try:
            found.append(held["steps"][-1][1])
        except Exception:  # noqa: BLE001 - a user's own object may only look like a pipeline
            found.append(None)
    return [model, *(inner for inner in found if inner is not None and type(inner) is not str)]
