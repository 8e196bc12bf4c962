"""Which signatures count: each refusal with its own sentence, beside the control that passes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import KEYS, LATER, World, signed_policy

from nbmlops.governance import Policy, assemble_review, sign
from nbmlops.governance.sign_offs.envelope import is_signed_by, payload_of
from nbmlops.records import (
    Envelope,
    Finding,
    FindingRaised,
    FindingResolved,
    Identity,
    Resolution,
    Signature,
    SignOff,
    Withdrawal,
    Withdrawn,
    encode,
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


def test_a_rotated_key_keeps_what_it_signed_and_signs_no_more() -> None:
    """The successor counts without a change of the policy."""
    world = World()
    world.sign("grace")
    new = world.rotate("grace")
    assert world.missing() == []
    world = World()
    new = world.rotate("grace")
    world.sign("grace")
    assert any("was rotated" in s for s in world.missing())
    world.sign("grace", key=new)
    assert world.missing() == []


def test_a_rotation_that_the_old_key_did_not_sign_is_void() -> None:
    """Nor does it block the honest one."""
    world = World()
    stolen = world.rotate("grace", by=KEYS["mallory"])
    world.sign("grace", key=stolen)
    assert any("belongs to no reviewer" in s for s in world.missing())
    honest = world.rotate("grace")
    world.sign("grace", key=honest)
    assert world.missing() == []


def test_what_a_revoked_key_handed_on_is_worth_nothing() -> None:
    """A thief rotates to a key of their own; the owner revokes the old one."""
    world = World()
    thiefs = world.rotate("grace")
    world.sign("grace", key=thiefs)
    assert world.missing() == []
    world.revoke("grace")
    assert any("belongs to no reviewer" in s for s in world.missing())


def withdraw(world: World) -> None:
    submission = world.submission
    world.tell(
        Withdrawn(
            withdrawal=Withdrawal(
                id="withdrawal-1",
                review_id=submission.id,
                model_name=submission.model_name,
                version="1",
                content_digest=submission.content_digest,
                reason="drift",
                by=Identity(name="alan"),
                at=EPOCH,
            )
        )
    )


def test_a_withdrawal_ends_earlier_sign_offs_in_any_review_of_that_content() -> None:
    """A new signature lifts it."""
    world = World()
    world.sign("grace")
    withdraw(world)
    assert any("alan withdrew the approval" in s and "drift" in s for s in world.missing())
    review = assemble_review(world.submission, world.history, signed_policy(), at=LATER)
    assert review.status == "withdrawn"
    world.sign("grace")
    assert world.missing() == []


def test_an_approval_lapses_by_the_policy() -> None:
    """After its days; the day before it still counts."""
    world = World()
    world.sign("grace")
    policy = signed_policy(approval_days=90)
    assert world.missing(policy, at=EPOCH + timedelta(days=89)) == []
    lapsed = world.missing(policy, at=EPOCH + timedelta(days=90))
    assert any("older than 90 days" in s for s in lapsed)


def test_a_clock_set_back_is_said_and_revives_nothing() -> None:
    """What the ledger has seen is the floor of time."""
    world = World()
    world.sign("grace", expires=EPOCH + timedelta(days=2))
    world.tell(FindingRaised(finding=finding(world, "x")), at=EPOCH + timedelta(days=3))
    policy = signed_policy(findings_resolved=False)
    back = assemble_review(world.submission, world.history, policy, at=EPOCH + timedelta(days=1))
    assert any("it was set back" in s for s in back.missing)
    assert any("it expired" in s for s in back.missing)


def finding(world: World, text: str, sign_off: SignOff | None = None) -> Finding:
    return Finding(
        id="finding-1",
        review_id=world.submission.id,
        text=text,
        by=Identity(name="grace"),
        at=EPOCH,
        sign_off_id=sign_off.id if sign_off else None,
    )


def test_a_condition_must_be_met_by_whoever_set_it() -> None:
    """Unsigned: by resolving it. Until then the approval does not count."""
    world, policy = World(), Policy()
    sign_off = world.give(
        make_sign_off(
            world.submission, "grace", verdict="approved with conditions", comment="Add weights."
        )
    )
    assert any("condition is not met yet: Add weights." in s for s in world.missing(policy))
    world.tell(FindingRaised(finding=finding(world, "Add weights.", sign_off)))
    assert any("condition is not met" in s for s in world.missing(policy))
    for name in ("alan", "grace"):
        note = Resolution(finding_id="finding-1", note="done", by=Identity(name=name), at=EPOCH)
        world.tell(FindingResolved(resolution=note))
        assert (world.missing(policy) == []) is (name == "grace")


def test_a_signed_condition_stands_until_a_signature_without_one() -> None:
    """A resolution that nobody signed cannot lift it."""
    world = World()
    world.sign("grace", verdict="approved with conditions", comment="Add weights.")
    assert any("stands until grace signs" in s for s in world.missing())
    world.sign("grace")
    assert world.missing() == []


def test_an_envelope_is_verified_as_dsse_says() -> None:
    """The payload's type is signed too, and any byte of payload or signature counts."""
    key = KEYS["grace"]
    envelope = sign(b"payload", key)
    assert is_signed_by(envelope, key.public.text)
    assert not is_signed_by(envelope, KEYS["alan"].public.text)
    other_type = msgspec.structs.replace(envelope, payload_type="text/plain")
    assert not is_signed_by(other_type, key.public.text)
    assert encode(envelope).startswith(b'{"payload":"cGF5bG9hZA==","payloadType":"application/')


@settings(max_examples=60, deadline=None)
@given(payload=st.binary(max_size=200), position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_verifies(payload: bytes, position: int, bit: int) -> None:
    """In the payload or in the signature; the untouched envelope does."""
    key = KEYS["grace"]
    envelope = sign(payload, key)
    assert is_signed_by(envelope, key.public.text)
    signature = base64.b64decode(envelope.signatures[0].sig)
    whole = bytearray(payload + signature)
    whole[position % len(whole)] ^= 1 << bit
    flipped = Envelope(
        payload=base64.b64encode(bytes(whole[: len(payload)])).decode(),
        payload_type=envelope.payload_type,
        signatures=(
            Signature(
                keyid=key.public.id, sig=base64.b64encode(bytes(whole[len(payload) :])).decode()
            ),
        ),
    )
    assert not is_signed_by(flipped, key.public.text)


@pytest.mark.parametrize("text", ["", "not base64!", "A===", "é"])
def test_what_is_no_base64_is_nobodys_signature(text: str) -> None:
    """No traceback from a hostile envelope."""
    key = KEYS["grace"]
    envelope = sign(b"payload", key)
    broken = msgspec.structs.replace(
        envelope, signatures=(Signature(keyid=key.public.id, sig=text),)
    )
    assert not is_signed_by(broken, key.public.text)
    assert not is_signed_by(msgspec.structs.replace(envelope, payload=text), key.public.text)
