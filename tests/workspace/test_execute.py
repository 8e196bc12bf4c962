"""What an executor is handed: the sealed notebook, and the project that its kernel belongs to."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from team import Team

from nbmlops.errors import IntegrityError, NotebookError, NotFound, StoreUnreachable
from nbmlops.governance import tell
from nbmlops.records import (
    Executed,
    Execution,
    NotebookJob,
    Schedule,
    Scheduled,
    Unscheduled,
    now,
)
from nbmlops.scheduling import Progress, Scheduler
from nbmlops.settings import Settings
from nbmlops.surfaces.cli import main
from nbmlops.testing import RememberingExecutor
from nbmlops.workspace import Workspace


def test_the_executor_is_handed_what_was_sealed(team: Team) -> None:
    """Run where the promoted notebook stands, into a new output, with the project's addresses."""
    promotion = team.promote()
    executor = RememberingExecutor()
    workspace = Workspace(team.settings, executor=executor)
    execution = workspace.execute(promotion.id)
    (job,) = executor.jobs
    sealed = workspace.stores.vault.path(promotion.bundle.digest)
    assert Path(job.notebook) == sealed / "notebook.ipynb"
    assert Path(job.output).parent == team.settings.outputs
    assert Path(job.working_directory) == team.root
    assert job.environment["NBMLOPS_EXECUTION"] == execution.id
    assert job.environment["MLFLOW_REGISTRY_URI"] == team.settings.registry_uri
    assert (execution.outcome, execution.content_digest) == ("succeeded", promotion.bundle.digest)
    assert workspace.execution(execution.id) == execution


def test_nothing_else_is_run(team: Team) -> None:
    """Neither with a parameter that the notebook does not have, nor what was changed since."""
    promotion = team.promote()
    executor = RememberingExecutor()
    workspace = Workspace(team.settings, executor=executor)
    with pytest.raises(NotebookError, match="has no parameter month"):
        workspace.execute(promotion.id, {"month": 8})
    notebook = workspace.stores.vault.path(promotion.bundle.digest) / "notebook.ipynb"
    notebook.chmod(0o644)
    notebook.write_text(notebook.read_text() + "\n")
    with pytest.raises(IntegrityError, match=r"notebook\.ipynb was changed"):
        workspace.execute(promotion.id)
    assert executor.jobs == []
    assert workspace.executions() == []


def test_a_schedule_that_cannot_be_served_stops_no_other(team: Team) -> None:
    """It is recorded as a failed execution, with the reason, and not tried again for that instant."""
    promotion = team.promote()
    executor = RememberingExecutor()
    workspace = Workspace(team.settings, executor=executor)
    _schedule(workspace, "schedule-bad", promotion.id, month=8)
    _schedule(workspace, "schedule-good", promotion.id)
    at = now()
    served = {e.schedule_id: e for e in workspace.scheduler().run_due(at)}
    assert served["schedule-good"].outcome == "succeeded"
    assert served["schedule-bad"].outcome == "failed"
    assert "has no parameter month" in (served["schedule-bad"].error or "")
    assert len(executor.jobs) == 1
    assert workspace.scheduler().run_due(at) == []


@pytest.mark.parametrize(("cron", "timezone"), [("at dawn", "UTC"), ("* * * * *", "Nowhere")])
def test_a_schedule_that_nobody_can_follow_is_in_no_others_way(
    team: Team, cron: str, timezone: str
) -> None:
    """However it came onto the ledger; the list says what is the matter with it."""
    promotion = team.promote()
    workspace = Workspace(team.settings, executor=RememberingExecutor())
    _schedule(workspace, "schedule-bad", promotion.id, cron=cron, timezone=timezone)
    _schedule(workspace, "schedule-good", promotion.id)
    assert [e.schedule_id for e in workspace.scheduler().run_due(now())] == ["schedule-good"]
    told = CliRunner().invoke(main, ["schedule"], env={"COLUMNS": "200"})
    assert told.exit_code == 0, told.output
    assert "not to be followed" in " ".join(told.output.split())


def test_nobody_puts_a_schedule_off_by_claiming_the_future(team: Team) -> None:
    """An execution that says it served an instant to come serves none."""
    promotion = team.promote()
    workspace = Workspace(team.settings, executor=RememberingExecutor())
    _schedule(workspace, "schedule-1", promotion.id)
    (honest,) = workspace.scheduler().run_due(now())
    claimed = msgspec.structs.replace(honest, id="execution-x", due=now() + timedelta(days=365))
    workspace.stores.append(Executed(execution=claimed), "eve")
    (again,) = workspace.scheduler().run_due(now() + timedelta(minutes=2))
    assert again.outcome == "succeeded"


def test_the_scheduler_outlives_a_store_that_does_not_answer(tmp_path: Path) -> None:
    """What it could not serve is told, and due again at the next look; it tends all the same."""
    stop, told, looks, tended = threading.Event(), [], [], []

    def find_due(at: datetime) -> list[tuple[Schedule, datetime]]:
        looks.append(at)
        if len(looks) == 1:
            raise StoreUnreachable("http://mlflow does not answer.")
        stop.set()
        return []

    def execute(schedule: Schedule, due: datetime) -> Execution:
        raise AssertionError("nothing is due")

    def tend(at: datetime) -> None:
        tended.append(at)
        if len(tended) == 2:
            raise StoreUnreachable("s3://kept does not answer.")

    scheduler = Scheduler(tmp_path / "lock", find_due, execute, tend)
    scheduler.run_forever(stop, on_problem=told.append, interval=0.01)
    assert [str(problem) for problem in told] == [
        "http://mlflow does not answer.",
        "s3://kept does not answer.",
    ]
    assert tended == looks
    assert len(looks) == 2


def test_an_ended_schedule_is_never_due_again(team: Team) -> None:
    """The other one still is; the ledger keeps who ended it and why, and the first end counts."""
    promotion = team.promote()
    executor = RememberingExecutor()
    workspace = Workspace(team.settings, executor=executor)
    _schedule(workspace, "schedule-ended", promotion.id)
    _schedule(workspace, "schedule-kept", promotion.id)
    end = workspace.unschedule("schedule-e", "The airline is gone.")
    assert (end.schedule_id, end.by.name) == ("schedule-ended", "ada")
    assert workspace.unschedule("schedule-ended", "Again.") == end
    assert [s.id for s in workspace.schedules()] == ["schedule-kept"]
    assert [e.schedule_id for e in workspace.scheduler().run_due(now())] == ["schedule-kept"]
    *_, fact = (e.fact for e in workspace.audit_log() if isinstance(e.fact, Unscheduled))
    assert fact == Unscheduled(unscheduling=end)
    assert "The airline is gone." in tell(fact)
    with pytest.raises(NotFound, match="`nbmlops schedule` lists"):
        workspace.unschedule("schedule-none")


def test_a_schedule_ended_while_another_runs_is_not_served(team: Team) -> None:
    """What is due is asked for anew before each."""
    promotion = team.promote()
    workspace = Workspace(team.settings, executor=EndsOne(team.settings, "schedule-2"))
    _schedule(workspace, "schedule-1", promotion.id)
    _schedule(workspace, "schedule-2", promotion.id)
    assert [e.schedule_id for e in workspace.scheduler().run_due(now())] == ["schedule-1"]


class EndsOne(RememberingExecutor):
    """Somebody else ends a schedule while a notebook runs."""

    def __init__(self, settings: Settings, schedule_id: str) -> None:
        super().__init__()
        self._settings, self._schedule_id = settings, schedule_id

    def run(self, job: NotebookJob, on_progress: Progress | None = None) -> None:
        super().run(job, on_progress)
        Workspace(self._settings).unschedule(self._schedule_id)


def _schedule(
    workspace: Workspace,
    name: str,
    promotion_id: str,
    *,
    cron: str = "* * * * *",
    timezone: str = "UTC",
    **parameters: int,
) -> None:
    schedule = Schedule(
        id=name,
        promotion_id=promotion_id,
        model_name="late_arrival",
        cron=cron,
        timezone=timezone,
        parameters=parameters,
        author="ada",
        at=now() - timedelta(hours=1),
    )
    workspace.stores.append(Scheduled(schedule=schedule), "ada")
