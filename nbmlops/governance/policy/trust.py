"""Whose key is it, and may it still sign? No I/O."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from nbmlops.governance.ledger import History
from nbmlops.governance.policy.terms import Reviewer
from nbmlops.governance.sign_offs import endorse, key_id, signed_exactly
from nbmlops.records import Envelope, KeyRotation, PublicKey, Record

__all__ = [
    "UNSIGNED",
    "TrustedKey",
    "rotation_payload",
    "same_person",
    "signature_doubt",
    "trusted_keys",
]

UNSIGNED = (
    "it is not signed, and the policy asks for signatures (name your key with --key; nbmlops keys "
    "create makes one)"
)
"""Why a decision without a signature does not count, where it should have one."""


def same_person(name: str, other: str) -> bool:
    """Whether two names are one person's to whoever logs people in, however they are typed.

    Many who do that take Ada, ada and a full-width ａｄａ for the same.
    """
    return _folded(name) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


class TrustedKey(Record, frozen=True, kw_only=True):
    """A reviewer's key. What it signed behind the fact `retired` does not count."""

    owner: str
    text: str
    retired: int | None = None


def trusted_keys(reviewers: Mapping[str, Reviewer], history: History) -> dict[str, TrustedKey]:
    """The keys that the policy names, and those that took over from them, by id.

    A key is followed to its successor only where it signed the succession itself and was never
    revoked: what a stolen key handed on is worth nothing. Revoked keys are in the answer, so that
    they can be told from unknown ones.
    """
    trusted: dict[str, TrustedKey] = {}
    for owner, reviewer in reviewers.items():
        waiting = list(reviewer.keys)
        while waiting:
            text = waiting.pop()
            identifier = key_id(text)
            if identifier in trusted:
                continue
            found = None if identifier in history.revocations else _successor(text, history)
            trusted[identifier] = TrustedKey(
                owner=owner, text=text, retired=found[0] if found else None
            )
            if found:
                waiting.append(found[1].new.text)
    return trusted


def rotation_payload(new: PublicKey) -> bytes:
    """What the old key signs, so that `new` may take over."""
    return endorse("key-rotation", new.id, new.text)


def signature_doubt(
    envelope: Envelope,
    payload: bytes,
    by: str,
    keys: Mapping[str, TrustedKey],
    *,
    history: History,
    given: int | None = None,
) -> str | None:
    """Why `envelope` is not `by`'s signature under `payload`, if it is not.

    `given` is the sequence at which it came to the ledger, if it did.
    """
    named = [signature.keyid for signature in envelope.signatures]
    known = next((name for name in named if name in keys), None)
    if known is None:
        return f"key {', '.join(named) or '(none)'} belongs to no reviewer of the policy"
    key = keys[known]
    if key.owner != by:
        return f"it was signed with the key of {key.owner}"
    if known in history.revocations:
        return f"key {known} was revoked"
    if key.retired is not None and (given is None or given > key.retired):
        return f"key {known} was rotated before; the new key must sign"
    if not signed_exactly(envelope, payload, key.text):
        return "it was changed after it was signed, or speaks of something else"
    return None


def _successor(text: str, history: History) -> tuple[int, KeyRotation] | None:
    for sequence, rotation in history.rotations.get(key_id(text), ()):
        if signed_exactly(rotation.envelope, rotation_payload(rotation.new), text):
            return sequence, rotation
    return None
