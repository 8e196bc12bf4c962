"""A team at work: notebooks without a database's password, names that the server vouches for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from live_gate import PEOPLE, LiveGate
from mlflow import MlflowClient

from nbmlops.errors import Refused
from nbmlops.records import CleanRun, Promoted
from nbmlops.settings import load_settings
from nbmlops.testing import EPOCH, make_promotion, make_run
from nbmlops.workspace import Workspace

As = Callable[[str], Workspace]


@pytest.fixture
def as_person(gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    """A person's workspace on their own machine; it claims to be somebody else there."""

    def open_workspace(name: str) -> Workspace:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PEOPLE[name])
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "nbmlops.toml").touch()
        environ = {"NBMLOPS_USER": "mallory", "MLFLOW_TRACKING_URI": gate.address}
        return Workspace(load_settings(folder, environ))

    return open_workspace


def promote(workspace: Workspace, name: str) -> str:
    """What a clean run leaves on the author's machine."""
    stores = workspace.stores
    run = make_run(id=f"run-{name}", author="mallory")
    stores.journal.record(run)
    folder = stores.vault.staging()
    (folder / "model").mkdir()
    (folder / "model" / "MLmodel").write_text(name)
    (folder / "model" / "größe.txt").write_text("non-ASCII names travel too")
    proof = CleanRun(
        run_id=run.id, started=EPOCH, duration=1.0, metrics=(), data_agrees=True, agrees=True
    )
    promotion = make_promotion(
        id=f"promotion-{name}",
        model_name=name,
        author="mallory",
        bundle=stores.vault.seal(folder),
        run_id=run.id,
        clean_run=proof,
    )
    stores.append(Promoted(promotion=promotion), "mallory")
    return promotion.id


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
