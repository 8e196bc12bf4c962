"""What a cell leaves when it ends: its trainings become runs, are shown, and go on their way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from nbmlops.records import CellRecord, TrackedRun, new_id
from nbmlops.tracking.faults import Faults
from nbmlops.tracking.journal.journal import Waiting
from nbmlops.tracking.redaction import secret_values
from nbmlops.tracking.runs.assembler import RunAssembler
from nbmlops.tracking.runs.keeper import RunKeeper
from nbmlops.tracking.runs.writer import RunWriter
from nbmlops.tracking.session.artifacts import spool_artifacts
from nbmlops.tracking.session.cells import CellHistory, ExecutedCell
from nbmlops.tracking.session_metrics import SessionMetrics
from nbmlops.tracking.session_trainings import SessionTrainings

__all__ = ["CellEnd", "Show"]

_MOST_SHOWN = 4  # runs of a cell that are all shown; of more only the last is

Show = Callable[[TrackedRun, TrackedRun | None, bool, Waiting | None], None]
"""Shows a run, beside the previous run of its cell; the flag says that it was shown before.

The last argument is why the run waits for delivery, see :meth:`RunWriter.waits`.
"""


class CellEnd:
    """Finishes the cells of one session; `show` shows their runs, `wake` has them delivered."""

    def __init__(
        self,
        spool: Path,
        secrets: tuple[dict[str, Any], Mapping[str, str]],
        *,
        history: CellHistory,
        keeper: RunKeeper,
        writer: RunWriter,
        assembler: RunAssembler,
        trainings: SessionTrainings,
        metrics: SessionMetrics,
        faults: Faults,
        show: Show,
        wake: Callable[[], None],
    ) -> None:
        """`secrets` are the namespace and the environment in which credentials may stand."""
        self._spool, self._secrets = spool, secrets
        self._history, self._keeper, self._writer = history, keeper, writer
        self._assembler, self._trainings, self._metrics = assembler, trainings, metrics
        self._faults, self._show, self._wake = faults, show, wake

    def finish(self, cell: ExecutedCell) -> None:
        """Everything that `cell` has left becomes a record."""
        self._writer.retry()
        if self._trainings.now or self._metrics.measured:
            record = self._history.record(cell)
            self._finish_trainings(record)
            self._finish_measured(record)
        self._keeper.cell_ended(cell.order)
        self._trainings.clear()

    def show_again(self, run: TrackedRun) -> None:
        """A run has changed after its cell had ended: its card does too."""
        if run.id in self._trainings.made:
            self._trainings.made[run.id] = run
        self._try_show(run, again=True)
        self._wake()

    def _finish_trainings(self, cell: CellRecord) -> None:
        trained = self._trainings.now
        if not trained:
            return
        parent = new_id("cell") if len(trained) > 1 else None
        artifacts = self._history.artifacts(cell, secret_values(*self._secrets))
        try:
            spool_artifacts(self._spool, list(trained), artifacts.files)
        except OSError as error:
            self._faults.add("outputs", error)
        saved = self._keeper.saved()
        surplus = self._trainings.surplus()
        for number, training in enumerate(trained.values(), 1):
            self._trainings.release(training)
            run = self._assembler.assemble(training, cell)
            run = msgspec.structs.replace(
                run,
                parent_id=parent,
                outputs=artifacts.outputs,
                redacted=tuple(dict.fromkeys((*run.redacted, *artifacts.hidden))),
                notebook_digest=saved.digest if saved and saved.holds(cell) else None,
            )
            if surplus and number == 1:
                run = msgspec.structs.replace(run, tables={**run.tables, "trainings": surplus})
            self._writer.write(run, open_=False)
            self._trainings.made[run.id] = run
            self._keeper.follow(run)
            if len(trained) <= _MOST_SHOWN or number == len(trained):
                self._try_show(run, again=False)
        self._faults.clear()
        self._wake()

    def _finish_measured(self, cell: CellRecord) -> None:
        measured = self._metrics.measured
        rests_on, _ = self._history.slice(cell) if measured else ((), ())
        for run_id in measured:

            def edit(run: TrackedRun) -> TrackedRun:
                cells = tuple(cell if c.order == cell.order else c for c in run.metric_cells)
                known = {c.order for c in (*run.cells, run.cell, *cells)}
                sources = {c.order: c for c in (*run.metric_sources, *rests_on)}
                return msgspec.structs.replace(
                    run,
                    metric_cells=cells,
                    metric_sources=tuple(
                        record for order, record in sorted(sources.items()) if order not in known
                    ),
                )

            run = self._writer.change(run_id, edit)
            if run is not None:
                self._try_show(run, again=True)
        if measured:
            self._wake()

    def _try_show(self, run: TrackedRun, *, again: bool) -> None:
        previous = self._writer.previous(run)
        waits = self._writer.waits(run.id)
        try:
            self._show(run, previous, again, waits)
        except Exception as error:  # noqa: BLE001 - a front end may raise anything; the record is safe already
            self._faults.add("card", error)
        self._keeper.shown(run.id, waits)
