"""What the facts add up to. No I/O: facts in, nouns out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from nbmlops.errors import Ambiguous, NotFound
from nbmlops.records import (
    Executed,
    Execution,
    LedgerEntry,
    Promoted,
    Promotion,
    Registered,
    Registration,
    Schedule,
    Scheduled,
    SignedOff,
    SignOff,
    Submission,
    Submitted,
)

__all__ = ["History", "find"]

T = TypeVar("T")


class History:
    """Every noun that the ledger speaks of, by id, in the order in which the facts came.

    Facts are added one after another with :meth:`add`, so that a reader who has seen the first
    thousand takes in only those behind them.
    """

    def __init__(self, entries: Iterable[LedgerEntry] = ()) -> None:
        self.sequence = 0
        self.promotions: dict[str, Promotion] = {}
        self.schedules: dict[str, Schedule] = {}
        self.executions: dict[str, Execution] = {}
        self.submissions: dict[str, Submission] = {}
        self.sign_offs: dict[str, list[SignOff]] = {}
        self.registrations: dict[str, Registration] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: LedgerEntry) -> None:
        """Take in one more fact."""
        self.sequence = entry.sequence
        match entry.fact:
            case Promoted(promotion=promotion):
                self.promotions[promotion.id] = promotion
            case Scheduled(schedule=schedule):
                self.schedules[schedule.id] = schedule
            case Executed(execution=execution):
                self.executions[execution.id] = execution
            case Submitted(submission=submission):
                self.submissions[submission.id] = submission
            case SignedOff(sign_off=sign_off):
                self.sign_offs.setdefault(sign_off.review_id, []).append(sign_off)
            case Registered(registration=registration):
                self.registrations[registration.review_id] = registration

    def executions_of(self, promotion_id: str) -> tuple[Execution, ...]:
        """A promotion's executions, oldest first."""
        return tuple(e for e in self.executions.values() if e.promotion_id == promotion_id)

    def earlier_sign_offs(self, submission: Submission) -> tuple[SignOff, ...]:
        """Sign-offs that this model got for other content than `submission`'s."""
        return tuple(
            sign_off
            for other in self.submissions.values()
            if other.model_name == submission.model_name
            for sign_off in self.sign_offs.get(other.id, ())
            if sign_off.content_digest != submission.content_digest
        )


def find(noun: str, key: str, records: Mapping[str, T]) -> T:
    """The record whose id is `key`, or begins with it.

    :raises NotFound: if none does.
    :raises Ambiguous: if several do.
    """
    if key in records:
        return records[key]
    fits = [name for name in records if key and name.startswith(key)]
    if not fits:
        raise NotFound(f"There is no {noun} {key!r} here.")
    if len(fits) > 1:
        raise Ambiguous(f"{noun.capitalize()} {key!r} could be {' or '.join(sorted(fits)[:4])}.")
    return records[fits[0]]
