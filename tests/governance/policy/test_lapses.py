"""What suspends an approval that counted: a withdrawal, time, a condition."""

from __future__ import annotations

from datetime import timedelta

from signing import LATER, World, signed_policy

from nbmlops.governance import Policy, assemble_review
from nbmlops.records import (
    Finding,
    FindingRaised,
    FindingResolved,
    Identity,
    Resolution,
    SignOff,
    Withdrawal,
    Withdrawn,
)
from nbmlops.testing import EPOCH, make_sign_off


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
