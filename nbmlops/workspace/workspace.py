"""The Workspace: a project's verbs, each a few lines that lead to its flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from nbmlops.errors import StoreError
from nbmlops.governance import Ledger, SigningKey, find, keep_checkpoint
from nbmlops.records import (
    ChainReport,
    Checkpoint,
    ConsistencyProof,
    Diagnosis,
    Dossier,
    Execution,
    Identity,
    InclusionProof,
    LedgerEntry,
    Promotion,
    RunDiff,
    Scalar,
    Schedule,
    TrackedRun,
    now,
)
from nbmlops.scheduling import Executor, Progress, Scheduler
from nbmlops.settings import Settings, load_settings
from nbmlops.workspace import audit, doctor, dossier, execute, notify, promote
from nbmlops.workspace.governed import Governed
from nbmlops.workspace.stores import Stores

__all__ = ["Workspace"]


class Workspace(Governed):
    """A project's runs, promotions, schedules, reviews and registrations.

    Ids may be abbreviated wherever a verb takes one. Every verb raises
    :class:`~nbmlops.errors.NbmlopsError` and then leaves nothing half-written.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        ledger: Ledger | None = None,
        executor: Executor | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.settings = settings
        self.stores = self._stores = Stores(settings, clock, ledger, executor)
        self._stores.after_append = partial(notify.notify_soon, self._stores)

    @classmethod
    def open(cls, start: str | Path | None = None) -> Workspace:
        """The workspace of the project that folder `start` (default: the current one) lies in."""
        return cls(load_settings(start))

    # Track

    def runs(self, notebook: str | None = None, *, dismissed: bool = False) -> list[TrackedRun]:
        """The project's tracked runs, or those of one of its notebooks, newest first.

        Runs that were dismissed are left out unless `dismissed` asks for them too.
        """
        found = self._stores.journal.runs(notebook)
        return [run for run in found if dismissed or run.dismissed_by is None]

    def run(self, run_id: str) -> TrackedRun:
        """One tracked run, from this machine or from the MLflow store."""
        return self._stores.run(run_id)

    def changed_runs(self, since: int) -> tuple[int, tuple[str, ...]]:
        """The number of the latest change of a run, and the ids changed after number `since`."""
        return self._stores.journal.changes(since)

    def notebook_moved(self, before: str, after: str) -> None:
        """List the runs of a notebook, or of a folder of them, where it was moved to.

        Both are spelled as records spell them.
        """
        self._stores.journal.notebook_moved(before, after)

    def dismiss(self, run_id: str, *, by: Identity | None = None) -> TrackedRun:
        """Say that an inferred run is no training: it is kept, and lists leave it out.

        Cells of that shape are not inferred again in its notebook. `by` defaults to this user.

        :raises NotDismissible: if the run was not inferred.
        """
        from nbmlops.tracking import dismiss

        return dismiss(self._stores.journal, run_id, by.name if by else self.settings.user)

    def restore(self, run_id: str) -> TrackedRun:
        """Take a dismissal back."""
        from nbmlops.tracking import restore

        return restore(self._stores.journal, run_id)

    def compare_runs(self, before: str, after: str) -> RunDiff:
        """What differs between two tracked runs: code, data, parameters, environment, metrics."""
        from nbmlops.tracking import compare_runs

        return compare_runs(self.run(before), self.run(after))

    def sync(self) -> int:
        """Deliver what MLflow has not yet received; how many records that were."""
        from nbmlops.tracking import deliver_pending

        return deliver_pending(self._stores.journal, self._stores.mlflow)

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """The ids of the runs that MLflow has not received, by why; ``""`` if on their way."""
        return self._stores.journal.waiting()

    def run_notebook(
        self,
        notebook: str | Path,
        parameters: Mapping[str, Scalar] | None = None,
        *,
        on_progress: Progress | None = None,
    ) -> list[TrackedRun]:
        """Run a notebook from top to bottom in a fresh kernel; what it tracked, oldest first.

        The executed copy is kept among the outputs; the notebook itself stays as it is.

        :raises NotebookError: if it cannot be read, lacks a parameter, or a cell raises.
        """
        return execute.run_notebook(self._stores, Path(notebook), parameters or {}, on_progress)

    # Promote

    def promote(
        self,
        run_id: str,
        *,
        model_name: str | None = None,
        notebook: str | Path | None = None,
        tolerance: float = promote.DEFAULT_TOLERANCE,
        on_progress: Progress | None = None,
    ) -> Promotion:
        """Prove that a run's notebook does the same in a fresh kernel, and seal what proved it.

        The notebook is gathered from the cells that the run depends on, or taken from `notebook`
        (one that was promoted before and edited since). It is left beside the notebook that the run
        came from. `tolerance` is relative.

        :raises CheckFailed: if the clean run's data or metrics differ from the tracked ones.
        :raises NotebookError: if the notebook cannot be read or run.
        """
        return promote.promote(
            self._stores,
            run_id,
            model_name=model_name,
            notebook=notebook,
            tolerance=tolerance,
            on_progress=on_progress,
        )

    def promotions(self) -> list[Promotion]:
        """All promotions, newest first."""
        return list(reversed(self._stores.history().promotions.values()))

    # Schedule and execute

    def schedule(
        self,
        promotion_id: str,
        *,
        cron: str,
        timezone: str = "UTC",
        parameters: Mapping[str, Scalar] | None = None,
    ) -> Schedule:
        """Let a promoted notebook run by `cron` in the IANA zone `timezone`.

        :raises SettingsError: if either is not understood.
        :raises NotebookError: if the notebook has no such parameter.
        """
        return execute.schedule(
            self._stores, promotion_id, cron=cron, timezone=timezone, parameters=parameters or {}
        )

    def schedules(self) -> list[Schedule]:
        """The schedules that stand, newest first; those that were ended are left out."""
        history = self._stores.history()
        return [
            record
            for record in reversed(history.schedules.values())
            if record.id not in history.unschedulings
        ]

    def scheduler(self, on_progress: Progress | None = None) -> Scheduler:
        """The scheduler of this project; it does nothing until it is told to run."""
        return execute.scheduler(self._stores, self.schedule_objections, on_progress)

    def execute(
        self,
        promotion_id: str,
        parameters: Mapping[str, Scalar] | None = None,
        *,
        on_progress: Progress | None = None,
    ) -> Execution:
        """Run a promotion's sealed notebook now. A cell that fails gives a failed Execution.

        :raises IntegrityError: if the sealed content was changed.
        """
        return execute.execute(
            self._stores, promotion_id, parameters=parameters or {}, on_progress=on_progress
        )

    def executions(self) -> list[Execution]:
        """All executions, newest first."""
        return list(reversed(self._stores.history().executions.values()))

    def execution(self, execution_id: str) -> Execution:
        """One execution."""
        return find("execution", execution_id, self._stores.history().executions)

    # Audit

    def audit_log(self) -> Iterator[LedgerEntry]:
        """Every fact, in order."""
        return self._stores.ledger.entries()

    def audit_verify(
        self, checkpoint: Checkpoint | None = None, *, on_progress: audit.Read | None = None
    ) -> ChainReport:
        """Follow the chain of facts and name the first that does not hold.

        With a `checkpoint` that was kept elsewhere, also what was cut off or rewritten as a whole
        is found.

        :raises IntegrityError: if a key signed the checkpoint that was revoked, or if the settings
            name keys to trust and none of them did.
        """
        if checkpoint is not None:
            audit.require_trusted(checkpoint, self.settings.audit.trust)
        return audit.verify_ledger(self._stores, checkpoint, on_progress)

    def audit_checkpoint(self, key: SigningKey | None = None) -> Checkpoint:
        """How far the ledger has come, to be kept where its owner cannot change it.

        It bears the signature of `key`, if there is one.

        :raises IntegrityError: if the chain is already broken.
        """
        return audit.checkpoint(self._stores, key)

    def audit_extent(
        self, *, on_progress: audit.Read | None = None
    ) -> tuple[ChainReport, Checkpoint | None]:
        """What `audit_verify` and, of an intact chain, `audit_checkpoint` tell, in one reading."""
        return audit.extent(self._stores, on_progress)

    def audit_keep(self, checkpoint: Checkpoint, place: str) -> str:
        """Keep a checkpoint at `place`: a folder, a git work tree or an object store; says where.

        :raises StoreError: if it cannot be written there.
        """
        return keep_checkpoint(checkpoint, place)

    def audit_prove(self, what: str, checkpoint: Checkpoint | None = None) -> InclusionProof:
        """Prove that a fact stands in the ledger, as it is or as `checkpoint` tells of it.

        `what` is the fact's number, or the id of what it is about.

        :raises NotFound: if there is no such fact.
        """
        return audit.prove(self._stores, what, checkpoint)

    def audit_prove_continued(self, checkpoint: Checkpoint) -> ConsistencyProof:
        """Prove that the ledger only continued what `checkpoint` tells of.

        :raises IntegrityError: if it was cut or rewritten since.
        """
        return audit.prove_continued(self._stores, checkpoint)

    def audit_export(self, file: IO[bytes], *, on_progress: audit.Read | None = None) -> int:
        """Write every fact into `file` as JSON Lines that verify offline; how many there are."""
        return audit.export(self._stores, file, on_progress)

    def dossier(self, version: str) -> Dossier:
        """All that is on record about a model version: ``name/3``, ``name@alias``, or a review.

        :raises NotFound: if there is no such version, alias or review.
        """
        return dossier.dossier(self._stores, version, self.review)

    def notify(self) -> int:
        """Tell subscribers what they have not heard yet; how many messages were sent.

        :raises StoreError: if a service did not take one; it is tried again later.
        """
        sent = notify.notify_due(self._stores, self._stores.clock())
        if waiting := notify.problems(self._stores):
            raise StoreError(" ".join(waiting))
        return sent

    def doctor(self, repair: bool = False) -> list[Diagnosis]:
        """Look at every part of this set-up, and try each known way round the gate.

        With `repair`, what a crash left half-done is mended.
        """
        return doctor.diagnose(self._stores, repair)
