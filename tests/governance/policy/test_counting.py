"""Which sign-offs count: each refusal with its own sentence, beside the control that passes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from signing import KEYS, LATER, World

from nbmlops.governance.sign_offs.envelope import payload_of
from nbmlops.records import (
    SignOff,
)
from nbmlops.testing import EPOCH, make_sign_off


def test_a_signature_by_a_named_reviewer_is_enough() -> None:
    """The control of every refusal below."""
    world = World()
    world.sign("grace")
    assert world.missing() == []


def tampered(sign_off: SignOff) -> SignOff:
    """The statement changed to a rejection's opposite, the signature left as it was."""
    assert sign_off.envelope
    payload = payload_of(sign_off.envelope).replace(b'"comment":""', b'"comment":"!"')
    envelope = msgspec.structs.replace(
        sign_off.envelope, payload=base64.b64encode(payload).decode()
    )
    return msgspec.structs.replace(sign_off, envelope=envelope, comment="!")


def unsigned(world: World) -> None:
    world.give(make_sign_off(world.submission, "grace"))


def by_the_author(world: World) -> None:
    world.sign("ada")


def by_an_unknown_key(world: World) -> None:
    world.sign("mallory")


def by_an_unknown_key_in_anothers_name(world: World) -> None:
    world.sign("grace", key=KEYS["mallory"])


def by_anothers_key(world: World) -> None:
    world.sign("grace", key=KEYS["alan"])


def by_a_revoked_key(world: World) -> None:
    world.sign("grace")
    world.revoke("grace")


def for_another_model(world: World) -> None:
    other = world.submit("other", b"content")
    signed = world.sign("grace", submission=other)
    world.give(msgspec.structs.replace(signed, id="copied", review_id=world.submission.id))


def for_other_bytes(world: World) -> None:
    other = world.submit("late_arrival", b"other content")
    signed = world.sign("grace", submission=other)
    world.give(
        msgspec.structs.replace(
            signed,
            id="copied",
            review_id=world.submission.id,
            content_digest=world.submission.content_digest,
        )
    )


def in_another_review(world: World) -> None:
    other = msgspec.structs.replace(world.submission, id="review-other")
    signed = World().sign("grace", submission=other)
    world.give(msgspec.structs.replace(signed, review_id=world.submission.id))


def for_other_evidence(world: World) -> None:
    evidence = msgspec.structs.replace(world.submission.evidence, completeness=0.1)
    other = msgspec.structs.replace(world.submission, evidence=evidence)
    world.sign("grace", submission=other)


def changed_after_signing(world: World) -> None:
    signed = World().sign("grace", submission=world.submission)
    world.give(tampered(signed))


def claiming_more_than_was_signed(world: World) -> None:
    outside = World()
    signed = outside.sign("grace", submission=world.submission, scopes=("alias:staging",))
    world.give(msgspec.structs.replace(signed, scopes=("register", "alias:champion")))


def replayed(world: World) -> None:
    world.sign("grace", id="first", nonce="n", scopes=())
    world.sign("grace", id="second", nonce="n")


def expired(world: World) -> None:
    world.sign("grace", expires=EPOCH + timedelta(minutes=30))


def dated_ahead(world: World) -> None:
    world.sign("grace", at=LATER + timedelta(days=1))


def dated_back(world: World) -> None:
    world.sign("grace", at=EPOCH - timedelta(days=1))


def without_the_scope(world: World) -> None:
    world.sign("grace", scopes=("alias:champion",))


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (unsigned, "it is not signed"),
        (by_the_author, "ada is the author"),
        (by_an_unknown_key, "belongs to no reviewer"),
        (by_an_unknown_key_in_anothers_name, "belongs to no reviewer"),
        (by_anothers_key, "signed with the key of alan"),
        (by_a_revoked_key, r"was revoked on .* \(laptop stolen\)"),
        (for_another_model, "given for the model 'other'"),
        (for_other_bytes, "given for other bytes"),
        (in_another_review, "given in another review, review-other"),
        (for_other_evidence, "given on other evidence"),
        (changed_after_signing, "changed after it was signed"),
        (claiming_more_than_was_signed, "differs from what was signed: scopes"),
        (replayed, "replays the nonce of first"),
        (expired, "it expired on"),
        (dated_ahead, "which is yet to come"),
        (dated_back, "a clock was set back"),
        (without_the_scope, "it allows alias:champion, not register"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_does_not_count_says_why(attack: Callable[[World], None], says: str) -> None:
    """And grace's honest signature beside it still opens the gate where she may give one."""
    world = World()
    attack(world)
    missing = world.missing()
    assert any(s.startswith("1 sign-off is missing") for s in missing)
    assert [s for s in missing if re.search(says, s)], missing
    world.sign("alan")
    assert [s for s in world.missing() if "rejected" not in s] == []


def test_a_forged_approval_does_not_take_back_a_signed_rejection() -> None:
    """Only a signature takes back what a signature said; nor does revoking the key."""
    world = World()
    world.sign("grace", verdict="rejected", comment="Leaks the label.")
    world.sign("alan")
    unsigned(world)
    assert "grace rejected it: Leaks the label." in world.missing()
    world.revoke("grace")
    assert "grace rejected it: Leaks the label." in world.missing()


def test_a_reviewer_takes_a_rejection_back_by_signing_anew() -> None:
    """The control of the one above."""
    world = World()
    world.sign("grace", verdict="rejected")
    world.sign("grace")
    assert world.missing() == []


@pytest.mark.parametrize("changes", [{}, {"id": "copied"}], ids=["as it was", "under a new id"])
def test_an_old_approval_told_again_takes_back_no_rejection(changes: dict[str, str]) -> None:
    """Its nonce is spent, and its place on the ledger is its first."""
    world = World()
    approval = world.sign("grace")
    world.sign("grace", verdict="rejected", comment="No.")
    world.give(msgspec.structs.replace(approval, **changes))
    assert "grace rejected it: No." in world.missing()
