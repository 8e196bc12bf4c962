"""A policy says in sentences what is missing, and nothing when nothing is."""

from __future__ import annotations

import msgspec
import pytest

from nbmlops.governance import History, Policy, assemble_review
from nbmlops.records import (
    Identity,
    Registered,
    Registration,
    SignedOff,
    Submitted,
    digest_bytes,
    now,
)
from nbmlops.testing import MemoryLedger, make_sign_off, make_submission

SUBMISSION = make_submission()
POLICY = Policy()


def test_an_approval_by_somebody_else_is_enough() -> None:
    """The control: with one approval nothing is missing."""
    assert POLICY.missing(SUBMISSION, (make_sign_off(SUBMISSION, "grace"),)) == []


def test_without_a_sign_off_the_sentence_says_whose_and_on_what() -> None:
    """The author is named, and so is the content."""
    (sentence,) = POLICY.missing(SUBMISSION, ())
    assert sentence == (
        "1 sign-off is missing by someone other than ada, on content "
        f"{SUBMISSION.content_digest[:12]}."
    )


@pytest.mark.parametrize(
    ("policy", "by", "changes"),
    [
        (POLICY, ["ada"], {}),
        (POLICY, ["grace"], {"content_digest": digest_bytes(b"other")}),
        (Policy(sign_offs=2), ["grace", "grace"], {}),
    ],
    ids=["the author's own", "on other content", "one person twice"],
)
def test_what_does_not_count(policy: Policy, by: list[str], changes: dict[str, str]) -> None:
    """Neither the author's hand, nor another content's sign-off, nor the same person again."""
    sign_offs = tuple(make_sign_off(SUBMISSION, name, **changes) for name in by)
    assert any("missing" in s for s in policy.missing(SUBMISSION, sign_offs))


def test_two_people_satisfy_a_policy_of_two() -> None:
    """The control of the one above."""
    sign_offs = (make_sign_off(SUBMISSION, "grace"), make_sign_off(SUBMISSION, "alan"))
    assert Policy(sign_offs=2).missing(SUBMISSION, sign_offs) == []


def test_a_rejection_stands_until_its_author_takes_it_back() -> None:
    """The last word of each person counts."""
    no = make_sign_off(SUBMISSION, "grace", verdict="rejected", comment="Which month is this?")
    yes = make_sign_off(SUBMISSION, "grace")
    alan = make_sign_off(SUBMISSION, "alan")
    assert POLICY.missing(SUBMISSION, (alan, no)) == ["grace rejected it: Which month is this?"]
    assert POLICY.missing(SUBMISSION, (alan, no, yes)) == []


def test_an_incomplete_record_is_told_with_both_numbers() -> None:
    """60 % where 90 % are asked for."""
    evidence = msgspec.structs.replace(SUBMISSION.evidence, completeness=0.6)
    submission = make_submission(evidence=evidence)
    sign_offs = (make_sign_off(submission, "grace"),)
    demanding = Policy(minimum_completeness=0.9)
    assert demanding.missing(submission, sign_offs) == [
        "The record is 60% complete; the policy asks for 90%."
    ]
    assert Policy(minimum_completeness=0.6).missing(submission, sign_offs) == []


def test_only_the_author_may_not_sign() -> None:
    """Unless the policy lets the author."""
    ada, grace = Identity(name="ada"), Identity(name="grace")
    assert "author" in POLICY.objections(SUBMISSION, ada)[0]
    assert POLICY.objections(SUBMISSION, grace) == []
    assert Policy(author_may_sign=True).objections(SUBMISSION, ada) == []


def history_of(*facts: object) -> History:
    ledger = MemoryLedger()
    for fact in facts:
        ledger.append(fact, actor="somebody")  # type: ignore[arg-type] # facts of several kinds
    return History(ledger.entries())


def test_the_status_follows_from_the_facts() -> None:
    """Waiting, approved, rejected, registered, stale: each computed, none stored."""
    submitted = Submitted(submission=SUBMISSION)
    approved = SignedOff(sign_off=make_sign_off(SUBMISSION, "grace"))
    rejected = SignedOff(sign_off=make_sign_off(SUBMISSION, "grace", verdict="rejected"))
    registered = Registered(
        registration=Registration(
            id="registration-1",
            review_id=SUBMISSION.id,
            model_name=SUBMISSION.model_name,
            version="1",
            alias="champion",
            content_digest=SUBMISSION.content_digest,
            sign_off_digests=(),
            by=Identity(name="ada"),
            at=now(),
        )
    )

    def status(*facts: object, changed: str | None = None) -> str:
        return assemble_review(SUBMISSION, history_of(*facts), POLICY, changed).status

    assert status(submitted) == "waiting"
    assert status(submitted, rejected) == "rejected"
    assert status(submitted, rejected, approved) == "approved"
    assert status(submitted, approved, registered) == "registered"
    assert status(submitted, approved, changed="Cell 3 was edited.") == "stale"


def test_a_sign_off_on_earlier_content_is_called_stale() -> None:
    """The new submission says whose sign-off no longer counts, and why."""
    newer = make_submission(id="review-2", content_digest=digest_bytes(b"edited"))
    history = history_of(
        Submitted(submission=SUBMISSION),
        SignedOff(sign_off=make_sign_off(SUBMISSION, "grace")),
        Submitted(submission=newer),
    )
    review = assemble_review(newer, history, POLICY)
    assert review.status == "waiting"
    assert any("grace's sign-off" in s and "stale" in s for s in review.missing)


@pytest.mark.parametrize("name", ["ADA", "Ada", " ada ", "ａｄａ"])
def test_an_author_typed_otherwise_is_still_the_author(name: str) -> None:
    """Whoever logs people in may take both for one; another name is another person."""
    submission = make_submission(author="ada")
    assert "is the author" in Policy().objections(submission, Identity(name=name))[0]
    signed = make_sign_off(submission, name)
    assert f"{name} is the author" in " ".join(Policy().missing(submission, (signed,)))
    assert Policy().missing(submission, (make_sign_off(submission, "adam"),)) == []


def test_one_person_typed_twice_is_one_approval() -> None:
    """Two people are two."""
    submission, policy = make_submission(author="ada"), Policy(sign_offs=2)
    for names, enough in ((("grace", "Grace"), False), (("grace", "alan"), True)):
        given = tuple(make_sign_off(submission, name) for name in names)
        missing = policy.missing(submission, given)
        assert (not missing) is enough, missing
        assert ("grace is the same person" in " ".join(missing)) is not enough
