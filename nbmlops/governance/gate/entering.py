"""What is told of a version that enters the registry, whoever brings it there. No I/O."""

from __future__ import annotations

from datetime import datetime

from nbmlops.records import (
    AliasMove,
    Identity,
    Registration,
    Review,
    Submission,
    digest,
    new_id,
)

__all__ = ["FIRST_ALIAS", "alias_move_of", "registration_of", "version_tags"]

FIRST_ALIAS = "nbmlops.first_alias"
"""The tag that tells which alias a registration was to move, should it be cut short."""


def registration_of(
    review: Review, version: str, alias: str | None, by: Identity, at: datetime
) -> Registration:
    """That `version` entered the registry under the sign-offs of `review`."""
    submission = review.submission
    return Registration(
        id=new_id("registration"),
        review_id=submission.id,
        model_name=submission.model_name,
        version=version,
        alias=alias,
        content_digest=submission.content_digest,
        sign_off_digests=_sign_off_digests(review),
        by=by,
        at=at,
    )


def alias_move_of(
    submission: Submission, alias: str, version: str, by: Identity, at: datetime
) -> AliasMove:
    """That `alias` moved to a version of what was submitted."""
    return AliasMove(
        model_name=submission.model_name,
        alias=alias,
        version=version,
        review_id=submission.id,
        content_digest=submission.content_digest,
        by=by,
        at=at,
    )


def version_tags(review: Review, alias: str | None = None) -> dict[str, str]:
    """The tags that a version carries: the digests of what was signed, and of the sign-offs."""
    submission = review.submission
    tags = {
        "nbmlops.content_digest": submission.content_digest,
        "nbmlops.review": submission.id,
        "nbmlops.sign_offs": ",".join(_sign_off_digests(review)),
    }
    if submission.dossier is not None:
        tags["nbmlops.dossier"] = submission.dossier.digest
    if alias is not None:
        tags[FIRST_ALIAS] = alias
    return tags


def _sign_off_digests(review: Review) -> tuple[str, ...]:
    """The digests of the sign-offs on exactly what is registered."""
    content = review.submission.content_digest
    return tuple(digest(s) for s in review.sign_offs if s.content_digest == content)
