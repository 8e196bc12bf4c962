"""The kernel's pen: runs and models go to disk, and what the disk refuses is tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from nbmlops.errors import NbmlopsError, NotFound, StoreError
from nbmlops.records import CellRecord, Gap, Metric, TrackedRun
from nbmlops.settings import Settings
from nbmlops.steps import pass_step
from nbmlops.tracking.journal.home import unusable
from nbmlops.tracking.journal.journal import Journal, Waiting, with_metric
from nbmlops.tracking.journal.snapshots import SnapshotWriter
from nbmlops.tracking.runs.completeness import with_gaps
from nbmlops.tracking.trainings.parameters import attributes_of
from nbmlops.tracking.trainings.training import Training

__all__ = ["RunWriter"]

Edit = Callable[[TrackedRun], TrackedRun]


class _Unwritten(msgspec.Struct):
    """What the journal did not take: a run's whole state, or changes of one that it holds."""

    run: TrackedRun | None = None
    edits: list[Edit] = msgspec.field(default_factory=list)
    model: str | None = None
    destination: tuple[str, str] | None = None


class RunWriter:
    """Writes the runs of one session into `journal`; `outage` hears once when that fails.

    `written` hears of each model that was saved, see :class:`SnapshotWriter`.

    While the journal fails, runs and their changes are kept in memory; each cell's end tries again.
    A failing journal is asked once a cell, so that a locked one does not hold the user up.
    """

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        outage: Callable[[NbmlopsError], None],
        written: Callable[[Any, str], None],
    ) -> None:
        self._journal = journal
        self._outage = outage
        self._spool = settings.spool
        self._snapshots = SnapshotWriter(
            settings.spool, self._snapshot_done, self._snapshot_refused, written
        )
        self._lock = threading.RLock()  # the snapshots' thread writes, too
        self._unwritten: dict[str, _Unwritten] = {}
        self._model_gaps: dict[str, Gap] = {}
        self._failing: NbmlopsError | None = None
        self.session = ""

    # -- runs -----------------------------------------------------------------------------------
    def write(
        self,
        run: TrackedRun,
        *,
        open_: bool,
        model: str | None = None,
        destination: tuple[str, str] | None = None,
    ) -> None:
        """Journal `run` as it is now; see :meth:`Journal.record`."""
        with self._lock:
            if gap := self._model_gaps.get(run.id):
                run, model = with_gaps(run, gap), "none"
            # Kept first, so that not even an interrupt while it is written can lose it.
            kept = self._unwritten.setdefault(run.id, _Unwritten())
            kept.run, kept.edits = run, []
            kept.model = model or kept.model
            kept.destination = destination or kept.destination
            if self._failing is not None:
                return
            try:
                pass_step("journal")
                self._journal.record(
                    run,
                    session=self.session,
                    open_=open_,
                    model=kept.model,
                    destination=kept.destination,
                )
                del self._unwritten[run.id]
                pass_step("journal-committed")
            except StoreError as error:
                self._fail(error)

    def change(self, run_id: str, edit: Edit) -> TrackedRun | None:
        """Change a journaled run, and return it as it is now; None if it cannot be read now."""
        with self._lock:
            kept = self._unwritten.get(run_id)
            if kept is None and self._failing is None:
                try:
                    return self._journal.change(run_id, edit)
                except StoreError as error:
                    self._fail(error)
                except NotFound as error:  # the journal was deleted; MLflow may hold the run
                    self._outage(error)
                    return None
            kept = self._unwritten.setdefault(run_id, _Unwritten())
            if kept.run is not None:
                kept.run = edit(kept.run)
            else:
                kept.edits.append(edit)
            return kept.run

    def add_metric(self, run_id: str, metric: Metric, cell: CellRecord | None) -> TrackedRun | None:
        """Add a metric, and the later cell that computed it; returns as :meth:`change` does."""
        return self.change(run_id, lambda run: with_metric(run, metric, cell))

    def retry(self) -> None:
        """Write again what the disk did not take; between cells, when no run is open."""
        self._snapshots.retry()
        with self._lock:
            if not self._unwritten:
                self._failing = None
                return
            try:
                for run_id, kept in list(self._unwritten.items()):
                    self._rewrite(run_id, kept)
                    del self._unwritten[run_id]
                self._failing = None
            except StoreError as error:
                self._failing = error

    @property
    def unwritten(self) -> Waiting | None:
        """How many runs, or changes of runs, the disk does not take, and why; None if it does."""
        with self._lock:
            if self._failing is None or not self._unwritten:
                return None
            return Waiting(str(self._failing), len(self._unwritten))

    def waits(self, run_id: str) -> Waiting | None:
        """Why a run is not in MLflow yet; None if it is."""
        if self._failing is not None:
            return Waiting(str(self._failing), max(1, len(self._unwritten)))
        try:
            return self._journal.waits(run_id)
        except StoreError as error:
            return Waiting(str(error))

    def known(self, run_id: str) -> TrackedRun | None:
        """A run as the journal holds it; None if it cannot be read now."""
        try:
            return self._journal.run(run_id)
        except NbmlopsError:
            return None

    def previous(self, run: TrackedRun) -> TrackedRun | None:
        """The run of the same model that the same cell left when it ran before."""
        if run.cell.cell_id is None or self._failing is not None:
            return None
        try:
            return self._journal.previous(run)
        except StoreError as error:
            self._fail(error)
            return None

    def _rewrite(self, run_id: str, kept: _Unwritten) -> None:
        if kept.run is not None:
            self._journal.record(
                kept.run,
                session=self.session,
                model=kept.model,
                destination=kept.destination,
            )
            return

        def all_edits(run: TrackedRun) -> TrackedRun:
            for edit in kept.edits:
                run = edit(run)
            return run

        try:
            self._journal.change(run_id, all_edits)
            if kept.model is not None:
                self._journal.note_model(run_id, kept.model)
        except NotFound as error:
            self._outage(error)

    def _fail(self, error: StoreError) -> None:
        self._failing = error
        self._outage(error)

    # -- models ---------------------------------------------------------------------------------
    def save_model(self, training: Training) -> None:
        """Write the model's snapshot in the background; waits where many are not written yet."""
        kept, training.kept = training.kept, None
        model = training.model if kept is None else kept
        self._snapshots.write(training.id, {"model": model, "sample": training.sample})

    def finish_model(self, model: object) -> None:
        """Wait until a pending snapshot of `model` is written: it is about to change."""
        for part in (model, attributes_of(model).get("module_")):
            self._snapshots.finish(part)

    def finish_models(self) -> None:
        """Wait until all snapshots are written, as far as the disk takes them."""
        self._snapshots.retry()
        self._snapshots.finish_all()

    def _snapshot_done(self, run_id: str, problem: str | None) -> None:
        pass_step("snapshot-note")
        with self._lock:
            if problem is not None:
                gap = Gap(what="model", why=f"The model could not be saved: {problem}"[:500])
                self._model_gaps[run_id] = gap  # the cell's end writes the run anew
                self.change(run_id, lambda run: with_gaps(run, gap))
            self._note_model(run_id, "saved" if problem is None else "none")
        pass_step("snapshot-noted")

    def _snapshot_refused(self, error: OSError) -> None:
        self._outage(
            unusable(self._spool.parent, error)
            or StoreError(
                f"A model cannot be written ({error.strerror or error}). Make room, or make"
                f" {self._spool} writable; it is tried again after each cell."
            )
        )

    def _note_model(self, run_id: str, state: str) -> None:
        if self._failing is None and run_id not in self._unwritten:
            try:
                self._journal.note_model(run_id, state)
                return
            except StoreError as error:
                self._fail(error)
        self._unwritten.setdefault(run_id, _Unwritten()).model = state
