"""How a review stands: computed from the facts, the policy, and what has changed since."""

from __future__ import annotations

from nbmlops.governance.history import History
from nbmlops.governance.policy import Policy, last_words
from nbmlops.records import (
    Evidence,
    Execution,
    Promotion,
    Registration,
    Review,
    ReviewStatus,
    SignOff,
    Submission,
    TrackedRun,
)

__all__ = ["assemble_review", "gather_evidence"]


def gather_evidence(
    promotion: Promotion, clean_run: TrackedRun, executions: tuple[Execution, ...]
) -> Evidence:
    """What a reviewer needs to see of `promotion`, whose clean run left the record `clean_run`."""
    return Evidence(
        model_class=clean_run.model_class,
        notebook=promotion.notebook,
        code=tuple(cell.source for cell in (*clean_run.cells, *clean_run.metric_cells)),
        parameters=clean_run.parameters,
        metrics=clean_run.metrics,
        clean_run=promotion.clean_run.metrics,
        clean_run_agrees=promotion.clean_run.agrees,
        inputs=clean_run.inputs,
        gaps=promotion.gaps,
        completeness=clean_run.completeness,
        executions=tuple(execution.id for execution in executions),
    )


def assemble_review(
    submission: Submission, history: History, policy: Policy, changed: str | None = None
) -> Review:
    """The review of `submission`; `changed` says what was edited since then, if anything.

    An edit, or a sign-off on other content, never counts: the review says so and stays closed.
    """
    sign_offs = tuple(history.sign_offs.get(submission.id, ()))
    registration = history.registrations.get(submission.id)
    missing = policy.missing(submission, sign_offs)
    if missing:
        missing += [
            f"{stale.by.name}'s sign-off of {stale.at:%Y-%m-%d %H:%M} is stale: it was on content "
            f"{stale.content_digest[:12]}, this is {submission.content_digest[:12]}."
            for stale in history.earlier_sign_offs(submission)
        ]
    if changed:
        missing.insert(0, changed)
    return Review(
        submission=submission,
        sign_offs=sign_offs,
        status=_status(submission, sign_offs, registration, missing, changed),
        missing=tuple(missing),
        registration=registration,
    )


def _status(
    submission: Submission,
    sign_offs: tuple[SignOff, ...],
    registration: Registration | None,
    missing: list[str],
    changed: str | None,
) -> ReviewStatus:
    if changed:
        return "stale"
    if registration:
        return "registered"
    if any(word.verdict == "rejected" for word in last_words(submission, sign_offs)):
        return "rejected"
    return "waiting" if missing else "approved"
