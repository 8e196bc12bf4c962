"""Signatures and keys, through a Workspace and MLflow's own client."""

from __future__ import annotations

import msgspec
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from team import MODEL, PASSPHRASE, Team

from nbmlops.errors import Refused, SettingsError
from nbmlops.governance import rotation_payload, sign
from nbmlops.records import Identity, digest
from nbmlops.workspace.keys import prepare_revocation, prepare_rotation, revoke, rotate


def test_a_signature_opens_the_gate_and_a_name_alone_does_not(
    team: Team, client: MlflowClient
) -> None:
    """And the version carries the digests of sign-off and dossier."""
    team.signed_policy()
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
    team.signed_policy()
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "approved", key=team.key_of("grace"))
    version = team.ada.register(submission.id).version
    client.set_registered_model_alias(MODEL, "champion", version)
    team.grace.revoke_key(team.key_of("grace").public.id, "laptop stolen")
    with pytest.raises(MlflowException, match="no approved review names it"):
        client.set_registered_model_alias(MODEL, "champion", version)
    with pytest.raises(Refused, match=r"was revoked .* \(laptop stolen\)"):
        team.ada.load_model(f"models:/{MODEL}@champion")


def test_a_rotated_key_needs_no_new_policy(team: Team) -> None:
    """The old one signs no more."""
    team.signed_policy()
    old = team.key_of("grace")
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
    team.signed_policy("publishers: [alan]\n")
    grace = team.key_of("grace").public.id
    with pytest.raises(Refused, match="grace or a publisher may revoke it"):
        team.ada.revoke_key(grace, "because")
    team.alan.revoke_key(grace, "left the company")


def at_server(name: str) -> Identity:
    return Identity(name=name, asserted_by="server")


def test_a_server_lets_the_owner_alone_take_a_keys_trust(team: Team) -> None:
    """Also where the policy names no publishers; and a signature that is given must hold."""
    team.signed_policy()
    stores, key, alan = team.ada.stores, team.key_of("grace"), team.key_of("alan")
    unsigned = prepare_revocation(stores, key.public.id, "lost", None)
    with pytest.raises(Refused, match="grace or a publisher may revoke it"):
        revoke(stores, unsigned, at_server("ada"))
    strange = msgspec.structs.replace(unsigned, key_id="0" * 16)
    with pytest.raises(Refused, match="belongs to no reviewer"):
        revoke(stores, strange, at_server("grace"))
    forged = prepare_revocation(stores, key.public.id, "lost", alan)
    with pytest.raises(Refused, match="revocation does not hold"):
        revoke(stores, forged, at_server("grace"))
    assert stores.history().revocations == {}
    signed = prepare_revocation(stores, key.public.id, "lost", key)
    assert revoke(stores, signed, at_server("grace")).envelope == signed.envelope
    assert key.public.id in stores.history().revocations


def test_alone_anybody_takes_a_keys_trust_and_with_publishers_its_owner_does(team: Team) -> None:
    """A lost key must not wait for somebody whom nobody vouches for anyway."""
    team.signed_policy()
    team.ada.revoke_key(team.key_of("grace").public.id, "lost")
    team.signed_policy("publishers: [alan]\n")
    team.grace.revoke_key(team.key_of("grace").public.id, "lost too")
    assert len(team.ada.stores.history().revocations) == 2


def test_a_rotation_is_the_old_keys_word(team: Team) -> None:
    """Nobody else's; who told of it and when is the server's; a revoked key hands on nothing."""
    team.signed_policy()
    stores, key, alan = team.ada.stores, team.key_of("grace"), team.key_of("alan")
    honest = prepare_rotation(stores, key, PASSPHRASE)
    forged = msgspec.structs.replace(honest, envelope=sign(rotation_payload(honest.new), alan))
    with pytest.raises(Refused, match="did not sign that"):
        rotate(stores, forged, at_server("alan"))
    told = rotate(stores, honest, at_server("grace"))
    assert told.by == at_server("grace")
    assert told.at > honest.at
    with pytest.raises(Refused, match="was rotated already"):
        rotate(stores, honest, at_server("grace"))
    team.alan.revoke_key(alan.public.id, "lost")
    with pytest.raises(Refused, match="is revoked"):
        prepare_rotation(stores, alan, PASSPHRASE)


def test_a_sign_off_that_somebody_else_hands_in_is_refused(team: Team) -> None:
    """What a server does with a signature that its sender did not make."""
    team.signed_policy()
    submission = team.ada.submit(team.promote().id).submission
    team.grace.sign_off(submission.id, "rejected", key=team.key_of("grace"))
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
