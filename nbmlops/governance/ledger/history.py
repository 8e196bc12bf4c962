"""What the facts add up to. No I/O: facts in, nouns out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from nbmlops.errors import Ambiguous, NotFound
from nbmlops.records import (
    CHAMPION,
    AliasMove,
    AliasMoved,
    Executed,
    Execution,
    Finding,
    FindingRaised,
    FindingResolved,
    KeyRevocation,
    KeyRevoked,
    KeyRotated,
    KeyRotation,
    LedgerEntry,
    PolicyPublished,
    Promoted,
    Promotion,
    PublishedPolicy,
    Registered,
    Registration,
    Resolution,
    Schedule,
    Scheduled,
    SignedOff,
    SignOff,
    Submission,
    Submitted,
    Unscheduled,
    Unscheduling,
    Withdrawal,
    Withdrawn,
)

__all__ = ["History", "find"]

T = TypeVar("T")


class History:
    """Every noun that the ledger speaks of, by id, in the order in which the facts came.

    Facts are added one after another with :meth:`add`, so that a reader who has seen the first
    thousand takes in only those behind them; :meth:`copy` leaves the original as it was. What came
    first under an id stays: clients choose the ids of promotions, schedules and executions, and
    nobody puts another's aside by telling of one that bears its name.

    Whether a rotation, a policy or a sign-off is valid is not asked here: all of them are kept.
    `sequence` and `head` are the last fact's. `latest` is the latest instant that any fact bears:
    a clock that stands before it was set back. `given` tells at which sequence a review's sign-off
    came, `settled` at which a finding was settled; `nonces` which sign-off came first with a nonce.
    """

    def __init__(self, entries: Iterable[LedgerEntry] = ()) -> None:
        self.sequence = 0
        self.head = ""
        self.latest: datetime | None = None
        self.promotions: dict[str, Promotion] = {}
        self.schedules: dict[str, Schedule] = {}
        self.unschedulings: dict[str, Unscheduling] = {}
        self.executions: dict[str, Execution] = {}
        self.submissions: dict[str, Submission] = {}
        self.sign_offs: dict[str, tuple[SignOff, ...]] = {}
        self.registrations: dict[str, Registration] = {}
        self.versions: dict[tuple[str, str], Registration] = {}
        self.given: dict[tuple[str, str], int] = {}
        self.nonces: dict[str, str] = {}
        self.findings: dict[str, Finding] = {}
        self.settled: dict[str, int] = {}
        self.withdrawals: dict[tuple[str, str], tuple[int, Withdrawal]] = {}
        self.alias_moves: dict[tuple[str, str], AliasMove] = {}
        self.revocations: dict[str, KeyRevocation] = {}
        self.rotations: dict[str, tuple[tuple[int, KeyRotation], ...]] = {}
        self.policies: tuple[tuple[int, PublishedPolicy], ...] = ()
        self._of_model: dict[str, tuple[str, ...]] = {}
        for entry in entries:
            self.add(entry)

    def copy(self) -> History:
        """The same, to be added to while others still read this one."""
        twin = History()
        for name, value in vars(self).items():
            setattr(twin, name, value.copy() if isinstance(value, dict) else value)
        return twin

    def add(self, entry: LedgerEntry) -> None:  # noqa: PLR0912 - one branch a fact
        """Take in one more fact."""
        self.sequence, self.head = entry.sequence, entry.digest
        self.latest = entry.at if self.latest is None else max(self.latest, entry.at)
        match entry.fact:
            case Promoted(promotion=promotion):
                self.promotions.setdefault(promotion.id, promotion)
            case Scheduled(schedule=schedule):
                self.schedules.setdefault(schedule.id, schedule)
            case Unscheduled(unscheduling=end):
                self.unschedulings.setdefault(end.schedule_id, end)
            case Executed(execution=execution):
                self.executions.setdefault(execution.id, execution)
            case Submitted(submission=submission):
                self._submit(submission)
            case SignedOff(sign_off=sign_off):
                self._sign_off(sign_off, entry.sequence)
            case Registered(registration=registration):
                self._register(registration)
            case FindingRaised(finding=finding):
                self.findings[finding.id] = finding
            case FindingResolved(resolution=resolution):
                self._resolve(resolution, entry.sequence)
            case Withdrawn(withdrawal=withdrawal):
                content = withdrawal.model_name, withdrawal.content_digest
                self.withdrawals[content] = (entry.sequence, withdrawal)
                self.alias_moves = {
                    key: move
                    for key, move in self.alias_moves.items()
                    if (move.model_name, move.content_digest) != content
                }
            case AliasMoved(move=move):
                self.alias_moves[move.model_name, move.alias] = move
            case KeyRevoked(revocation=revocation):
                self.revocations.setdefault(revocation.key_id, revocation)
            case KeyRotated(rotation=rotation):
                before = self.rotations.get(rotation.old_key_id, ())
                self.rotations[rotation.old_key_id] = (*before, (entry.sequence, rotation))
            case PolicyPublished(policy=policy):
                self.policies = (*self.policies, (entry.sequence, policy))

    def executions_of(self, promotion_id: str) -> tuple[Execution, ...]:
        """A promotion's executions, oldest first."""
        return tuple(e for e in self.executions.values() if e.promotion_id == promotion_id)

    def submissions_of(self, model_name: str) -> tuple[Submission, ...]:
        """A model's submissions, oldest first."""
        return tuple(self.submissions[key] for key in self._of_model.get(model_name, ()))

    def submissions_sealing(self, content_digest: str) -> tuple[Submission, ...]:
        """The submissions whose content or dossier that is, oldest first.

        Content is its first promotion's: whoever names it later has read of it in this ledger, and
        need not have it.
        """
        first = next(
            (p for p in self.promotions.values() if p.bundle.digest == content_digest), None
        )
        return tuple(
            s
            for s in self.submissions.values()
            if (first is not None and s.promotion_id == first.id)
            or (s.dossier is not None and s.dossier.digest == content_digest)
        )

    def earlier_sign_offs(self, submission: Submission) -> tuple[SignOff, ...]:
        """Sign-offs that this model got for other content than `submission`'s."""
        return tuple(
            sign_off
            for other in self.submissions_of(submission.model_name)
            for sign_off in self.sign_offs.get(other.id, ())
            if sign_off.content_digest != submission.content_digest
        )

    def findings_of(self, model_name: str) -> tuple[Finding, ...]:
        """The findings on any of a model's reviews: a new submission does not settle them."""
        reviews = self._of_model.get(model_name, ())
        return tuple(f for f in self.findings.values() if f.review_id in reviews)

    def withdrawal(self, submission: Submission) -> tuple[int, Withdrawal] | None:
        """The last withdrawal of a submission's content, and at which sequence it came."""
        return self.withdrawals.get((submission.model_name, submission.content_digest))

    def registration(self, model_name: str, version: str) -> Registration | None:
        """The registration that made this version of the model, if the ledger tells of one."""
        return self.versions.get((model_name, version))

    def champion(self, model_name: str) -> AliasMove | None:
        """Where the model's champion stands, if it has one."""
        return self.alias_moves.get((model_name, CHAMPION))

    def _submit(self, submission: Submission) -> None:
        if submission.id not in self.submissions:
            known = self._of_model.get(submission.model_name, ())
            self._of_model[submission.model_name] = (*known, submission.id)
        self.submissions[submission.id] = submission

    def _sign_off(self, sign_off: SignOff, sequence: int) -> None:
        if sign_off.nonce and self.nonces.get(sign_off.nonce) == sign_off.id:
            return  # Told again, it would become its person's last word anew.
        before = self.sign_offs.get(sign_off.review_id, ())
        self.sign_offs[sign_off.review_id] = (*before, sign_off)
        self.given[sign_off.review_id, sign_off.id] = sequence
        if sign_off.nonce:
            self.nonces.setdefault(sign_off.nonce, sign_off.id)

    def _register(self, registration: Registration) -> None:
        self.registrations[registration.review_id] = registration
        self.versions[registration.model_name, registration.version] = registration
        if registration.alias is None:
            return
        self.alias_moves[registration.model_name, registration.alias] = AliasMove(
            model_name=registration.model_name,
            alias=registration.alias,
            version=registration.version,
            review_id=registration.review_id,
            content_digest=registration.content_digest,
            by=registration.by,
            at=registration.at,
        )

    def _resolve(self, resolution: Resolution, sequence: int) -> None:
        finding = self.findings.get(resolution.finding_id)
        if finding is not None:
            self.findings[finding.id] = msgspec.structs.replace(finding, resolution=resolution)
            self.settled[finding.id] = sequence


# The command that, without an id, lists the records of a noun.
LISTS = {
    "review": "review",
    "promotion": "promote",
    "execution": "execute",
    "schedule": "schedule",
}


def find(noun: str, key: str, records: Mapping[str, T]) -> T:
    """The record whose id is `key`, or begins with it.

    :raises NotFound: if none does.
    :raises Ambiguous: if several do.
    """
    if key in records:
        return records[key]
    fits = [name for name in records if key and name.startswith(key)]
    if not fits:
        known = f"`nbmlops {LISTS[noun]}` lists those that there are." if noun in LISTS else ""
        raise NotFound(f"There is no {noun} {key!r} here. {known}".rstrip())
    if len(fits) > 1:
        raise Ambiguous(f"{noun.capitalize()} {key!r} could be {' or '.join(sorted(fits)[:4])}.")
    return records[fits[0]]
