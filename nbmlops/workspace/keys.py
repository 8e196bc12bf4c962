"""Keys: made and kept on the reviewer's side, revoked and rotated on the ledger."""

from __future__ import annotations

import msgspec

from nbmlops.errors import Refused
from nbmlops.governance import (
    SigningKey,
    revocation_payload,
    rotation_payload,
    sign,
    signed_exactly,
    trusted_keys,
)
from nbmlops.records import (
    Identity,
    KeyRevocation,
    KeyRevoked,
    KeyRotated,
    KeyRotation,
    RevocationRequest,
    now,
)
from nbmlops.workspace.review import refuse
from nbmlops.workspace.stores import Stores, one_at_a_time

__all__ = ["prepare_revocation", "prepare_rotation", "revoke", "rotate"]


def prepare_revocation(
    stores: Stores, key_id: str, reason: str, key: SigningKey | None
) -> RevocationRequest:
    """The request to take all trust from a key, with its signature."""
    request = RevocationRequest(key_id=key_id, reason=reason.strip())
    if key is None:
        return request
    by = Identity(name=key.public.owner)
    revocation = KeyRevocation(key_id=key_id, reason=request.reason, by=by, at=now())
    return msgspec.structs.replace(request, envelope=sign(revocation_payload(revocation), key))


@one_at_a_time
def revoke(stores: Stores, request: RevocationRequest, by: Identity) -> KeyRevocation:
    """Take all trust from a key: what it signed no longer counts, whenever it was signed.

    Its owner may; a key of somebody else's, whoever the policy names as publishers. It takes no
    signature, for the key may be lost; one that is given must hold.
    """
    policy, key_id = stores.policy, request.key_id
    key = trusted_keys(policy.reviewers, stores.history()).get(key_id)
    known_here = by.asserted_by == "server"
    if key is None and known_here:
        why = f"Key {key_id} belongs to no reviewer of the policy, so there is no trust to take."
        raise refuse(stores, "revoke-key", key_id, by, [why])
    bound = known_here or policy.publishers
    if key and bound and by.name not in (key.owner, *policy.publishers):
        raise refuse(
            stores,
            "revoke-key",
            key_id,
            by,
            [f"Key {key_id} is {key.owner}'s; {key.owner} or a publisher may revoke it."],
        )
    revocation = KeyRevocation(
        key_id=key_id,
        reason=request.reason.strip(),
        by=by,
        at=stores.clock(),
        envelope=request.envelope,
    )
    if request.envelope is not None:
        payload = revocation_payload(revocation)
        doubt = policy.signature_doubt(request.envelope, payload, by, stores.history())
        if doubt:
            why = f"The signature of {by.name}'s revocation does not hold: {doubt}."
            raise refuse(stores, "revoke-key", key_id, by, [why])
    stores.append(KeyRevoked(revocation=revocation), by.name)
    return revocation


def prepare_rotation(stores: Stores, old: SigningKey, new_passphrase: str) -> KeyRotation:
    """Make the key that takes over from `old`, and have `old` sign that.

    :raises Refused: if `old` has no trust to hand on; then no key is made.
    """
    objection = _objection(stores, old.public.id)
    if objection:
        raise Refused(objection)
    new = stores.keys.create(old.public.owner, new_passphrase)
    return KeyRotation(
        old_key_id=old.public.id,
        new=new,
        envelope=sign(rotation_payload(new), old),
        by=Identity(name=old.public.owner),
        at=now(),
    )


@one_at_a_time
def rotate(stores: Stores, rotation: KeyRotation, by: Identity) -> KeyRotation:
    """Let the new key take over; what the old one signed stays."""
    objection = _objection(stores, rotation.old_key_id)
    if objection is None:
        key = trusted_keys(stores.policy.reviewers, stores.history())[rotation.old_key_id]
        if not signed_exactly(rotation.envelope, rotation_payload(rotation.new), key.text):
            objection = f"Key {rotation.old_key_id} did not sign that {rotation.new.id} follows it."
    if objection:
        raise refuse(stores, "rotate-key", rotation.old_key_id, by, [objection])
    told = msgspec.structs.replace(rotation, by=by, at=stores.clock())
    stores.append(KeyRotated(rotation=told), by.name)
    return told


def _objection(stores: Stores, key_id: str) -> str | None:
    history = stores.history()
    if key_id in history.revocations:
        return f"Key {key_id} is revoked, so it can hand on nothing: nbmlops keys create."
    key = trusted_keys(stores.policy.reviewers, history).get(key_id)
    if key is None:
        return (
            f"Key {key_id} belongs to no reviewer of the policy, so it has no trust to hand on: "
            "nbmlops keys create, and name the new key there. One that signs checkpoints is "
            "followed by a new one under [audit]: as key, and beside the old one in trust."
        )
    if key.retired is not None:
        return f"Key {key_id} was rotated already; rotate the one that followed it."
    return None
