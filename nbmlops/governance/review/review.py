"""How a review stands: computed from the facts, the policy, and what has changed since."""

from __future__ import annotations

from datetime import datetime

from nbmlops.governance.ledger import History
from nbmlops.governance.policy import SKEW, Policy
from nbmlops.governance.review.staleness import changed_since
from nbmlops.records import Review, ReviewStatus, Submission, now

__all__ = ["assemble_review", "clock_objection"]


def assemble_review(
    submission: Submission,
    history: History,
    policy: Policy,
    changed: str | None = None,
    at: datetime | None = None,
) -> Review:
    """The review of `submission` at the instant `at` (default: now).

    `changed` says what was edited since then, if anything. An edit, or a sign-off on other content,
    never counts: the review says so and stays closed.
    """
    clock = at or now()
    # A clock that was set back must not bring a lapsed approval to life again.
    present = max(clock, history.latest) if history.latest else clock
    sign_offs = history.sign_offs.get(submission.id, ())
    registration = history.registrations.get(submission.id)
    counted = policy.count(submission, sign_offs, history, present)
    changed = changed or changed_since(submission, history)
    missing = policy.missing(submission, sign_offs, history, present)
    if missing:
        missing += [
            f"{stale.by.name}'s sign-off of {stale.at:%Y-%m-%d %H:%M} is stale: it was on content "
            f"{stale.content_digest[:12]}, this is {submission.content_digest[:12]}."
            for stale in history.earlier_sign_offs(submission)
        ]
    missing[:0] = [sentence for sentence in (changed, clock_objection(clock, history)) if sentence]
    withdrawal = history.withdrawal(submission)
    tier = policy.tier_of(submission.model_name)
    status: ReviewStatus = "waiting" if missing else "approved"
    if changed:
        status = "stale"
    elif withdrawal and missing:
        status = "withdrawn"
    elif registration:
        status = "registered"
    elif counted.rejections:
        status = "rejected"
    return Review(
        submission=submission,
        sign_offs=sign_offs,
        status=status,
        missing=tuple(missing),
        registration=registration,
        findings=history.findings_of(submission.model_name),
        uncounted=counted.reasons,
        withdrawal=withdrawal[1] if withdrawal else None,
        policy=_spelled(policy, tier),
    )


def clock_objection(clock: datetime, history: History) -> str | None:
    """That the clock stands before what the ledger has seen, if it does."""
    if history.latest is None or clock >= history.latest - SKEW:
        return None
    return (
        f"The clock stands at {clock:%Y-%m-%d %H:%M} UTC, before the ledger's last fact of "
        f"{history.latest:%Y-%m-%d %H:%M} UTC: it was set back. Correct it."
    )


def _spelled(policy: Policy, tier: str | None) -> str:
    if not policy.version:
        return "the settings in nbmlops.toml"
    return f"policy version {policy.version}" + (f", tier {tier}" if tier else "")
