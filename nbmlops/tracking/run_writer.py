"""The kernel's pen: runs and models go to disk, and what the disk refuses is tried again."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from nbmlops.errors import NbmlopsError
from nbmlops.records import CellRecord, Gap, Metric, TrackedRun
from nbmlops.settings import Settings
from nbmlops.tracking.completeness import with_gaps
from nbmlops.tracking.journal import Journal
from nbmlops.tracking.snapshots import SnapshotWriter
from nbmlops.tracking.trainings import Training

__all__ = ["RunWriter"]

_RECENT = 12  # runs of a notebook among which the previous one of a cell is looked for


class _Unwritten(msgspec.Struct, frozen=True):
    """A state that the journal did not take."""

    run: TrackedRun
    model: str | None
    destination: tuple[str, str] | None


class RunWriter:
    """Writes the runs of one session into `journal`; `fault` hears what could not be written."""

    def __init__(
        self, settings: Settings, journal: Journal, fault: Callable[[str, BaseException], None]
    ) -> None:
        self._journal = journal
        self._fault = fault
        self._snapshots = SnapshotWriter(settings.spool, self._snapshot_done)
        self._unwritten: dict[str, _Unwritten] = {}
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
        try:
            self._journal.record(
                run, session=self.session, open_=open_, model=model, destination=destination
            )
            self._unwritten.pop(run.id, None)
        except NbmlopsError as error:
            kept = self._unwritten.get(run.id, _Unwritten(run, model, destination))
            self._unwritten[run.id] = _Unwritten(
                run, model or kept.model, destination or kept.destination
            )
            self._fault("journal", error)

    def retry(self) -> None:
        """Write again what the journal did not take."""
        for kept in list(self._unwritten.values()):
            self.write(kept.run, open_=False, model=kept.model, destination=kept.destination)

    def change(self, run_id: str, edit: Callable[[TrackedRun], TrackedRun]) -> TrackedRun | None:
        """Change a journaled run, and return it as it is now; None if that failed."""
        try:
            return self._journal.change(run_id, edit)
        except NbmlopsError as error:
            self._fault("journal", error)
            return None

    def add_metric(self, run_id: str, metric: Metric, cell: CellRecord | None) -> TrackedRun | None:
        """Add a metric, and the later cell that computed it; None if that failed."""
        try:
            return self._journal.add_metric(run_id, metric, cell)
        except NbmlopsError as error:
            self._fault("journal", error)
            return None

    def previous(self, run: TrackedRun) -> TrackedRun | None:
        """The run of the same model that the same cell left before."""
        if run.cell.cell_id is None:
            return None
        try:
            recent = self._journal.runs(run.notebook, limit=_RECENT)
        except NbmlopsError:
            return None
        return next(
            (
                r
                for r in recent
                if r.cell.cell_id == run.cell.cell_id
                and r.started < run.started
                and r.model_class == run.model_class
                and r.id != run.id
            ),
            None,
        )

    # -- models ---------------------------------------------------------------------------------
    def save_model(self, training: Training) -> None:
        """Write the model's snapshot in the background."""
        self._snapshots.write(training.id, {"model": training.model, "sample": training.sample})

    def finish_model(self, model: object) -> None:
        """Wait until a pending snapshot of `model` is written: it is about to change."""
        self._snapshots.finish(model)

    def finish_models(self) -> None:
        """Wait until all snapshots are written."""
        self._snapshots.finish_all()

    def _snapshot_done(self, run_id: str, problem: str | None) -> None:
        try:
            if problem is None:
                self._journal.note_model(run_id, "saved")
                return
            why = f"The model could not be saved: {problem}"[:500]
            self._journal.change(run_id, lambda run: with_gaps(run, Gap(what="model", why=why)))
            self._journal.note_model(run_id, "none")
        except NbmlopsError as error:
            self._fault("model", error)
