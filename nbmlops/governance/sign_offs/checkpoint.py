"""Checkpoints under a signature: so that who keeps one need not guard it. No I/O.

What is signed is an in-toto Statement whose subject is the ledger's Merkle root, and whose
predicate is the checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from nbmlops.governance.sign_offs.envelope import sign, signed_exactly
from nbmlops.governance.sign_offs.keys import SigningKey, key_id
from nbmlops.governance.sign_offs.statement import Subject
from nbmlops.records import Checkpoint, Record, encode

__all__ = ["checkpoint_objection", "sign_checkpoint", "signer_of"]


class _Statement(Record, frozen=True, kw_only=True, rename={"type": "_type"}):
    type: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:nbmlops:checkpoint:v1"] = msgspec.field(
        default="urn:nbmlops:checkpoint:v1", name="predicateType"
    )
    predicate: Checkpoint


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> Checkpoint:
    """The same checkpoint under the signature of `key`."""
    return msgspec.structs.replace(checkpoint, envelope=sign(_payload(checkpoint), key))


def signer_of(checkpoint: Checkpoint) -> str | None:
    """The id of the key that a checkpoint says it was signed with."""
    signatures = checkpoint.envelope.signatures if checkpoint.envelope else ()
    return ", ".join(signature.keyid for signature in signatures) or None


def checkpoint_objection(checkpoint: Checkpoint, trusted: Iterable[str]) -> str | None:
    """Why a checkpoint does not bear the signature of one of the public keys `trusted`.

    :raises SettingsError: if one of them is no public key.
    """
    keys = {key_id(text): text for text in trusted}
    told = f"The checkpoint of {checkpoint.facts} facts"
    if checkpoint.envelope is None or not checkpoint.envelope.signatures:
        return f"{told} is not signed: whoever can write where it was kept could have made it."
    signers = [s.keyid for s in checkpoint.envelope.signatures if s.keyid in keys]
    if not signers:
        return (
            f"{told} was signed with key {signer_of(checkpoint)}, which is none of those that you "
            f"trust: {', '.join(sorted(keys)) or 'none'}."
        )
    payload = _payload(checkpoint)
    if any(signed_exactly(checkpoint.envelope, payload, keys[signer]) for signer in signers):
        return None
    return f"{told} was changed after it was signed with key {signers[0]}."


def _payload(checkpoint: Checkpoint) -> bytes:
    return encode(
        _Statement(
            subject=(Subject(name="ledger", digest={"sha256": checkpoint.root}),),
            predicate=msgspec.structs.replace(checkpoint, envelope=None),
        )
    )
