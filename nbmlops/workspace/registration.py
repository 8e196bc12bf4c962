"""From a verdict to production and back: registration, aliases, withdrawal, loading."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import msgspec

from nbmlops.errors import NbmlopsError, NotFound, Refused, Stale
from nbmlops.governance import (
    SigningKey,
    acting,
    alias_missing,
    alias_move_of,
    find,
    registration_of,
    sign,
    version_tags,
    withdrawal_payload,
)
from nbmlops.records import (
    AliasMove,
    AliasMoved,
    Identity,
    Registered,
    Registration,
    Review,
    Submission,
    Withdrawal,
    WithdrawalRequest,
    Withdrawn,
    new_id,
)
from nbmlops.workspace.review import refuse, review
from nbmlops.workspace.stores import Stores, one_at_a_time

__all__ = [
    "load_model",
    "move_alias",
    "prepare_withdrawal",
    "record_registration",
    "register",
    "withdraw",
]


@one_at_a_time
def register(stores: Stores, review_id: str, alias: str, by: Identity) -> Registration:
    """Let the review's model into the registry, if nothing is missing."""
    current = review(stores, review_id)
    submission = current.submission
    missing = current.missing or tuple(_alias_missing(stores, submission, alias, by))
    if missing:
        kind = Stale if current.status == "stale" else Refused
        said = (f"{submission.model_name} may not be registered yet.", *missing, *_way_on(current))
        error = kind(" ".join(said), missing)
        raise stores.refuse(error, "register", submission.id, by.name)
    promotion = stores.history().promotions[submission.promotion_id]
    clean = stores.clean_run(promotion)
    with acting(by):
        version = stores.registry.register(
            submission.model_name,
            stores.gate.source(submission.content_digest),
            run_id=clean.mlflow_run_id,
            alias=alias,
            tags=version_tags(current, alias),
        )
    return record_registration(stores, current, version, alias, by)


def _way_on(current: Review) -> list[str]:
    """Who settles each finding that is open, and how."""
    others = f"Somebody other than {current.submission.author}"
    return [
        f"{f.by.name if f.sign_off_id else others} settles it: nbmlops finding resolve {f.id}."
        for f in current.findings
        if not f.resolution
    ]


def record_registration(
    stores: Stores, current: Review, version: str, alias: str | None, by: Identity
) -> Registration:
    """Tell the ledger that a review's model is in the registry as `version`, at `alias` if any."""
    registration = registration_of(current, version, alias, by, stores.clock())
    stores.append(Registered(registration=registration), by.name)
    return registration


@one_at_a_time
def move_alias(
    stores: Stores, model_name: str, version: str, alias: str, by: Identity
) -> AliasMove:
    """Let `alias` stand at a registered version, if its sign-offs and the policy allow that."""
    submission = stores.history().submissions[_registered(stores, model_name, version).review_id]
    why = _alias_missing(stores, submission, alias, by)
    if why:
        raise refuse(stores, "alias", f"{model_name}@{alias}", by, why)
    with acting(by):
        stores.registry.move_alias(model_name, alias, version)
    move = alias_move_of(submission, alias, version, by, stores.clock())
    stores.append(AliasMoved(move=move), by.name)
    return move


def prepare_withdrawal(
    stores: Stores, subject: str, reason: str, key: SigningKey | None
) -> WithdrawalRequest:
    """The request to suspend an approval, with its signature."""
    request = WithdrawalRequest(subject=subject, reason=reason.strip())
    if key is None:
        return request
    submission, registration = _withdrawn(stores, subject)
    by = Identity(name=key.public.owner)
    withdrawal = _withdrawal(stores, request, submission, registration, by)
    envelope = sign(withdrawal_payload(submission, withdrawal), key)
    return msgspec.structs.replace(request, envelope=envelope)


@one_at_a_time
def withdraw(stores: Stores, request: WithdrawalRequest, by: Identity) -> Withdrawal:
    """Suspend an approval: the gate closes at once, then the aliases go.

    The subject is a version (``model/3``, ``model@champion``) or a review's id. It takes no
    signature, which could only delay it; one that is given must hold.
    """
    if not request.reason.strip():
        why = "A withdrawal needs a reason; people will ask for it."
        raise refuse(stores, "withdraw", request.subject, by, [why])
    submission, registration = _withdrawn(stores, request.subject)
    objections = stores.policy.say_objections(submission, by)
    if objections:
        raise refuse(stores, "withdraw", request.subject, by, objections)
    withdrawal = _withdrawal(stores, request, submission, registration, by)
    if request.envelope is not None:
        payload = withdrawal_payload(submission, withdrawal)
        doubt = stores.policy.signature_doubt(request.envelope, payload, by, stores.history())
        if doubt:
            why = f"The signature of {by.name}'s withdrawal does not hold: {doubt}."
            raise refuse(stores, "withdraw", request.subject, by, [why])
    stores.append(Withdrawn(withdrawal=withdrawal), by.name)
    with acting(by):
        # Off every version of that content: MLflow's client may have made more of it than one.
        stores.registry.remove_aliases(
            submission.model_name,
            lambda source: stores.gate.is_sealed(source, submission.content_digest),
        )
    return withdrawal


def _withdrawn(stores: Stores, subject: str) -> tuple[Submission, Registration | None]:
    """Whose approval a version or a review's id means."""
    history = stores.history()
    if "@" in subject or "/" in subject:
        name, version = stores.registry.resolve(f"models:/{subject}")
        registration = _registered(stores, name, version)
        return history.submissions[registration.review_id], registration
    submission = find("review", subject, history.submissions)
    return submission, history.registrations.get(submission.id)


def _withdrawal(
    stores: Stores,
    request: WithdrawalRequest,
    submission: Submission,
    registration: Registration | None,
    by: Identity,
) -> Withdrawal:
    return Withdrawal(
        id=new_id("withdrawal"),
        review_id=submission.id,
        model_name=submission.model_name,
        version=registration.version if registration else None,
        content_digest=submission.content_digest,
        reason=request.reason.strip(),
        by=by,
        at=stores.clock(),
        envelope=request.envelope,
    )


def load_model(stores: Stores, uri: str, flavor: str) -> Any:
    """Load a registered model after its signatures and each of its files were checked."""
    # MLflow takes our class by its entry point as this is imported. Were ours first, MLflow would
    # meet it half-made, and check nothing that this process loads by ``models:/…`` later.
    import_module("mlflow.store.artifact.artifact_repository_registry")
    from nbmlops.governance.gate.mlflow_verified_models import fetch_verified

    path = fetch_verified(stores.registry, stores.settings, uri)
    try:
        module = import_module(f"mlflow.{flavor}")
    except ImportError as error:
        raise NbmlopsError(
            f"MLflow has no flavor {flavor!r} here: {error}. Leave it out for pyfunc."
        ) from error
    return module.load_model(str(path))


def _alias_missing(stores: Stores, submission: Submission, alias: str, by: Identity) -> list[str]:
    return alias_missing(
        [submission], alias, by, policy=stores.policy, history=stores.history(), at=stores.clock()
    )


def _registered(stores: Stores, model_name: str, version: str) -> Registration:
    registration = stores.history().registration(model_name, version)
    if registration is None:
        raise NotFound(
            f"Version {version} of {model_name} was not registered through a review here. nbmlops "
            "review lists what was."
        )
    return registration
