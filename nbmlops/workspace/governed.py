"""The Workspace's verbs of governance: review, register, withdraw; policy and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from nbmlops.governance import KeyStore, Policy, SigningKey
from nbmlops.records import (
    CHAMPION,
    DEFAULT_SCOPES,
    AliasMove,
    AliasRequest,
    Finding,
    FindingRequest,
    Identity,
    KeyRevocation,
    KeyRotation,
    PublicationRequest,
    PublicKey,
    PublishedPolicy,
    Record,
    Registration,
    Request,
    Review,
    RotationRequest,
    SignOff,
    UnscheduleRequest,
    Unscheduling,
    Verdict,
    Withdrawal,
)
from nbmlops.workspace import (
    findings,
    keys,
    local_desk,
    policy,
    registration,
    review,
    team_desk,
)
from nbmlops.workspace.attachments import Enclosed
from nbmlops.workspace.desk import Desk
from nbmlops.workspace.stores import Stores

__all__ = ["Governed"]

T = TypeVar("T", bound=Record)


class Governed:
    """What a Workspace can do between a promotion and production.

    Wherever a verb takes `by`, it defaults to this machine's user, whom nobody vouches for. A verb
    that the policy does not allow raises :class:`~nbmlops.errors.Refused`, one sentence for each
    thing that is missing, and the refusal goes on the ledger.
    """

    _stores: Stores

    # Review

    def submit(
        self,
        promotion_id: str,
        *,
        attachments: Sequence[str | Path] = (),
        notes: Sequence[str] = (),
        model_card: Mapping[str, str] | None = None,
    ) -> Review:
        """Submit a promotion for review; the same promotion again gives the same review.

        `attachments` are files, sealed with the evidence; `model_card` maps fields such as
        ``purpose`` and ``limits`` to text. With any of them a new review replaces the last.

        :raises CheckFailed: if a file cannot be attached.
        """
        enclosed = Enclosed(attachments=attachments, notes=notes, model_card=model_card or {})
        return self._desk.submit(self._stores, promotion_id, enclosed)

    def reviews(self, waiting: bool = False) -> list[Review]:
        """All reviews, or those that wait for a sign-off or for registration, newest first."""
        return self._desk.reviews(self._stores, waiting)

    def review(self, review_id: str) -> Review:
        """One review, as it stands now."""
        return self._desk.review(self._stores, review_id)

    def dry_run(self, key: str | None = None) -> tuple[str, ...]:
        """What would be missing if a review, promotion or run were registered now.

        Without a `key` it is about the latest run.
        """
        return review.dry_run(self._stores, key)

    def sign_off(
        self,
        review_id: str,
        verdict: Verdict,
        comment: str = "",
        by: Identity | None = None,
        *,
        scopes: Sequence[str] = DEFAULT_SCOPES,
        expires: datetime | None = None,
        key: SigningKey | None = None,
    ) -> Review:
        """Give a verdict on a review's content, signed with `key` where the policy asks for that.

        `scopes` say what an approval allows: ``register``, ``alias:NAME``. An approval with
        conditions counts once its reviewer says that they are met.

        :raises Stale: if the content has changed since it was submitted.
        """
        record = review.prepare_sign_off(
            self._stores,
            review_id,
            verdict,
            comment,
            self._signer(by, key) or self._stores.me,
            scopes=scopes,
            expires=expires,
            key=key,
        )
        return self._desk.give(self._stores, record, record.by)

    def add_finding(
        self,
        review_id: str,
        text: str,
        *,
        cell: int | None = None,
        metric: str | None = None,
        by: Identity | None = None,
    ) -> Finding:
        """Ask for something to be settled, pinned to a code cell (from 1) or a metric."""
        request = FindingRequest(review_id=review_id, text=text, cell=cell, metric=metric)
        return self._decide(request, by, Finding)

    def resolve_finding(
        self,
        finding_id: str,
        note: str = "",
        by: Identity | None = None,
        key: SigningKey | None = None,
    ) -> Finding:
        """Settle a finding, with a signature where the policy asks for them; its author may not."""
        request = findings.prepare_resolution(self._stores, finding_id, note, key)
        return self._decide(request, self._signer(by, key), Finding)

    def findings(self, review_id: str | None = None, only_open: bool = False) -> list[Finding]:
        """The findings on a review's model, or all, oldest first."""
        return findings.findings(self._stores, review_id, only_open)

    # Register

    def register(
        self, review_id: str, alias: str = CHAMPION, by: Identity | None = None
    ) -> Registration:
        """Register a review's model under its name, and move `alias` to the new version.

        :raises Stale: if the content has changed since it was signed.
        """
        return self._desk.register(self._stores, review_id, alias, by or self._stores.me)

    def move_alias(
        self, model_name: str, version: str, alias: str, by: Identity | None = None
    ) -> AliasMove:
        """Let `alias` stand at a version that is registered already."""
        request = AliasRequest(model_name=model_name, version=version, alias=alias)
        return self._decide(request, by, AliasMove)

    def withdraw(
        self,
        subject: str,
        reason: str,
        by: Identity | None = None,
        key: SigningKey | None = None,
    ) -> Withdrawal:
        """Suspend an approval and take the version's aliases away.

        `subject` is ``model/3``, ``model@champion`` or a review's id. Sign-offs given before it
        count no more; new ones on the same content may lift it.
        """
        request = registration.prepare_withdrawal(self._stores, subject, reason, key)
        return self._decide(request, self._signer(by, key), Withdrawal)

    def load_model(self, uri: str, flavor: str = "pyfunc") -> Any:
        """Load ``models:/name@alias`` or ``models:/name/version``, once it was checked.

        `flavor` is MLflow's, such as ``sklearn``.

        :raises IntegrityError: if a byte is not what was signed.
        """
        return registration.load_model(self._stores, uri, flavor)

    def schedule_objections(self, schedule_id: str) -> list[str]:
        """Why this user's scheduler does not run a schedule; none if it does.

        It runs what the user promoted and scheduled; an approved notebook also with values of the
        user's own choice; what others scheduled of it, if the policy lets them.
        """
        return self._desk.schedule_objections(self._stores, schedule_id)

    def unschedule(
        self, schedule_id: str, reason: str = "", by: Identity | None = None
    ) -> Unscheduling:
        """End a schedule: it is never due again. What runs already runs to its end.

        At a team's server that is for the authors of schedule and promotion, its reviewers, and
        those whom the policy lets schedule or publish. Ended twice, the first end counts.
        """
        request = UnscheduleRequest(schedule_id=schedule_id, reason=reason)
        return self._decide(request, by, Unscheduling)

    # Policy and keys

    def policy(self) -> Policy:
        """The policy in force.

        :raises SettingsError: if its file cannot be used, or was changed after it was published.
        """
        return self._stores.policy

    def check_policy(self, path: str | Path | None = None) -> Policy:
        """The policy that a file states (default: the project's), if it can be kept here.

        :raises SettingsError: if it cannot.
        """
        return policy.check_policy(self._stores, Path(path) if path else None)

    def write_policy(self) -> Path:
        """Write a policy to begin with into the project; where it is.

        :raises SettingsError: if there is one already.
        """
        return policy.write_policy(self._stores)

    def publish_policy(
        self, by: Identity | None = None, key: SigningKey | None = None
    ) -> PublishedPolicy:
        """Put the project's policy in force, for good: a change needs a new version."""
        candidate = policy.prepare_publication(self._stores, key)
        return self._decide(PublicationRequest(policy=candidate), by, PublishedPolicy)

    def published_policies(self) -> list[PublishedPolicy]:
        """The versions that were published, oldest first; the last is in force."""
        return policy.published(self._stores)

    @property
    def keys(self) -> KeyStore:
        """This user's own keys, outside any project."""
        return self._stores.keys

    def revoke_key(
        self,
        key_id: str,
        reason: str = "",
        by: Identity | None = None,
        key: SigningKey | None = None,
    ) -> KeyRevocation:
        """Take all trust from a key, also for what it signed before; `key` signs that."""
        request = keys.prepare_revocation(self._stores, key_id, reason, key)
        return self._decide(request, self._signer(by, key), KeyRevocation)

    def rotate_key(
        self, key: str, passphrase: str, new_passphrase: str, by: Identity | None = None
    ) -> PublicKey:
        """Let a new key of yours take over from an old one, without changing the policy.

        :raises SettingsError: if the passphrase is wrong.
        """
        old = self.keys.unlock(key, passphrase)
        rotation = keys.prepare_rotation(self._stores, old, new_passphrase)
        return self._decide(RotationRequest(rotation=rotation), by, KeyRotation).new

    # For a server, which knows who asks

    def give_sign_off(self, sign_off: SignOff, by: Identity) -> Review:
        """Take a sign-off that `by` has signed elsewhere."""
        return self._desk.give(self._stores, sign_off, by)

    def decide(self, request: Request, by: Identity) -> Record:
        """Decide on what `by` asks for."""
        return self._desk.decide(self._stores, request, by, Record)

    def _decide(self, request: Request, by: Identity | None, kind: type[T]) -> T:
        return self._desk.decide(self._stores, request, by or self._stores.me, kind)

    def _signer(self, by: Identity | None, key: SigningKey | None) -> Identity | None:
        """Who signs: a team's server takes nobody's word for a name, but a key has an owner."""
        if key and (by is None or self._stores.server is not None):
            return Identity(name=key.public.owner)
        return by

    @property
    def _desk(self) -> Desk:
        """Where reviews are dealt with: here, or at the team's server."""
        return local_desk if self._stores.server is None else team_desk
