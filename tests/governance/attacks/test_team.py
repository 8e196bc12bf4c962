"""A team at work: notebooks without a database's password, names that the server vouches for."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from live_gate import LiveGate
from mlflow import MlflowClient
from team_members import As, opening, promote

from nbmlops.errors import Refused


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
