"""Findings: raised by reviewers, settled by them."""

from __future__ import annotations

from nbmlops.governance import find, finding_objections, resolution_objections
from nbmlops.records import (
    Finding,
    FindingRaised,
    FindingResolved,
    Identity,
    Resolution,
    new_id,
)
from nbmlops.workspace.review import refuse
from nbmlops.workspace.stores import Stores

__all__ = ["add_finding", "findings", "resolve_finding"]


def add_finding(
    stores: Stores,
    review_id: str,
    text: str,
    *,
    cell: int | None,
    metric: str | None,
    by: Identity,
) -> Finding:
    """Pin a finding to a code cell or a metric of a review, or to the whole of it."""
    submission = find("review", review_id, stores.history().submissions)
    objections = finding_objections(submission, text, cell, metric)
    if objections:
        raise refuse(stores, "finding", submission.id, by, objections)
    finding = Finding(
        id=new_id("finding"),
        review_id=submission.id,
        text=text.strip(),
        by=by,
        at=stores.clock(),
        cell=cell,
        metric=metric,
    )
    stores.append(FindingRaised(finding=finding), by.name)
    return finding


def resolve_finding(stores: Stores, finding_id: str, note: str, by: Identity) -> Finding:
    """Settle a finding, and say how."""
    history = stores.history()
    finding = find("finding", finding_id, history.findings)
    objections = resolution_objections(finding, history.submissions[finding.review_id], by)
    if objections:
        raise refuse(stores, "resolve-finding", finding.id, by, objections)
    resolution = Resolution(finding_id=finding.id, note=note.strip(), by=by, at=stores.clock())
    stores.append(FindingResolved(resolution=resolution), by.name)
    return stores.history().findings[finding.id]


def findings(stores: Stores, review_id: str | None, only_open: bool) -> list[Finding]:
    """The findings on a review's model, or all, oldest first."""
    history = stores.history()
    if review_id is None:
        found = tuple(history.findings.values())
    else:
        found = history.findings_of(find("review", review_id, history.submissions).model_name)
    return [f for f in found if not (only_open and f.resolution)]
