"""The project's policy: what it still asks for, and which of its versions holds."""

from __future__ import annotations

import msgspec
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from team import MODEL, Team

from nbmlops.errors import NotFound, Refused, SettingsError
from nbmlops.records import Identity, PublishedPolicy, digest_bytes
from nbmlops.testing import EPOCH
from nbmlops.workspace.policy import publish

OPEN = "version: 1\nidentity: self-asserted\n"


def test_a_dry_run_says_what_would_be_missing(team: Team) -> None:
    """Of a review, a promotion, and a run that is not even promoted; nothing is written."""
    team.policy(
        OPEN + "model_card: [purpose]\nmetrics: [{metric: auc, at_least: 0.9}]\nsign_offs: 2\n"
    )
    promotion = team.promote(auc=0.7)
    facts = len(list(team.ada.audit_log()))
    of_promotion = team.ada.dry_run(promotion.id)
    assert [s.split(",")[0].split(";")[0] for s in of_promotion] == [
        "The model card says nothing on 'purpose'.",
        "auc is 0.7",
        "2 sign-offs are missing by someone other than ada",
    ]
    of_run = team.ada.dry_run("run-clean-1")
    assert of_run[0].startswith("It is not promoted")
    assert "auc is 0.7; the policy asks for at least 0.9." in of_run
    with pytest.raises(NotFound):
        team.ada.dry_run("nothing")
    assert len(list(team.ada.audit_log())) == facts
    submission = team.ada.submit(promotion.id, model_card={"purpose": "x"}).submission
    assert team.ada.dry_run(submission.id) == team.ada.review(submission.id).missing


def test_a_published_policy_holds_whatever_the_file_says_then(
    team: Team, client: MlflowClient
) -> None:
    """For the Workspace a sentence, for the registry no change."""
    team.policy(OPEN + "sign_offs: 2\n")
    assert team.ada.publish_policy().version == 1
    assert team.ada.publish_policy() == team.ada.published_policies()[0]
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved")
    team.policy(OPEN + "sign_offs: 1\n")
    with pytest.raises(SettingsError, match="Version 1 of the policy was published"):
        team.ada.register(submission.id)
    with pytest.raises(MlflowException, match="no approved review names it"):
        client.create_registered_model(MODEL)
    (team.root / "nbmlops.policy.yaml").unlink()
    with pytest.raises(Refused, match="1 sign-off is missing"):
        team.ada.register(submission.id)
    team.policy(OPEN.replace("1", "2") + "sign_offs: 1\n")
    with pytest.raises(Refused, match="1 sign-off is missing"):
        team.ada.register(submission.id)
    assert team.ada.check_policy().version == 2
    team.ada.publish_policy()
    team.ada.register(submission.id)


def test_a_policy_is_published_as_the_version_that_it_says(team: Team) -> None:
    """What is signed names the version; a text that says another is none."""
    team.policy(OPEN)
    me = Identity(name="ada")
    policy = PublishedPolicy(version=2, digest="", text=OPEN, by=me, at=EPOCH)
    with pytest.raises(SettingsError, match="says that it is version 1, not version 2"):
        publish(team.ada.stores, policy, me)
    assert team.ada.published_policies() == []
    kept = publish(team.ada.stores, msgspec.structs.replace(policy, version=1), me)
    assert (kept.version, kept.digest) == (1, digest_bytes(OPEN.encode()))


def test_a_publisher_signs_the_next_policy(team: Team) -> None:
    """Nobody else publishes it."""
    team.signed_policy("publishers: [alan]\n")
    team.ada.publish_policy()
    path = team.root / "nbmlops.policy.yaml"
    path.write_text(path.read_text().replace("version: 1", "version: 2"))
    with pytest.raises(Refused, match="asks that alan signs the next"):
        team.ada.publish_policy(key=team.key_of("grace"))
    team.ada.publish_policy(key=team.key_of("alan"))
    assert team.ada.policy().version == 2


def test_a_policy_that_cannot_be_used_refuses_rather_than_falls_back(
    team: Team, client: MlflowClient
) -> None:
    """Also in the registry's store."""
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved")
    team.policy("version: 1\nidentity: self-asserted\nsignoffs: 0\n")
    with pytest.raises(SettingsError, match="unknown field `signoffs`"):
        team.ada.register(submission.id)
    team.policy(OPEN + "checks: [nowhere]\n")
    with pytest.raises(SettingsError, match="'nowhere', which is not installed"):
        team.ada.check_policy()
    with pytest.raises(Refused, match="'nowhere' is not installed here"):
        team.ada.register(submission.id)
    team.policy(OPEN)
    team.ada.register(submission.id)
