"""The review's verbs decided here: in this project's ledger, by its policy."""

from __future__ import annotations

from typing import TypeVar

from nbmlops.records import (
    AliasRequest,
    FindingRequest,
    Identity,
    PublicationRequest,
    Record,
    Request,
    ResolutionRequest,
    RevocationRequest,
    RotationRequest,
    UnscheduleRequest,
    WithdrawalRequest,
)
from nbmlops.workspace.findings import add_finding, resolve_finding
from nbmlops.workspace.keys import revoke, rotate
from nbmlops.workspace.policy import publish
from nbmlops.workspace.registration import move_alias, register, withdraw
from nbmlops.workspace.review import give, review, reviews, submit
from nbmlops.workspace.scheduled import schedule_objections, unschedule
from nbmlops.workspace.stores import Stores

__all__ = ["decide", "give", "register", "review", "reviews", "schedule_objections", "submit"]

T = TypeVar("T", bound=Record)


def decide(stores: Stores, request: Request, by: Identity, kind: type[T]) -> T:
    """Make the decision, or refuse it."""
    decision = _decide(stores, request, by)
    assert isinstance(decision, kind), f"{request} is not answered by a {kind}"  # noqa: S101 - a bug
    return decision


def _decide(stores: Stores, request: Request, by: Identity) -> Record:  # noqa: PLR0911 - a verb each
    match request:
        case AliasRequest(model_name=model_name, version=version, alias=alias):
            return move_alias(stores, model_name, version, alias, by)
        case WithdrawalRequest():
            return withdraw(stores, request, by)
        case UnscheduleRequest():
            return unschedule(stores, request, by)
        case FindingRequest(review_id=review_id, text=text, cell=cell, metric=metric):
            return add_finding(stores, review_id, text, cell=cell, metric=metric, by=by)
        case ResolutionRequest():
            return resolve_finding(stores, request, by)
        case PublicationRequest(policy=policy):
            return publish(stores, policy, by)
        case RevocationRequest():
            return revoke(stores, request, by)
        case RotationRequest(rotation=rotation):
            return rotate(stores, rotation, by)
