"""From a promotion to a registered version: submission, sign-offs, registration."""

from __future__ import annotations

from nbmlops.errors import IntegrityError, Refused, Stale
from nbmlops.governance import assemble_review, find, gather_evidence
from nbmlops.records import (
    Identity,
    Registered,
    Registration,
    Review,
    SignedOff,
    SignOff,
    Submission,
    Submitted,
    Verdict,
    digest,
    new_id,
)
from nbmlops.workspace.promote import edited_since
from nbmlops.workspace.stores import Stores

__all__ = ["register", "review", "reviews", "sign_off", "submit"]


def submit(stores: Stores, promotion_id: str) -> Review:
    """Lay a promotion before reviewers; submitting the same content again returns its review."""
    history = stores.history()
    promotion = find("promotion", promotion_id, history.promotions)
    for submission in history.submissions.values():
        if submission.promotion_id == promotion.id:
            return _assemble(stores, submission)
    stores.vault.verify(promotion.bundle)
    submission = Submission(
        id=new_id("review"),
        promotion_id=promotion.id,
        model_name=promotion.model_name,
        content_digest=promotion.bundle.digest,
        author=promotion.author,
        at=stores.clock(),
        evidence=gather_evidence(
            promotion,
            stores.run(promotion.clean_run.run_id),
            history.executions_of(promotion.id),
        ),
    )
    stores.append(Submitted(submission=submission), stores.settings.user)
    return _assemble(stores, submission)


def reviews(stores: Stores, waiting: bool) -> list[Review]:
    """All reviews, or only those that wait for somebody, newest first."""
    found = [_assemble(stores, s) for s in stores.history().submissions.values()]
    return [r for r in reversed(found) if not waiting or r.status in ("waiting", "approved")]


def review(stores: Stores, review_id: str) -> Review:
    """One review as it stands now, its sealed content read again."""
    submission = find("review", review_id, stores.history().submissions)
    return _assemble(stores, submission, read_content=True)


def sign_off(
    stores: Stores, review_id: str, verdict: Verdict, comment: str, by: Identity
) -> Review:
    """Add a verdict on the review's content."""
    current = review(stores, review_id)
    submission = current.submission
    objections = stores.policy.objections(submission, by)
    if objections:
        error = Refused(" ".join(objections), tuple(objections))
        raise stores.refuse(error, "sign-off", submission.id, by.name)
    if current.status == "stale":
        raise stores.refuse(Stale(current.missing[0]), "sign-off", submission.id, by.name)
    record = SignOff(
        id=new_id("sign-off"),
        review_id=submission.id,
        content_digest=submission.content_digest,
        verdict=verdict,
        comment=comment,
        by=by,
        at=stores.clock(),
    )
    stores.append(SignedOff(sign_off=record), by.name)
    return _assemble(stores, submission)


def register(stores: Stores, review_id: str, alias: str, by: Identity) -> Registration:
    """Let the review's model into the registry, if nothing is missing."""
    current = review(stores, review_id)
    submission = current.submission
    if current.missing:
        kind = Stale if current.status == "stale" else Refused
        error = kind(
            f"{submission.model_name} may not be registered yet. " + " ".join(current.missing),
            current.missing,
        )
        raise stores.refuse(error, "register", submission.id, by.name)
    promotion = stores.history().promotions[submission.promotion_id]
    sign_offs = tuple(
        digest(s) for s in current.sign_offs if s.content_digest == submission.content_digest
    )
    clean = stores.run(promotion.clean_run.run_id)
    version = stores.registry.register(
        submission.model_name,
        stores.gate.source(submission.content_digest),
        run_id=clean.mlflow_run_id,
        alias=alias,
        tags={
            "nbmlops.content_digest": submission.content_digest,
            "nbmlops.review": submission.id,
            "nbmlops.sign_offs": ",".join(sign_offs),
        },
    )
    registration = Registration(
        id=new_id("registration"),
        review_id=submission.id,
        model_name=submission.model_name,
        version=version,
        alias=alias,
        content_digest=submission.content_digest,
        sign_off_digests=sign_offs,
        by=by,
        at=stores.clock(),
    )
    stores.append(Registered(registration=registration), by.name)
    return registration


def _assemble(stores: Stores, submission: Submission, read_content: bool = False) -> Review:
    """The review of `submission`; reading its content again is for one review, not for a list."""
    history = stores.history()
    promotion = history.promotions[submission.promotion_id]
    try:
        changed = edited_since(stores, promotion)
        if changed is None and read_content:
            stores.vault.verify(promotion.bundle)
    except IntegrityError as error:
        changed = str(error)
    return assemble_review(submission, history, stores.policy, changed)
