"""Findings: raised by reviewers, settled by them."""

from __future__ import annotations

import msgspec

from nbmlops.governance import (
    SigningKey,
    find,
    finding_objections,
    resolution_objections,
    resolution_payload,
    sign,
)
from nbmlops.records import (
    Finding,
    FindingRaised,
    FindingResolved,
    Identity,
    Resolution,
    ResolutionRequest,
    new_id,
)
from nbmlops.workspace.review import refuse
from nbmlops.workspace.stores import Stores, one_at_a_time

__all__ = ["add_finding", "findings", "prepare_resolution", "resolve_finding"]


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
    objections = stores.policy.say_objections(submission, by)
    objections += finding_objections(submission, text, cell, metric)
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


def prepare_resolution(
    stores: Stores, finding_id: str, note: str, key: SigningKey | None
) -> ResolutionRequest:
    """The request to settle a finding, with its signature."""
    finding = find("finding", finding_id, stores.history().findings)
    request = ResolutionRequest(finding_id=finding.id, note=note.strip())
    if key is None:
        return request
    by = Identity(name=key.public.owner)
    resolution = Resolution(finding_id=finding.id, note=request.note, by=by, at=stores.clock())
    envelope = sign(resolution_payload(finding, resolution), key)
    return msgspec.structs.replace(request, envelope=envelope)


@one_at_a_time
def resolve_finding(stores: Stores, request: ResolutionRequest, by: Identity) -> Finding:
    """Settle a finding, and say how."""
    history, policy = stores.history(), stores.policy
    finding = find("finding", request.finding_id, history.findings)
    resolution = Resolution(
        finding_id=finding.id,
        note=request.note.strip(),
        by=by,
        at=stores.clock(),
        envelope=request.envelope,
    )
    objections = resolution_objections(
        finding,
        history.submissions[finding.review_id],
        by,
        policy.doubt_settled(finding, history),
    )
    payload = resolution_payload(finding, resolution)
    doubt = policy.signature_doubt(request.envelope, payload, by, history)
    if doubt:
        objections.append(f"{by.name}'s resolution would not count: {doubt}.")
    if objections:
        raise refuse(stores, "resolve-finding", finding.id, by, objections)
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
