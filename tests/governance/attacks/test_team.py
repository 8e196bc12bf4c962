"""A team at work: notebooks without a database's password, names that the server vouches for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import live_gate
import mlflow
import pytest
from live_gate import LiveGate
from mlflow import MlflowClient
from team_members import As, opening, promote

from nbmlops.errors import Refused
from nbmlops.testing import make_run


@pytest.fixture
def as_person(gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    return opening(gate, tmp_path, monkeypatch)


def test_from_a_promotion_to_a_model_in_production(
    gate: LiveGate, client: MlflowClient, as_person: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ada submits, grace signs, ada registers: each by the name that they logged in with."""
    name = f"team_{'postgresql' if gate.database else 'sqlite'}"
    ada = as_person("ada")
    review = ada.submit(promote(ada, name))
    assert (review.submission.author, review.status) == ("ada", "waiting")
    with pytest.raises(Refused, match="author"):
        ada.sign_off(review.submission.id, "approved")
    with pytest.raises(Refused, match="sign-off is missing"):
        ada.register(review.submission.id)
    grace = as_person("grace")
    # The newest first; other tests of this server may have left theirs behind it.
    assert grace.reviews(waiting=True)[0].submission.id == review.submission.id
    signed = grace.sign_off(review.submission.id, "approved", "looks right")
    by = signed.sign_offs[-1].by
    assert (by.name, by.asserted_by) == ("grace", "server")
    ada = as_person("ada")
    registration = ada.register(review.submission.id)
    assert registration.by.name == "ada"
    assert ada.audit_verify().intact
    assert not (ada.settings.home / "ledger.db").exists()
    path = mlflow.artifacts.download_artifacts(f"models:/{name}@champion")
    assert (Path(path) / "größe.txt").read_text() == "non-ASCII names travel too"
    assert {e.actor for e in ada.audit_log() if name in str(e.fact)} <= {"ada", "grace"}
    assert "mallory" not in "".join(e.actor for e in ada.audit_log())


def test_a_dry_run_speaks_of_who_is_logged_in(as_person: As) -> None:
    """Not of the machine's user, whom the server does not know."""
    ada = as_person("ada")
    run = make_run(id="run-dry", author="mallory")
    ada.stores.journal.record(run)
    told = " ".join(ada.dry_run(run.id))
    assert "someone other than ada" in told
    assert "mallory" not in told


def test_a_model_that_is_not_there_is_told_in_a_sentence(as_person: As) -> None:
    """MLflow's own refusal names a route, and neither what lacks nor what to do."""
    with pytest.raises(Refused) as caught:
        as_person("ada").load_model("models:/nowhere@champion")
    assert "the model is not registered, or its permissions give you no right" in str(caught.value)
    assert "endpoint" not in str(caught.value)


def test_the_command_itself_starts_the_server(
    tmp_path: Path, mlflow_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a shell does it: the other tests' servers are forked from a process that is ready."""
    (tmp_path / ".nbmlops").mkdir()
    (tmp_path / ".nbmlops" / "mlflow.db").write_bytes(mlflow_database.read_bytes())
    monkeypatch.setattr(live_gate, "ServerProcess", shell)
    with live_gate.live_gate(tmp_path) as gate:
        submission = gate.approved()
        assert gate.register(submission)["version"] == "1"


def shell(arguments: list[str], cwd: Path, env: dict[str, str], log: Path) -> Any:
    with log.open("ab") as stream:
        command = [sys.executable, "-m", "nbmlops", "server", *arguments]
        return subprocess.Popen(command, cwd=cwd, env=env, stdout=stream, stderr=stream)
