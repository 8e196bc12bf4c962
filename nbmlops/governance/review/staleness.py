"""What has changed since a submission, by the ledger's own account. No I/O."""

from __future__ import annotations

from nbmlops.governance.ledger import History
from nbmlops.records import Evidence, Submission

__all__ = ["changed_since"]


def changed_since(submission: Submission, history: History) -> str | None:
    """A sentence on what replaced a submission or what it was compared with, if anything did.

    What is registered already stays as it was judged.
    """
    if submission.id in history.registrations:
        return None
    return _superseded(submission, history) or _other_champion(submission, history)


def _changed_evidence(before: Evidence, after: Evidence) -> list[str]:
    """In which parts two gatherings of evidence differ, in words."""
    return [
        name.replace("_", " ")
        for name in Evidence.__struct_fields__
        if name != "executions" and getattr(before, name) != getattr(after, name)
    ]


def _superseded(submission: Submission, history: History) -> str | None:
    later = [
        other
        for other in history.submissions_of(submission.model_name)
        if other.promotion_id == submission.promotion_id
    ]
    if not later or later[-1].id == submission.id:
        return None
    what = ", ".join(_changed_evidence(submission.evidence, later[-1].evidence)) or "nothing else"
    return (
        f"{later[-1].id} replaces this submission; changed since: {what}. Sign-offs on this one no "
        "longer speak of it."
    )


def _other_champion(submission: Submission, history: History) -> str | None:
    champion = history.champion(submission.model_name)
    if submission.dossier is None or champion is None:
        return None
    if champion.content_digest == submission.content_digest:
        return None
    seen = submission.evidence.champion
    if seen is not None and seen.content_digest == champion.content_digest:
        return None
    before = f"version {seen.version}" if seen else "no champion"
    return (
        f"The champion of {submission.model_name} is version {champion.version} now; this was "
        f"compared with {before}. Submit it again: nbmlops submit {submission.promotion_id}."
    )
