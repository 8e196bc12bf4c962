"""From a signed verdict to production and back, through a Workspace and MLflow's own client."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from team import MODEL, PASSPHRASE, Team

from nbmlops.errors import IntegrityError, NotFound, Refused, SettingsError
from nbmlops.governance import SigningKey
from nbmlops.records import Identity, digest, now

OPEN = "version: 1\nidentity: self-asserted\n"


@pytest.fixture
def client(team: Team, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """MLflow's own, as a script would make it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team.settings.tracking_uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", team.settings.registry_uri)
    return MlflowClient(
        tracking_uri=team.settings.tracking_uri, registry_uri=team.settings.registry_uri
    )


def signed_policy(team: Team, more: str = "") -> None:
    """A policy that asks for grace's or alan's signature; each gets a key."""
    keys = {name: team.key(name).public.text for name in ("grace", "alan")}
    team.policy(
        "version: 1\nidentity: signed\nreviewers:\n"
        f'  grace: {{roles: [validator], keys: ["{keys["grace"]}"]}}\n'
        f'  alan: {{roles: [owner], keys: ["{keys["alan"]}"]}}\n' + more
    )


def key_of(team: Team, name: str) -> SigningKey:
    return team.ada.keys.unlock(name, PASSPHRASE)


def test_a_signature_opens_the_gate_and_a_name_alone_does_not(
    team: Team, client: MlflowClient
) -> None:
    """And the version carries the digests of sign-off and dossier."""
    signed_policy(team)
    submission = team.ada.submit(team.promote().id).submission
    with pytest.raises(Refused, match="it is not signed, and the policy asks for signatures"):
        team.grace.sign_off(submission.id, "approved")
    with pytest.raises(Refused, match="ada is the author"):
        team.ada.sign_off(submission.id, "approved")
    stranger = team.key("grace")
    with pytest.raises(Refused, match="belongs to no reviewer"):
        team.grace.sign_off(submission.id, "approved", key=stranger)
    with pytest.raises(Refused, match="1 sign-off is missing"):
        team.ada.register(submission.id)
    honest = next(k for k in team.ada.keys.list() if k.owner == "grace")
    key = team.ada.keys.unlock(honest.id, PASSPHRASE)
    review = team.grace.sign_off(submission.id, "approved", "Reproduced.", key=key)
    assert review.missing == ()
    registration = team.ada.register(submission.id)
    tags = client.get_model_version(MODEL, registration.version).tags
    assert tags["nbmlops.sign_offs"] == digest(review.sign_offs[0])
    assert submission.dossier
    assert tags["nbmlops.dossier"] == submission.dossier.digest
    assert len(team.refusals()) == 4


def test_a_revoked_key_closes_the_gate_also_for_mlflows_client(
    team: Team, client: MlflowClient
) -> None:
    """For what it signed before, too; loading included."""
    signed_policy(team)
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved", key=key_of(team, "grace"))
    version = team.ada.register(submission.id).version
    client.set_registered_model_alias(MODEL, "champion", version)
    team.grace.revoke_key(key_of(team, "grace").public.id, "laptop stolen")
    with pytest.raises(MlflowException, match="no approved review names it"):
        client.set_registered_model_alias(MODEL, "champion", version)
    with pytest.raises(Refused, match=r"was revoked .* \(laptop stolen\)"):
        team.ada.load_model(f"models:/{MODEL}@champion")


def test_a_rotated_key_needs_no_new_policy(team: Team) -> None:
    """The old one signs no more."""
    signed_policy(team)
    old = key_of(team, "grace")
    with pytest.raises(SettingsError, match="passphrase is wrong"):
        team.grace.rotate_key(old.public.id, "wrong passphrase", PASSPHRASE)
    new = team.grace.rotate_key(old.public.id, PASSPHRASE, PASSPHRASE)
    submission = team.ada.submit(team.promote().id).submission
    with pytest.raises(Refused, match="was rotated before"):
        team.grace.sign_off(submission.id, "approved", key=old)
    key = team.ada.keys.unlock(new.id, PASSPHRASE)
    assert team.grace.sign_off(submission.id, "approved", key=key).missing == ()
    with pytest.raises(Refused, match="was rotated already"):
        team.grace.rotate_key(old.public.id, PASSPHRASE, PASSPHRASE)
    stranger = team.key("mallory")
    before = len(team.ada.keys.list())
    with pytest.raises(Refused, match="no trust to hand on"):
        team.ada.rotate_key(stranger.public.id, PASSPHRASE, PASSPHRASE)
    assert len(team.ada.keys.list()) == before


def test_only_the_owner_or_a_publisher_takes_a_keys_trust(team: Team) -> None:
    """Where the policy names publishers."""
    signed_policy(team, "publishers: [alan]\n")
    grace = key_of(team, "grace").public.id
    with pytest.raises(Refused, match="grace or a publisher may revoke it"):
        team.ada.revoke_key(grace, "because")
    team.alan.revoke_key(grace, "left the company")


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
    signed_policy(team, "aliases: {champion: [owner]}\n")
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved", key=key_of(team, "grace"))
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
    with pytest.raises(NotFound, match="no such version"):
        team.ada.load_model(f"models:/{MODEL}@nowhere")
    with pytest.raises(NotFound, match="names no registered version"):
        team.ada.load_model("runs:/abc/model")


def test_findings_must_be_settled_by_somebody_else(team: Team) -> None:
    """Pinned to a cell or a metric that is there."""
    submission = team.ada.submit(team.promote().id).submission
    for wrong, says in (
        ({"cell": 2}, "no code cell 2"),
        ({"metric": "rmse"}, "no metric 'rmse'; there is auc"),
        ({"cell": 1, "metric": "auc"}, "not to both"),
    ):
        with pytest.raises(Refused, match=says):
            team.grace.add_finding(submission.id, "x", **wrong)
    with pytest.raises(Refused, match="needs a text"):
        team.grace.add_finding(submission.id, "  ", cell=1)
    finding = team.grace.add_finding(submission.id, "Is that the July data?", cell=1)
    team.alan.sign_off(submission.id, "approved")
    with pytest.raises(Refused, match=r"is open: Is that the July data\?"):
        team.ada.register(submission.id)
    with pytest.raises(Refused, match="ada is the author"):
        team.ada.resolve_finding(finding.id)
    resolved = team.alan.resolve_finding(finding.id, "Yes, see the fingerprint.")
    assert resolved.resolution
    assert team.ada.findings(submission.id, only_open=True) == []
    with pytest.raises(Refused, match="settled by alan already"):
        team.alan.resolve_finding(finding.id)
    team.ada.register(submission.id)


def test_a_condition_is_a_finding_that_only_its_reviewer_settles(team: Team) -> None:
    """The approval counts from then on."""
    submission = team.ada.submit(team.promote().id).submission
    with pytest.raises(Refused, match="needs a comment"):
        team.grace.sign_off(submission.id, "approved with conditions")
    team.grace.sign_off(submission.id, "approved with conditions", "Add class weights.")
    (finding,) = team.ada.findings(submission.id)
    with pytest.raises(Refused, match="condition is not met yet"):
        team.ada.register(submission.id)
    with pytest.raises(Refused, match="only grace can say"):
        team.alan.resolve_finding(finding.id)
    team.grace.resolve_finding(finding.id, "They are there.")
    team.ada.register(submission.id)


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


def test_a_publisher_signs_the_next_policy(team: Team) -> None:
    """Nobody else publishes it."""
    signed_policy(team, "publishers: [alan]\n")
    team.ada.publish_policy()
    path = team.root / "nbmlops.policy.yaml"
    path.write_text(path.read_text().replace("version: 1", "version: 2"))
    with pytest.raises(Refused, match="asks that alan signs the next"):
        team.ada.publish_policy(key=key_of(team, "grace"))
    team.ada.publish_policy(key=key_of(team, "alan"))
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


def test_a_sign_off_that_somebody_else_hands_in_is_refused(team: Team) -> None:
    """What a server does with a signature that its sender did not make."""
    signed_policy(team)
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "rejected", key=key_of(team, "grace"))
    (signed,) = team.ada.review(submission.id).sign_offs
    other = msgspec.structs.replace(signed, id="again")
    with pytest.raises(Refused, match="This is grace's sign-off; alan may not hand it in"):
        team.ada.give_sign_off(other, Identity(name="alan", asserted_by="server"))
    with pytest.raises(Refused, match="replays the nonce"):
        team.ada.give_sign_off(other, Identity(name="grace", asserted_by="server"))


def test_keys_are_for_their_owner_alone(team: Team) -> None:
    """Encrypted, mode 0600, and never used once others could read them."""
    key = team.ada.keys.create("grace", PASSPHRASE)
    folder = team.ada.keys.folder
    path = folder / f"{key.id}.pem"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    opened = team.ada.keys.unlock(key.id, PASSPHRASE)
    assert repr(opened) == f"SigningKey({key.id} of grace)"
    with pytest.raises(SettingsError, match="passphrase is wrong"):
        team.ada.keys.unlock(key.id, "")
    with pytest.raises(SettingsError, match="at least 8 characters"):
        team.ada.keys.create("grace", "short")
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="may be read by others"):
        team.ada.keys.unlock(key.id, PASSPHRASE)
    other = team.ada.keys.create("alan", PASSPHRASE)
    path.chmod(0o600)
    path.write_bytes((folder / f"{other.id}.pem").read_bytes())
    with pytest.raises(SettingsError, match="does not fit its public half"):
        team.ada.keys.unlock(key.id, PASSPHRASE)
    assert PASSPHRASE.encode() not in b"".join(p.read_bytes() for p in folder.iterdir())
