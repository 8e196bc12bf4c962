"""A session's metrics: each is put on the run of its model, in whatever cell it is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from types import FrameType

from nbmlops.errors import NbmlopsError
from nbmlops.records import Metric, Scalar, TrackedRun, now
from nbmlops.tracking.code.data_names import names_behind
from nbmlops.tracking.faults import Faults
from nbmlops.tracking.journal.journal import Journal, with_table
from nbmlops.tracking.runs.writer import RunWriter
from nbmlops.tracking.session.cells import CellHistory
from nbmlops.tracking.session_trainings import SessionTrainings

__all__ = ["SessionMetrics"]


class SessionMetrics:
    """What instruments tell of metrics; `frames` are the user's that led to the call."""

    def __init__(
        self,
        *,
        history: CellHistory,
        trainings: SessionTrainings,
        journal: Journal,
        writer: RunWriter,
        faults: Faults,
        frames: Callable[[], list[FrameType]],
    ) -> None:
        self._history, self._trainings = history, trainings
        self._journal, self._writer, self._faults, self._frames = journal, writer, faults, frames
        self._unlinked: list[tuple[str, float, dict[str, str | None]]] = []
        self.measured: dict[str, TrackedRun] = {}
        """The runs of earlier cells that the running cell has measured."""

    def add(
        self,
        run_id: str,
        name: str,
        value: float,
        data: str | None = None,
        *,
        candidate: bool = False,
        step: int = 0,
    ) -> None:
        """A metric of the model of run `run_id` was computed now."""
        number = float(value)
        training, running = self._trainings.known(run_id), self._history.running
        metric = Metric(
            name=name,
            value=number if math.isfinite(number) else None,
            at=now(),
            data=data,
            cell_id=running.cell_id if running else None,
            candidate=candidate,
            step=step or (training.step if training else 0),
        )
        if training is not None:
            training.measure(metric)
            if training.incremental or training is self._trainings.inside:
                return  # it is journaled once, when it ends: a loop may measure at each epoch
            self._writer.add_metric(run_id, metric, None)
            return
        cell = self._history.record(running) if running else None
        if (run := self._writer.add_metric(run_id, metric, cell)) is not None:
            self.measured[run_id] = run

    def add_table(self, run_id: str, name: str, rows: tuple[dict[str, Scalar], ...]) -> None:
        """A table about the model of run `run_id`, such as a report by class, was computed now."""
        if (training := self._trainings.known(run_id)) is not None:
            training.tables[name] = rows
            return
        running = self._history.running
        cell = self._history.record(running) if running else None
        run = self._writer.change(run_id, lambda known: with_table(known, name, rows, cell))
        if run is not None:
            self.measured[run_id] = run

    def unlinked(self, name: str, value: float) -> None:
        """A metric was computed on something whose model is not known, or not yet."""
        frames = self._frames()
        names = names_behind(frames[0]) if frames else {}
        self._unlinked.append((name, value, names))

    def ambiguous(self, name: str) -> None:
        """A metric was computed on what several models made: it is no one model's."""
        self._faults.note("metrics", f"{name} was computed on values of several models.")

    def link(self, run_id: str, fitted: Collection[str]) -> None:
        """Give run `run_id` the metrics of this cell that were made from the `fitted` names."""
        for entry in list(self._unlinked):
            name, value, names = entry
            if (mine := next((n for n in names if n in fitted), None)) is not None:
                self._unlinked.remove(entry)
                data = names[mine]
                self.add(run_id, f"{name}_{data}" if data else name, value, data)

    def give_up(self) -> None:
        """Say which metrics have found no model, now that the cell is over."""
        if self._unlinked and self._trainings.any:
            self._faults.note(
                "metrics",
                f"{self._unlinked[0][0]} was computed on values whose model could not be told.",
            )
        self._unlinked.clear()

    def of_run(self, run_id: str) -> Sequence[Metric]:
        """The metrics that a run has by now."""
        if (training := self._trainings.now.get(run_id)) is not None:
            return training.metrics
        try:
            return self._journal.run(run_id).metrics
        except NbmlopsError:
            return ()
