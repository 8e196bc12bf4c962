"""Running sealed notebooks: once, and on schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from nbmlops.errors import NbmlopsError, NotebookError, SettingsError, StoreError
from nbmlops.governance import find
from nbmlops.promotion import (
    NOTEBOOK_FILE,
    check_parameters,
    notebook_parameters,
    read_notebook,
)
from nbmlops.records import (
    Executed,
    Execution,
    NotebookJob,
    Scalar,
    Schedule,
    Scheduled,
    TrackedRun,
    new_id,
)
from nbmlops.scheduling import Progress, Scheduler, check_schedule, due_instant
from nbmlops.workspace.audit import keep_due
from nbmlops.workspace.notify import notify_due
from nbmlops.workspace.scheduled import believed_executors
from nbmlops.workspace.stores import Stores

__all__ = ["execute", "run_notebook", "run_tracked", "schedule", "scheduler"]


def schedule(
    stores: Stores,
    promotion_id: str,
    *,
    cron: str,
    timezone: str,
    parameters: Mapping[str, Scalar],
) -> Schedule:
    """Give a promotion a schedule."""
    promotion = find("promotion", promotion_id, stores.history().promotions)
    check_schedule(cron, timezone)
    check_parameters(promotion.parameters, parameters)
    record = Schedule(
        id=new_id("schedule"),
        promotion_id=promotion.id,
        model_name=promotion.model_name,
        cron=cron,
        timezone=timezone,
        parameters=dict(parameters),
        author=stores.settings.user,
        at=stores.clock(),
    )
    stores.append(Scheduled(schedule=record), record.author)
    return stores.history().schedules[record.id]


def scheduler(
    stores: Stores,
    objections: Callable[[str], list[str]],
    on_progress: Progress | None = None,
) -> Scheduler:
    """The scheduler of this project; `objections` says why a schedule's id must not run."""

    def find_due(at: datetime) -> Iterator[tuple[Schedule, datetime]]:
        for record in stores.history().schedules.values():
            # Read anew for each: it may have been ended while another ran.
            history = stores.history()
            if record.id in history.unschedulings:
                continue
            believed = believed_executors(stores, record)
            served = [
                execution.due
                for execution in history.executions.values()
                # What claims to have served the future served nothing yet.
                if execution.schedule_id == record.id
                and execution.due
                and execution.due <= at
                and (believed is None or execution.actor in believed)
            ]
            try:
                due = due_instant(record, max(served, default=None), at)
            except SettingsError:
                continue  # nobody can follow it, and it is in no other's way; the list says so
            if due:
                yield record, due

    def serve(record: Schedule, due: datetime) -> Execution:
        try:
            if why := objections(record.id):
                return _missed(stores, record, due, " ".join(why))
            return execute(
                stores,
                record.promotion_id,
                parameters=record.parameters,
                schedule_id=record.id,
                due=due,
                on_progress=on_progress,
            )
        except StoreError:
            raise  # not the schedule's fault: it is due again as soon as the store answers
        except NbmlopsError as error:
            return _missed(stores, record, due, str(error))

    def tend(at: datetime) -> None:
        try:
            keep_due(stores, at)
        finally:  # people hear of what happened also while a place keeps no checkpoint
            notify_due(stores, at)

    return Scheduler(stores.settings.home / "scheduler.lock", find_due, serve, tend)


def _missed(stores: Stores, record: Schedule, due: datetime, why: str) -> Execution:
    """Record why a schedule could not be served, so that this instant is not tried again."""
    promotion = stores.history().promotions.get(record.promotion_id)
    execution = Execution(
        id=new_id("execution"),
        promotion_id=record.promotion_id,
        content_digest=promotion.bundle.digest if promotion else "",
        schedule_id=record.id,
        due=due,
        parameters=dict(record.parameters),
        actor=stores.settings.user,
        started=stores.clock(),
        duration=0.0,
        outcome="failed",
        error=why,
        output_notebook=None,
        run_ids=(),
    )
    stores.append(Executed(execution=execution), execution.actor)
    return execution


def execute(
    stores: Stores,
    promotion_id: str,
    *,
    parameters: Mapping[str, Scalar],
    schedule_id: str | None = None,
    due: datetime | None = None,
    on_progress: Progress | None = None,
) -> Execution:
    """Run exactly what was sealed, and record it whether it succeeds or not."""
    promotion = find("promotion", promotion_id, stores.history().promotions)
    check_parameters(promotion.parameters, parameters)
    stores.vault.verify(promotion.bundle)
    execution_id = new_id("execution")
    output = stores.settings.outputs / f"{execution_id}.ipynb"
    started = stores.clock()
    error: NotebookError | None = None
    try:
        run_tracked(
            stores,
            notebook=stores.vault.path(promotion.bundle.digest) / NOTEBOOK_FILE,
            stands_at=stores.settings.root / promotion.notebook,
            output=output,
            execution_id=execution_id,
            parameters=parameters,
            on_progress=on_progress,
        )
    except NotebookError as caught:
        error = caught
    execution = Execution(
        id=execution_id,
        promotion_id=promotion.id,
        content_digest=promotion.bundle.digest,
        schedule_id=schedule_id,
        due=due,
        parameters=dict(parameters),
        actor=stores.settings.user,
        started=started,
        duration=(stores.clock() - started).total_seconds(),
        outcome="failed" if error else "succeeded",
        error=str(error) if error else None,
        output_notebook=stores.settings.relative(output) if output.exists() else None,
        run_ids=tuple(run.id for run in _runs_of(stores, execution_id)),
    )
    stores.append(Executed(execution=execution), execution.actor)
    return execution


def run_notebook(
    stores: Stores, notebook: Path, parameters: Mapping[str, Scalar], on_progress: Progress | None
) -> list[TrackedRun]:
    """Run a notebook that is not promoted, as its author would from top to bottom."""
    path = notebook.absolute()
    check_parameters(notebook_parameters(read_notebook(path)), parameters)
    execution_id = new_id("notebook-run")
    return run_tracked(
        stores,
        notebook=path,
        stands_at=path,
        output=stores.settings.outputs / f"{execution_id}.ipynb",
        execution_id=execution_id,
        parameters=parameters,
        on_progress=on_progress,
    )


def run_tracked(
    stores: Stores,
    *,
    notebook: Path,
    stands_at: Path,
    output: Path,
    execution_id: str,
    parameters: Mapping[str, Scalar],
    on_progress: Progress | None = None,
) -> list[TrackedRun]:
    """Run `notebook` as if it stood at `stands_at`, and return the runs that it left.

    Its kernel finds this workspace through the environment, and its relative paths from the folder
    of `stands_at`.

    :raises NotebookError: as the executor does.
    """
    settings = stores.settings
    stores.executor.run(
        NotebookJob(
            notebook=str(notebook),
            output=str(output),
            working_directory=str(stands_at.parent),
            parameters=dict(parameters),
            environment={
                "NBMLOPS_ROOT": str(settings.root),
                "NBMLOPS_USER": settings.user,
                "NBMLOPS_NOTEBOOK": str(stands_at),
                "NBMLOPS_EXECUTION": execution_id,
                "MLFLOW_TRACKING_URI": settings.tracking_uri,
                "MLFLOW_REGISTRY_URI": settings.registry_uri,
                "MLFLOW_EXPERIMENT_NAME": settings.experiment,
            },
        ),
        on_progress,
    )
    return _runs_of(stores, execution_id)


def _runs_of(stores: Stores, execution_id: str) -> list[TrackedRun]:
    """The runs that an execution left, oldest first, delivered to MLflow."""
    from nbmlops.tracking import deliver_pending

    deliver_pending(stores.journal, stores.mlflow)
    runs = [run for run in stores.journal.runs() if run.execution_id == execution_id]
    return list(reversed(runs))
