"""Findings: what a reviewer may pin to what, and who may settle it. No I/O."""

from __future__ import annotations

from nbmlops.governance.policy import same_person
from nbmlops.records import Finding, Identity, Submission

__all__ = ["finding_objections", "resolution_objections"]


def finding_objections(
    submission: Submission, text: str, cell: int | None, metric: str | None
) -> list[str]:
    """Why such a finding cannot be raised."""
    evidence = submission.evidence
    sentences = []
    if not text.strip():
        sentences.append("A finding needs a text: what is wrong, and what would settle it?")
    if cell is not None and metric is not None:
        sentences.append("A finding is pinned to a cell or to a metric, not to both.")
    if cell is not None and not 1 <= cell <= len(evidence.code):
        sentences.append(
            f"There is no code cell {cell} in {evidence.notebook}; it has {len(evidence.code)}."
        )
    known = sorted({m.name for m in evidence.metrics} | {m.name for m in evidence.clean_run})
    if metric is not None and metric not in known:
        sentences.append(f"There is no metric {metric!r}; there is {', '.join(known) or 'none'}.")
    return sentences


def resolution_objections(
    finding: Finding, submission: Submission, by: Identity, doubt: str | None = None
) -> list[str]:
    """Why `by` may not settle `finding`; `doubt` says why its resolution does not count, if so."""
    if finding.resolution is not None and doubt is None:
        return [f"Finding {finding.id} was settled by {finding.resolution.by.name} already."]
    if finding.sign_off_id is not None and by.name != finding.by.name:
        return [
            f"{finding.id} is the condition of {finding.by.name}'s approval; only "
            f"{finding.by.name} can say that it is met."
        ]
    if same_person(by.name, submission.author):
        return [
            f"{by.name} is the author of {submission.model_name}; a finding is settled by whoever "
            "raised it, or by another reviewer."
        ]
    return []
