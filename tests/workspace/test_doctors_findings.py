"""What the doctor says of parts that do not work: each by itself, and nothing stays of its probes."""

from __future__ import annotations

import msgspec
import pytest
from mlflow import MlflowClient
from team import Team

from nbmlops.governance import take_checkpoint
from nbmlops.records import Diagnosis
from nbmlops.settings import Settings, load_settings
from nbmlops.testing import EPOCH, MemoryLedger, make_ledger, make_run
from nbmlops.tracking import Journal
from nbmlops.workspace import Workspace
from nbmlops.workspace.ways_round import try_ways_round


def found(workspace: Workspace) -> dict[str, Diagnosis]:
    return {diagnosis.subject: diagnosis for diagnosis in workspace.doctor()}


def test_each_part_that_works_is_said_to(team: Team) -> None:
    """The control: nothing waits, nothing is broken, nothing is left."""
    said = found(team.ada)
    parts = ("project", "kernel", "journal", "MLflow", "ledger", "gate", "half-done")
    assert {part: said[part].state for part in parts} == dict.fromkeys(parts, "ok")
    assert said["journal"].finding == "0 runs, all delivered"
    assert "intact" in said["ledger"].finding
    assert "refused a model that nobody signed off" in said["gate"].finding


def test_runs_that_wait_are_counted(team: Team) -> None:
    """And it is said what delivers them."""
    Journal(team.settings.journal_path).record(make_run())
    waits = found(team.ada)["journal"]
    assert (waits.state, waits.advice) == ("open", "nbmlops sync")
    assert waits.finding.startswith("1 of 1 runs")


def test_a_broken_ledger_is_said_and_stops_nothing_else(team: Team) -> None:
    """With the fact where it breaks."""
    ledger = make_ledger("a", "b", "c")
    del ledger.rows[1]
    said = found(Workspace(team.settings, ledger=ledger))
    assert (said["ledger"].state, said["MLflow"].state) == ("broken", "ok")
    assert "fact 2 is missing" in said["ledger"].finding


def test_a_server_that_does_not_answer_is_said_of_each_part_that_needs_it(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are looked at all the same."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    environ = {"NBMLOPS_USER": "ada", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    said = found(Workspace(load_settings(team.root, environ)))
    assert {said[part].state for part in ("MLflow", "ledger", "way round the gate")} == {"broken"}
    assert "does not answer" in said["MLflow"].finding
    assert said["journal"].state == "ok"


class Ungated(Settings, frozen=True):
    """A project whose registry asks nobody, as at a server that is MLflow's own."""

    @property
    def registry_uri(self) -> str:
        return self.tracking_uri


def test_a_registry_that_asks_nobody_is_open_and_left_as_it_was(team: Team) -> None:
    """What was let in for the probe is taken out again."""
    settings = Ungated(**msgspec.structs.asdict(team.settings))
    gate = found(Workspace(settings))["gate"]
    assert (gate.state, "let an unsigned model in" in gate.finding) == ("open", True)
    assert MlflowClient(registry_uri=settings.tracking_uri).search_registered_models() == []


def test_what_only_shows_afterwards_is_tried_on_a_copy(team: Team) -> None:
    """A ledger without a fact has nothing to be changed, which is said; the ledger stays whole."""
    empty = try_ways_round(Workspace(team.settings, ledger=MemoryLedger()).stores)
    told = {d.subject: d.finding for d in empty}
    assert told["rewriting a fact"].startswith("Not tried")
    assert told["cutting the ledger"].startswith("Not tried")
    ledger = make_ledger("a", "b")
    before = take_checkpoint(ledger.links(), EPOCH)
    states = {
        d.subject: d.state for d in try_ways_round(Workspace(team.settings, ledger=ledger).stores)
    }
    for way in ("rewriting a fact", "cutting the ledger", "editing the vault's disk"):
        assert states[way] == "detected"
    assert take_checkpoint(ledger.links(), EPOCH) == before


def test_a_database_that_this_process_may_not_write_is_closed_to_it(team: Team) -> None:
    """Open where it may; what is no file of the registry's is not one that it could change."""
    way = "writing the database directly"
    for uri, state in (
        (team.settings.tracking_uri, "open"),
        (f"sqlite:///{team.root}/not-there.db", "closed"),
    ):
        settings = msgspec.structs.replace(team.settings, tracking_uri=uri)
        tried = try_ways_round(Workspace(settings, ledger=MemoryLedger()).stores)
        assert next(d.state for d in tried if d.subject == way) == state
