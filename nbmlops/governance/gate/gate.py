"""The gate's rule: which content may stand under which name in the registry.

It answers from the ledger, the policy and the vault alone. The registry's store asks it before each
write, so it does not matter which client, script or page the write came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlparse

from nbmlops.errors import NotFound, Refused
from nbmlops.governance.gate.artifact_roots import VAULT_NAME
from nbmlops.governance.gate.entering import alias_move_of, registration_of
from nbmlops.governance.ledger import History, HistoryReader, Ledger
from nbmlops.governance.policy import Policy, policy_in_force
from nbmlops.governance.review import assemble_review, verify_dossier
from nbmlops.governance.vault import MODEL_FOLDER, Vault
from nbmlops.records import (
    AliasMoved,
    Bundle,
    Identity,
    RefusalRecorded,
    Registered,
    Review,
    Submission,
    now,
)

__all__ = ["Gate", "alias_missing"]

_LONGEST_TEXT = 4_000  # characters


class Gate:
    """Lets a model version in only when its review has everything that the policy asks for.

    `drafted` is the policy that holds as long as none is published on the ledger.
    """

    def __init__(
        self,
        ledger: Ledger,
        drafted: Policy,
        vault: Vault,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._ledger = ledger
        self._reader = HistoryReader(ledger)
        self._drafted = drafted
        self._vault = vault
        self._clock = clock

    def require_model(self, name: str, actor: str) -> None:
        """:raises Refused: unless some content is approved for the model `name`."""
        if not any(not review.missing for review in self._reviews(name)):
            self._refuse(
                "register",
                name,
                actor,
                f"Model {name!r} may not be registered: no approved review names it. Promote a "
                "tracked run, submit it, and have it signed off: nbmlops submit, nbmlops sign-off.",
            )

    def require_version(self, name: str, source: str, actor: str) -> Review:
        """Check that `source` is sealed content that is approved for `name`; its approved review.

        :raises Refused: if no approved review names exactly this content.
        :raises IntegrityError: if the sealed content is not what was signed.
        """
        self.require_model(name, actor)
        reviews = list(self._reviews(name, source))
        approved = [review for review in reviews if not review.missing]
        if not approved:
            self._refuse(
                "register",
                name,
                actor,
                f"Model {name!r} may not be registered from {source}: nobody signed off that "
                f"content. {self._told(reviews)}Register its approved review instead: "
                "nbmlops register.",
            )
        self._verify(approved[-1].submission)
        return approved[-1]

    def require_alias(self, name: str, alias: str, source: str, actor: str | Identity) -> Review:
        """Check that a version whose content is `source` may bear `alias`, by the hand of `actor`.

        The answer is that content's approved review.

        :raises Refused: if no sign-offs allow it, or the policy gives that alias to others.
        :raises IntegrityError: if the sealed content is not what was signed.
        """
        by = actor if isinstance(actor, Identity) else Identity(name=actor)
        review = self.require_version(name, source, by.name)
        history = self._reader.read()
        policy = self._policy(history)
        why = alias_missing(
            [r.submission for r in self._reviews(name, source)],
            alias,
            by,
            policy=policy,
            history=history,
            at=self._clock(),
        )
        if why:
            self._refuse(
                "alias",
                f"{name}@{alias}",
                by.name,
                f"The alias {alias!r} of {name} may not be moved there. " + " ".join(why),
            )
        return review

    def tell_of_version(self, review: Review, version: str, by: Identity) -> None:
        """Put on the ledger that MLflow's own client made a version of what `review` let in."""
        fact = Registered(registration=registration_of(review, version, None, by, self._clock()))
        self._ledger.append(fact, actor=by.name)

    def tell_of_alias(self, review: Review, alias: str, version: str, by: Identity) -> None:
        """Put on the ledger that MLflow's own client moved `alias` to a version of that content."""
        move = alias_move_of(review.submission, alias, version, by, self._clock())
        self._ledger.append(AliasMoved(move=move), actor=by.name)

    def require_load(self, name: str, source: str, actor: str) -> None:
        """Check that a registered version's sign-offs still hold, before it is loaded.

        Its bytes are for whoever loads it to check: see :meth:`bundle_at`. A policy that became
        stricter, or an approval that lapsed since, closes nothing here: what was registered rightly
        stays in production until somebody withdraws it.

        :raises Refused: if they do not: forged, withdrawn, or by a revoked key.
        """
        history = self._reader.read()
        policy = self._policy(history)
        reasons: list[str] = []
        for review in reversed(list(self._reviews(name, source))):
            submission = review.submission
            at = review.registration.at if review.registration else self._clock()
            counted = policy.count(submission, review.sign_offs, history, at)
            if counted.approvals or (not policy.demands_on(name).sign_offs and not counted.reasons):
                return
            reasons += counted.reasons
        self._refuse(
            "load",
            name,
            actor,
            f"Model {name!r} may not be loaded from {source}: no sign-off holds for that content. "
            + " ".join(reasons or ["Load a version that was registered through the gate."]),
        )

    def require_prompt(self, name: str, actor: str) -> None:
        """:raises Refused: if `name` is a model's, so that no prompt stands among its versions."""
        if self._reader.read().submissions_of(name):
            self._refuse(
                "register",
                name,
                actor,
                f"{name!r} is the name of a model, so no prompt may bear it. Choose another name.",
            )

    def bundle_at(self, name: str, source: str) -> Bundle:
        """The list of the sealed files that a version of `name` at `source` consists of.

        :raises NotFound: if no submission of that model has its content there.
        """
        history = self._reader.read()
        for submission in history.submissions_of(name):
            if self.is_sealed(source, submission.content_digest):
                return history.promotions[submission.promotion_id].bundle
        raise NotFound(f"Nobody submitted {source} as a version of {name!r}.")

    def source(self, content_digest: str) -> str:
        """Where a registered version of that content must point: a URI."""
        return self._vault.uri(content_digest, MODEL_FOLDER)

    def is_sealed(self, source: str, content_digest: str) -> bool:
        """Whether `source` is that content: in the vault here, or as the server's clients read it.

        So whoever looks after a server decides as it does, by the same ledger.
        """
        through_the_server = f"mlflow-artifacts:/{VAULT_NAME}/{content_digest}/{MODEL_FOLDER}"
        return source == through_the_server or _same(source, self.source(content_digest))

    def refuse(self, verb: str, subject: str, actor: str, why: str) -> None:
        """Refuse and put the refusal on the ledger.

        :raises Refused: always.
        """
        self._refuse(verb, subject, actor, why)

    def _refuse(self, verb: str, subject: str, actor: str, why: str) -> None:
        # A name is whatever a client sent: a ledger keeps neither a book of it nor a NUL.
        subject, why = _kept(subject), _kept(why)
        self._ledger.append(
            RefusalRecorded(verb=verb, subject=subject, by=actor, why=(why,)), actor=actor
        )
        raise Refused(why)

    def _policy(self, history: History) -> Policy:
        return policy_in_force(self._drafted, history)

    def _reviews(self, name: str, source: str | None = None) -> Iterator[Review]:
        """The model's reviews, oldest first; with `source`, those of exactly the content there."""
        history = self._reader.read()
        policy, at = self._policy(history), self._clock()
        for submission in history.submissions_of(name):
            if source is None or self.is_sealed(source, submission.content_digest):
                yield assemble_review(submission, history, policy, at=at)

    def _verify(self, submission: Submission) -> None:
        self._vault.verify(self._reader.read().promotions[submission.promotion_id].bundle)
        verify_dossier(self._vault, submission)

    def _told(self, reviews: list[Review]) -> str:
        return " ".join((*reviews[-1].missing, "")) if reviews else ""


def alias_missing(
    submissions: Sequence[Submission],
    alias: str,
    by: Identity,
    *,
    policy: Policy,
    history: History,
    at: datetime,
) -> list[str]:
    """Why `by` may not move `alias` to the content of `submissions`; one that lets is enough."""
    why: list[str] = []
    for submission in reversed(submissions):
        why = policy.alias_objections(submission.model_name, alias, by) + policy.missing(
            submission,
            history.sign_offs.get(submission.id, ()),
            history,
            max(at, history.latest or at),
            f"alias:{alias}",
        )
        if not why:
            return []
    return why


def _kept(text: str) -> str:
    short = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    return short.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _same(source: str, sealed: str) -> bool:
    """Whether a version's source is the sealed content, however its path is spelt."""
    here, there = _local_path(source), _local_path(sealed)
    return source == sealed if there is None else here == there


def _local_path(source: str) -> Path | None:
    parts = urlparse(source)
    if parts.scheme not in ("", "file") or parts.netloc or parts.query or parts.fragment:
        return None
    return Path(unquote(parts.path) if parts.scheme else source).resolve()
