"""From a verdict to production and back, through a Workspace and MLflow's own client."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from team import MODEL, Team

from nbmlops.errors import IntegrityError, NotFound, Refused
from nbmlops.records import now


def test_a_scope_says_which_alias_may_be_moved(team: Team, client: MlflowClient) -> None:
    """By our verb and by MLflow's client alike."""
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved", scopes=("register", "alias:staging"))
    with pytest.raises(Refused, match=r"1 sign-off is missing that allows alias:champion"):
        team.ada.register(submission.id)
    version = team.ada.register(submission.id, alias="staging").version
    for attempt in (
        lambda: team.ada.move_alias(MODEL, version, "champion"),
        lambda: client.set_registered_model_alias(MODEL, "champion", version),
    ):
        with pytest.raises((Refused, MlflowException), match="not alias:champion"):
            attempt()
    team.grace.sign_off(submission.id, "approved")
    assert team.ada.move_alias(MODEL, version, "champion").version == version
    assert str(client.get_model_version_by_alias(MODEL, "champion").version) == version
    with pytest.raises(NotFound, match="Version 9"):
        team.ada.move_alias(MODEL, "9", "champion")
    with pytest.raises(Refused, match="There is no scope 'everything'"):
        team.grace.sign_off(submission.id, "approved", scopes=("everything",))


def test_the_policy_says_who_moves_the_alias(team: Team) -> None:
    """Alan has the role, grace has not."""
    team.signed_policy("aliases: {champion: [owner]}\n")
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved", key=team.key_of("grace"))
    with pytest.raises(Refused, match="grace may not move the alias 'champion'"):
        team.grace.register(submission.id)
    team.alan.register(submission.id)


def test_an_expired_sign_off_registers_nothing(team: Team) -> None:
    """Until then it does."""
    submission = team.ada.submit(team.promote().id).submission
    with pytest.raises(Refused, match="allows nothing"):
        team.grace.sign_off(submission.id, "approved", expires=now() - timedelta(days=1))
    soon = now() + timedelta(days=1)
    assert team.grace.sign_off(submission.id, "approved", expires=soon).status == "approved"
    team.ada.stores.clock = lambda: now() + timedelta(days=2)
    late = team.ada.review(submission.id)
    assert late.status == "waiting"
    assert "it expired on" in late.uncounted[0]


def test_a_withdrawal_takes_the_alias_and_closes_the_gate(team: Team, client: MlflowClient) -> None:
    """For our verbs, MLflow's client and loading; a new sign-off lifts it."""
    review_id = team.registered()
    model = team.ada.load_model(f"models:/{MODEL}@champion", "sklearn")
    assert list(model.predict([[0]])) == [1]
    with pytest.raises(Refused, match="needs a reason"):
        team.grace.withdraw(f"{MODEL}@champion", " ")
    withdrawal = team.grace.withdraw(f"{MODEL}@champion", "Drifted since October.")
    assert withdrawal.version == "1"
    assert client.get_registered_model(MODEL).aliases == {}
    review = team.ada.review(review_id)
    assert review.status == "withdrawn"
    assert any("Drifted since October." in s for s in review.missing)
    for attempt in (
        lambda: team.ada.register(review_id),
        lambda: team.ada.move_alias(MODEL, "1", "champion"),
        lambda: team.ada.load_model(f"models:/{MODEL}/1"),
    ):
        with pytest.raises(Refused, match=r"Drifted since October"):
            attempt()
    source = client.get_model_version(MODEL, "1").source
    with pytest.raises(MlflowException, match="no approved review"):
        client.create_model_version(MODEL, source)
    with pytest.raises(MlflowException):
        client.set_registered_model_alias(MODEL, "champion", "1")
    team.grace.sign_off(review_id, "approved", "Retested.")
    team.ada.move_alias(MODEL, "1", "champion")
    team.ada.load_model(f"models:/{MODEL}@champion")


def test_a_review_is_withdrawn_before_it_is_registered(team: Team) -> None:
    """By its id."""
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved")
    assert team.grace.withdraw(submission.id, "Wrong month.").version is None
    with pytest.raises(Refused, match="Wrong month"):
        team.ada.register(submission.id)


def test_a_changed_byte_is_not_loaded(team: Team) -> None:
    """Whatever its file's looks."""
    review_id = team.registered()
    submission = team.ada.review(review_id).submission
    folder = team.ada.stores.vault.path(submission.content_digest) / "model"
    path = next(p for p in folder.glob("model.*"))
    before = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(IntegrityError, match=r"model\.\w+ was changed"):
        team.ada.load_model(f"models:/{MODEL}@champion")
    path.write_bytes(before)
    team.ada.load_model(f"models:/{MODEL}@champion")
    with pytest.raises(NotFound, match="no alias 'nowhere'"):
        team.ada.load_model(f"models:/{MODEL}@nowhere")
    with pytest.raises(NotFound, match="names no registered version"):
        team.ada.load_model("runs:/abc/model")


def test_loading_first_leaves_mlflows_own_loading_checked(tmp_path: Path) -> None:
    """In a process of its own, where nothing of MLflow's was imported yet; and it warns of nothing."""
    code = (
        "import nbmlops;"
        "from contextlib import suppress;"
        "from nbmlops.errors import NbmlopsError;\n"
        "with suppress(NbmlopsError): nbmlops.load_model('models:/none/1')\n"
        "from mlflow.store.artifact import artifact_repository_registry as of_mlflow;"
        "print(of_mlflow._artifact_repository_registry._registry['models'].__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "NBMLOPS_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Failure attempting to register" not in done.stderr
    assert done.stdout.strip() == "VerifiedModelsRepository"
