"""From a promotion to a verdict: submission, reviews, sign-offs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime

import msgspec

from nbmlops.errors import IntegrityError, NotFound, Refused, Stale
from nbmlops.governance import (
    SigningKey,
    assemble_review,
    clock_objection,
    find,
    make_statement,
    sign,
    verify_dossier,
)
from nbmlops.records import (
    Fact,
    Finding,
    FindingRaised,
    Identity,
    Review,
    SignedOff,
    SignOff,
    Submission,
    Submitted,
    TrackedRun,
    Verdict,
    encode,
    new_id,
)
from nbmlops.workspace.attachments import Enclosed
from nbmlops.workspace.evidence import evidence_of_run, gather, is_current, seal_dossier
from nbmlops.workspace.promote import default_model_name, edited_since
from nbmlops.workspace.stores import Stores, one_at_a_time

__all__ = [
    "dry_run",
    "give",
    "prepare_sign_off",
    "refuse",
    "review",
    "reviews",
    "submit",
]


def submit(stores: Stores, promotion_id: str, enclosed: Enclosed) -> Review:
    """Lay a promotion before reviewers, with what people enclose.

    Submitting the same again returns its review; with more, or after the champion changed, a new
    one, which takes over what was attached before.
    """
    history = stores.history()
    promotion = find("promotion", promotion_id, history.promotions)
    earlier = [
        s for s in history.submissions_of(promotion.model_name) if s.promotion_id == promotion.id
    ]
    last = earlier[-1] if earlier else None
    if last and not enclosed and is_current(last, history):
        return _assemble(stores, last)
    stores.vault.verify(promotion.bundle)
    evidence, dossier = seal_dossier(stores, promotion, last, enclosed)
    submission = Submission(
        id=new_id("review"),
        promotion_id=promotion.id,
        model_name=promotion.model_name,
        content_digest=promotion.bundle.digest,
        author=promotion.author,
        at=stores.clock(),
        evidence=evidence,
        dossier=dossier,
        mlflow_run_id=stores.clean_run(promotion).mlflow_run_id,
    )
    stores.append(Submitted(submission=submission), stores.me.name)
    return _assemble(stores, submission)


def reviews(stores: Stores, waiting: bool) -> list[Review]:
    """All reviews, or only those that wait for somebody, newest first."""
    found = [_assemble(stores, s) for s in stores.history().submissions.values()]
    return [r for r in reversed(found) if not waiting or r.status in ("waiting", "approved")]


def review(stores: Stores, review_id: str) -> Review:
    """One review as it stands now, its sealed content read again."""
    submission = find("review", review_id, stores.history().submissions)
    return _assemble(stores, submission, read_content=True)


def dry_run(stores: Stores, key: str | None) -> tuple[str, ...]:
    """What would be missing if a review, a promotion or a run were to be registered now.

    Without a `key` it is about the latest run. A run that was promoted is judged by its promotion,
    a promotion that was submitted by its review.

    :raises NotFound: if there is no such thing.
    """
    history = stores.history()
    try:
        return review(stores, key or "").missing
    except NotFound:
        pass
    try:
        promotion = find("promotion", key or "", history.promotions)
    except NotFound:
        run = stores.run(key) if key else stores.latest_run()
        promoted = [p for p in history.promotions.values() if p.run_id == run.id]
        if not promoted:
            return _dry_run_of(run, stores)
        promotion = promoted[-1]
    submitted = [
        s for s in history.submissions_of(promotion.model_name) if s.promotion_id == promotion.id
    ]
    if submitted:
        return review(stores, submitted[-1].id).missing
    submission = Submission(
        id="",
        promotion_id=promotion.id,
        model_name=promotion.model_name,
        content_digest=promotion.bundle.digest,
        author=promotion.author,
        at=stores.clock(),
        evidence=gather(stores, promotion),
    )
    changed = edited_since(stores, promotion)
    return assemble_review(submission, history, stores.policy, changed, stores.clock()).missing


def prepare_sign_off(
    stores: Stores,
    review_id: str,
    verdict: Verdict,
    comment: str,
    by: Identity,
    *,
    scopes: Sequence[str],
    expires: datetime | None,
    key: SigningKey | None,
) -> SignOff:
    """The sign-off as it would be given, with its signature; nobody has been told of it yet."""
    history = stores.history()
    submission = find("review", review_id, history.submissions)
    record = SignOff(
        id=new_id("sign-off"),
        review_id=submission.id,
        content_digest=submission.content_digest,
        verdict=verdict,
        comment=comment,
        by=by,
        at=stores.clock(),
        scopes=tuple(dict.fromkeys(scopes)),
        expires=expires,
        nonce=secrets.token_hex(16),
    )
    if key is None:
        return record
    statement = make_statement(record, submission, history.promotions[submission.promotion_id])
    return msgspec.structs.replace(record, envelope=sign(encode(statement), key))


@one_at_a_time
def give(stores: Stores, record: SignOff, by: Identity) -> Review:
    """Put a sign-off that `by` hands in on the ledger, if it would count."""
    current = review(stores, record.review_id)
    submission = current.submission
    history, at = stores.history(), stores.clock()
    objections = stores.policy.objections(submission, by)
    objections += _form_objections(record, by, at)
    objections += [sentence for sentence in [clock_objection(at, history)] if sentence]
    if objections:
        raise refuse(stores, "sign-off", submission.id, by, objections)
    if current.status == "stale":
        raise stores.refuse(Stale(current.missing[0]), "sign-off", submission.id, by.name)
    given = msgspec.structs.replace(record, by=by)
    doubt = stores.policy.doubt(submission, given, history, at)
    if doubt:
        raise refuse(stores, "sign-off", submission.id, by, [doubt])
    facts: list[Fact] = [SignedOff(sign_off=given)]
    if given.verdict == "approved with conditions":
        facts.append(FindingRaised(finding=_condition(given)))
    stores.append_all(facts, by.name)
    return _assemble(stores, submission)


def refuse(
    stores: Stores, verb: str, subject: str, by: Identity, objections: Sequence[str]
) -> Refused:
    """The refusal of `by` for each of `objections`, put on the ledger; to be raised."""
    error = Refused(" ".join(objections), tuple(objections))
    return stores.refuse(error, verb, subject, by.name)


def _form_objections(record: SignOff, by: Identity, at: datetime) -> list[str]:
    sentences = []
    if record.by.name != by.name:
        sentences.append(f"This is {record.by.name}'s sign-off; {by.name} may not hand it in.")
    if record.verdict == "approved with conditions" and not record.comment.strip():
        sentences.append("An approval with conditions needs a comment that says which.")
    sentences += [
        f"There is no scope {scope!r}: a sign-off allows 'register' and 'alias:NAME'."
        for scope in record.scopes
        if not re.fullmatch(r"register|alias:\w[\w.-]*", scope)
    ]
    if record.expires is not None and record.expires <= at:
        sentences.append(
            f"A sign-off that expired on {record.expires:%Y-%m-%d %H:%M} allows nothing."
        )
    return sentences


def _condition(sign_off: SignOff) -> Finding:
    """The condition of an approval as a finding, so that it is seen until it is met."""
    return Finding(
        id=new_id("finding"),
        review_id=sign_off.review_id,
        text=sign_off.comment,
        by=sign_off.by,
        at=sign_off.at,
        sign_off_id=sign_off.id,
    )


def _dry_run_of(run: TrackedRun, stores: Stores) -> tuple[str, ...]:
    submission = Submission(
        id="",
        promotion_id="",
        model_name=default_model_name(run),
        content_digest="",
        # Whoever promotes it is its author, by the name that a server knows them by.
        author=run.author if stores.server is None else stores.runner.name,
        at=stores.clock(),
        evidence=evidence_of_run(run),
    )
    unproved = (
        "It is not promoted: no clean run has reproduced it. nbmlops promote "
        f"{run.id} does that, and seals what is signed."
    )
    found = stores.policy.missing(submission, (), stores.history(), stores.clock())
    return (unproved, *found)


def _assemble(stores: Stores, submission: Submission, read_content: bool = False) -> Review:
    """The review of `submission`; reading its content again is for one review, not for a list."""
    history = stores.history()
    promotion = history.promotions[submission.promotion_id]
    try:
        changed = edited_since(stores, promotion)
        if changed is None and read_content:
            stores.vault.verify(promotion.bundle)
            verify_dossier(stores.vault, submission)
    except IntegrityError as error:
        changed = str(error)
    return assemble_review(submission, history, stores.policy, changed, stores.clock())
