"""What a person signs who settles a finding, withdraws an approval or revokes a key. No I/O."""

from __future__ import annotations

from typing import Literal

import msgspec

from nbmlops.governance.sign_offs.statement import Subject
from nbmlops.records import (
    Finding,
    KeyRevocation,
    Record,
    Resolution,
    Submission,
    Withdrawal,
    digest_bytes,
    encode,
)

__all__ = ["resolution_payload", "revocation_payload", "withdrawal_payload"]


class _Words(Record, frozen=True, kw_only=True):
    by: str
    words: str


class _Statement(Record, frozen=True, kw_only=True, rename={"type": "_type"}):
    type: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
    subject: tuple[Subject, ...]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: _Words


def resolution_payload(finding: Finding, resolution: Resolution) -> bytes:
    """A resolution speaks of one finding, with the words that it had."""
    return _payload("resolution", finding.id, finding.text, resolution.note, resolution.by.name)


def withdrawal_payload(submission: Submission, withdrawal: Withdrawal) -> bytes:
    """A withdrawal speaks of one review, and of its content."""
    content = submission.content_digest
    return _payload("withdrawal", submission.id, content, withdrawal.reason, withdrawal.by.name)


def revocation_payload(revocation: KeyRevocation) -> bytes:
    """A revocation speaks of one key."""
    key = revocation.key_id
    return _payload("revocation", key, key, revocation.reason, revocation.by.name)


def _payload(kind: str, name: str, content: str, words: str, by: str) -> bytes:
    return encode(
        _Statement(
            subject=(Subject(name=name, digest={"blake3": digest_bytes(content.encode())}),),
            predicate_type=f"urn:nbmlops:{kind}:v1",
            predicate=_Words(by=by, words=words),
        )
    )
