"""A schedule that a client records, turned against whoever runs the scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import pytest
from click.testing import CliRunner
from live_gate import PEOPLE, LiveGate
from team_members import As, opening

from nbmlops.errors import Refused
from nbmlops.governance import Incoming
from nbmlops.records import (
    Executed,
    Execution,
    Identity,
    Promoted,
    Promotion,
    Schedule,
    Scheduled,
    SignedOff,
    Submitted,
    Unscheduled,
    Unscheduling,
    now,
    to_plain,
)
from nbmlops.settings import UploadSettings, load_settings
from nbmlops.surfaces.cli import main
from nbmlops.testing import RememberingExecutor, make_promotion, make_sign_off, make_submission
from nbmlops.workspace import Workspace

AN_HOUR_AGO = now() - timedelta(hours=1)
POLICY = (
    "version: 1\nidentity: server\nschedulers: [operator]\n"
    "parameters: {month: {at_least: 1, at_most: 12}}\nreviewers: {grace: {roles: [validator]}%s}\n"
)


def auth(name: str) -> tuple[str, str]:
    return name, PEOPLE[name]


@dataclass
class Team:
    """What people tell the server, and ada's scheduler, which runs nothing and remembers."""

    gate: LiveGate
    ada: Workspace
    by: As

    def tell(self, who: str, *facts: Any) -> None:
        body = {"facts": [to_plain(fact) for fact in facts]}
        answer = self.gate.api("/facts", body, auth=auth(who))
        assert answer.status_code == 200, answer.text

    def promote(self, who: str, *, approved: bool = False) -> Promotion:
        """A notebook with the parameters `month` and `path`, of `who`."""
        number = next(self.gate.names)
        folder = self.gate.vault.staging()
        cell = nbformat.v4.new_code_cell(
            "month = 7\npath = 'data'", metadata={"tags": ["parameters"]}
        )
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "notebook.ipynb")
        (folder / "number").write_text(str(number))
        bundle = self.gate.vault.seal(folder)
        incoming = Incoming(self.gate.home / "bundles", self.gate.vault, UploadSettings())
        incoming.remember(bundle.digest, Identity(name=who))
        promotion = make_promotion(
            id=f"promotion-{number}",
            model_name=f"scheduled_{number}",
            bundle=bundle,
            # What a client says of them is not what was sealed.
            parameters={"month": 7, "path": "/claimed"},
        )
        self.tell(who, Promoted(promotion=promotion))
        if approved:
            submission = make_submission(
                id=f"review-{number}",
                promotion_id=promotion.id,
                model_name=promotion.model_name,
                content_digest=bundle.digest,
                author=who,
            )
            by = Identity(name="grace", asserted_by="server")
            sign_off = msgspec.structs.replace(make_sign_off(submission, "grace"), by=by)
            facts = [Submitted(submission=submission), SignedOff(sign_off=sign_off)]
            self.gate.ledger.append_all(facts, actor=who)
        return promotion

    def schedule(self, who: str, promotion: Promotion, **parameters: Any) -> Schedule:
        record = Schedule(
            id=f"schedule-{next(self.gate.names)}",
            promotion_id=promotion.id,
            model_name=promotion.model_name,
            cron="* * * * *",
            timezone="UTC",
            parameters=parameters,
            author="ada",
            at=AN_HOUR_AGO,
        )
        self.tell(who, Scheduled(schedule=record))
        return record

    def serve(self) -> dict[str | None, Execution]:
        later = now() + timedelta(minutes=2)  # a schedule begins when the server hears of it
        return {e.schedule_id: e for e in self.ada.scheduler().run_due(later)}


@pytest.fixture
def team(gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    as_person: As = opening(gate, tmp_path, monkeypatch)
    workspace = Workspace(as_person("ada").settings, executor=RememberingExecutor())
    workspace.stores.vault = gate.vault
    policy = gate.root / "nbmlops.policy.yaml"
    policy.write_text(POLICY % "")
    yield Team(gate, workspace, as_person)
    policy.unlink()


def test_a_schedule_runs_only_what_was_approved_or_is_ones_own(team: Team) -> None:
    """Eve's notebook never runs as ada; ada's own does, and anybody's that reviewers approved.

    Ada is whom the server knows by that name, not whoever her machine says that she is.
    """
    evil, own = team.promote("eve"), team.promote("ada")
    approved = team.promote("eve", approved=True)
    refused = [
        team.schedule("eve", evil),
        team.schedule("ada", evil),
        team.schedule("eve", own),
    ]
    run = [team.schedule("ada", own), team.schedule("eve", approved)]
    served = team.serve()
    for schedule in refused:
        assert served[schedule.id].outcome == "failed"
        assert "no review approves it" in str(served[schedule.id].error)
        assert "ada's scheduler" in str(served[schedule.id].error)
    for schedule in run:
        assert served[schedule.id].outcome == "succeeded", served[schedule.id].error
    executor = team.ada.stores.executor
    assert isinstance(executor, RememberingExecutor)
    digests = [Path(job.notebook).parent.name for job in executor.jobs]
    assert evil.bundle.digest not in digests
    assert digests.count(own.bundle.digest) == 1


def test_a_name_that_only_a_machine_says_is_not_the_servers(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server runs, its operator may be called as one of its users is."""
    own = team.promote("ada")
    schedule = team.schedule("ada", own)
    gate = team.gate
    # The operator of the server, whose login name on that machine is ada's.
    root = tmp_path / "operator"
    settings = msgspec.structs.replace(
        load_settings(root, {"NBMLOPS_USER": "ada"}), vault_uri=str(gate.home / "bundles")
    )
    operator = Workspace(settings, ledger=gate.ledger, executor=RememberingExecutor())
    assert "no review approves it" in operator.schedule_objections(schedule.id)[0]
    assert team.ada.schedule_objections(schedule.id) == []


def test_not_everybody_schedules_for_others(team: Team) -> None:
    """An approved notebook is scheduled by its author and those who reviewed it; roles may too."""
    approved = team.promote("ada", approved=True)
    by_eve = team.schedule("eve", approved)
    grace_runs = Workspace(team.ada.settings)
    assert "eve may not schedule" in str(team.serve()[by_eve.id].error)
    assert "or the role 'operator'" in team.ada.schedule_objections(by_eve.id)[0]
    assert team.ada.schedule_objections(team.schedule("grace", approved).id) == []
    (team.gate.root / "nbmlops.policy.yaml").write_text(POLICY % ", eve: {roles: [operator]}")
    assert grace_runs.schedule_objections(by_eve.id) == []


def test_the_list_says_what_is_refused(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of what is not, when it ran last."""
    approved = team.promote("ada", approved=True)
    by_eve, by_ada = team.schedule("eve", approved), team.schedule("ada", approved)
    team.serve()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team.gate.address)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(team.ada.settings.root)
    told = CliRunner().invoke(main, ["schedule"])
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    (row,) = (n for n, line in enumerate(lines) if line.startswith(by_ada.id))
    assert "succeeded" in lines[row + 1]  # the last instant stands below the next
    (refusal,) = (line for line in lines if line.startswith("Refused") and by_eve.id in line)
    assert "eve may not schedule" in refusal
    assert not [line for line in lines if line.startswith("Refused") and by_ada.id in line]


def test_values_that_nobody_approved_are_the_schedulers_own_or_the_policys(team: Team) -> None:
    """Else a path would lead somewhere else with another's rights."""
    approved = team.promote("eve", approved=True)

    def serve(who: str, **values: Any) -> list[str]:
        return team.ada.schedule_objections(team.schedule(who, approved, **values).id)

    assert serve("eve") == serve("eve", month=7, path="data") == serve("eve", month=12) == []
    for values, why in (
        ({"path": "/claimed"}, "Approved was 'data', and the policy lets nobody set another"),
        ({"month": 13}, "The policy allows numbers from 1 to 12"),
        ({"month": True}, "The policy allows numbers from 1 to 12"),
        ({"month": "7"}, "The policy allows numbers from 1 to 12"),
        ({"year": 2026}, "has no such parameter"),
    ):
        (told,) = serve("eve", **values)
        assert why in told, values
    assert serve("ada", path="/ada/has/chosen") == []


def test_nobody_says_that_anothers_schedule_was_served(team: Team) -> None:
    """It would never run; what its own scheduler has served is not served twice."""
    schedule = team.schedule("ada", team.promote("ada"))
    claimed = Execution(
        id=f"execution-{schedule.id}",
        promotion_id=schedule.promotion_id,
        content_digest="0",
        schedule_id=schedule.id,
        due=now(),
        parameters={},
        actor="ada",
        started=now(),
        duration=0.0,
        outcome="succeeded",
    )
    team.tell("eve", Executed(execution=claimed))
    assert team.serve()[schedule.id].outcome == "succeeded"
    assert schedule.id not in team.serve()


def test_not_everybody_ends_anothers_schedule(team: Team) -> None:
    """Its author does, the notebook's, a reviewer, and whoever has a role to schedule."""
    mine = team.schedule("ada", team.promote("ada", approved=True))
    with pytest.raises(Refused, match=r"eve may not end a schedule of .* takes ada, a reviewer"):
        team.by("eve").unschedule(mine.id, "It is in my way.")
    assert mine.id in team.serve()
    end = team.by("ada").unschedule(mine.id)
    assert end.by == Identity(name="ada", asserted_by="server")
    for who, author in (("eve", "ada"), ("grace", "ada"), ("eve", "eve")):
        schedule = team.schedule("ada", team.promote(author, approved=True))
        if (who, author) == ("eve", "ada"):
            policy = POLICY % ", eve: {roles: [operator]}"
            (team.gate.root / "nbmlops.policy.yaml").write_text(policy)
        assert team.by(who).unschedule(schedule.id).by.name == who
        assert schedule.id not in team.serve()


def test_a_client_does_not_tell_that_a_schedule_ended(team: Team) -> None:
    """That is the server's to say."""
    mine = team.schedule("ada", team.promote("ada"))
    end = Unscheduling(
        schedule_id=mine.id, model_name=mine.model_name, by=Identity(name="ada"), at=now()
    )
    fact = to_plain(Unscheduled(unscheduling=end))
    answer = team.gate.api("/facts", {"facts": [fact]}, auth=auth("eve"))
    assert answer.status_code == 403, answer.text
    assert "may not put 'unscheduled' on the ledger" in answer.text
    assert mine.id in team.serve()
