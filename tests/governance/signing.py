"""A small world for tests of signing: people with keys, a policy that names them, a ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from nbmlops.governance import History, Policy, SigningKey, make_statement, sign
from nbmlops.governance.policy.terms import Reviewer
from nbmlops.governance.sign_offs.keys import create_key
from nbmlops.records import (
    Bundle,
    BundleFile,
    Fact,
    Identity,
    KeyRevocation,
    KeyRevoked,
    KeyRotated,
    KeyRotation,
    Promoted,
    Promotion,
    SignedOff,
    SignOff,
    Submission,
    Submitted,
    digest,
    digest_bytes,
    encode,
)
from nbmlops.testing import EPOCH, MemoryLedger, make_promotion, make_sign_off, make_submission

KEYS = {name: create_key(name, EPOCH) for name in ("ada", "grace", "alan", "mallory")}
"""One key each, made once. Mallory's is in no policy."""

LATER = EPOCH + timedelta(hours=1)


def signed_policy(**changes: Any) -> Policy:
    """A policy that asks for signatures; ada (the author), grace and alan have keys in it."""
    reviewers = {
        name: Reviewer(roles=roles, keys=(KEYS[name].public.text,))
        for name, roles in (("ada", ("owner",)), ("grace", ("validator",)), ("alan", ("owner",)))
    }
    fields: dict[str, Any] = {"version": 1, "identity": "signed", "reviewers": reviewers}
    return Policy(**(fields | changes))


class World:
    """A ledger with one promotion and its submission by ada."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.submission = self.submit("late_arrival", b"content")

    def submit(self, model: str, content: bytes, **changes: Any) -> Submission:
        """Put a promotion of `content` and its submission on the ledger."""
        number = len(self.ledger.rows)
        files = (BundleFile(path="model/model.pkl", digest=digest_bytes(content), size=7),)
        bundle = Bundle(digest=digest(files), files=files)
        promotion: Promotion = make_promotion(
            id=f"promotion-{number}", model_name=model, bundle=bundle
        )
        submission: Submission = make_submission(
            id=f"review-{number}",
            promotion_id=promotion.id,
            model_name=model,
            content_digest=bundle.digest,
            **changes,
        )
        self.tell(Promoted(promotion=promotion))
        self.tell(Submitted(submission=submission))
        return submission

    @property
    def history(self) -> History:
        return History(self.ledger.entries())

    def tell(self, fact: Fact, at: datetime = EPOCH) -> None:
        self.ledger.append(fact, actor="somebody", at=at)

    def sign(
        self,
        by: str = "grace",
        *,
        key: SigningKey | None = None,
        submission: Submission | None = None,
        **changes: Any,
    ) -> SignOff:
        """`by`'s signed approval, given; `changes` are part of what is signed."""
        subject = submission or self.submission
        changes = {"nonce": f"nonce-{len(self.ledger.rows)}", "at": EPOCH} | changes
        sign_off = make_sign_off(
            subject, by, **({"id": f"sign-off-{len(self.ledger.rows)}"} | changes)
        )
        statement = make_statement(sign_off, subject, self.history.promotions[subject.promotion_id])
        envelope = sign(encode(statement), key or KEYS[by])
        return self.give(msgspec.structs.replace(sign_off, envelope=envelope))

    def give(self, sign_off: SignOff) -> SignOff:
        """Put a sign-off on the ledger, whatever it is."""
        self.tell(SignedOff(sign_off=sign_off))
        return sign_off

    def revoke(self, name: str, reason: str = "laptop stolen") -> None:
        revocation = KeyRevocation(
            key_id=KEYS[name].public.id, reason=reason, by=Identity(name=name), at=EPOCH
        )
        self.tell(KeyRevoked(revocation=revocation))

    def rotate(self, name: str, *, by: SigningKey | None = None) -> SigningKey:
        """Let a new key take over from `name`'s; `by` is whose signature says so."""
        from nbmlops.governance import rotation_payload

        new = create_key(name, EPOCH)
        rotation = KeyRotation(
            old_key_id=KEYS[name].public.id,
            new=new.public,
            envelope=sign(rotation_payload(new.public), by or KEYS[name]),
            by=Identity(name=name),
            at=EPOCH,
        )
        self.tell(KeyRotated(rotation=rotation))
        return new

    def missing(
        self,
        policy: Policy | None = None,
        *,
        at: datetime = LATER,
        scope: str = "register",
        submission: Submission | None = None,
    ) -> list[str]:
        """What the policy still asks for."""
        subject = submission or self.submission
        history = self.history
        return (policy or signed_policy()).missing(
            subject, history.sign_offs.get(subject.id, ()), history, at, scope
        )
