"""The history is read once and then only continued, and a ledger that was tampered with is seen."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from nbmlops.errors import IntegrityError
from nbmlops.governance import HistoryReader
from nbmlops.records import RefusalRecorded, Submitted
from nbmlops.testing import CountingLedger, MemoryLedger, make_submission


def fill(ledger: MemoryLedger, count: int) -> None:
    for number in range(count):
        ledger.append(
            RefusalRecorded(verb="register", subject=str(number), by="ada", why=()), actor="ada"
        )


def test_a_second_look_reads_only_what_came_since() -> None:
    """And one row more, by which a cut would show."""
    ledger = CountingLedger()
    fill(ledger, 200)
    reader = HistoryReader(ledger)
    assert reader.read().sequence == 200
    ledger.handed = 0
    assert reader.read() is reader.read()
    assert ledger.handed == 2
    fill(ledger, 3)
    ledger.handed = 0
    assert reader.read().sequence == 203
    assert ledger.handed == 4


def test_what_was_handed_out_does_not_change() -> None:
    """A reader that is still looping is not disturbed by what comes."""
    ledger = MemoryLedger()
    ledger.append(Submitted(submission=make_submission(id="review-1")), actor="ada")
    reader = HistoryReader(ledger)
    before = reader.read()
    ledger.append(Submitted(submission=make_submission(id="review-2")), actor="ada")
    after = reader.read()
    assert list(before.submissions) == ["review-1"]
    assert len(before.submissions_of("late_arrival")) == 1
    assert list(after.submissions) == ["review-1", "review-2"]


def cut(ledger: MemoryLedger) -> None:
    del ledger.rows[2:]


def rewrite(ledger: MemoryLedger) -> None:
    other = MemoryLedger()
    fill(other, 2)
    other.append(RefusalRecorded(verb="other", subject="x", by="ada", why=()), actor="ada")
    ledger.rows = other.rows


def damage_what_came(ledger: MemoryLedger) -> None:
    fill(ledger, 1)
    last = ledger.rows[-1]
    ledger.rows[-1] = msgspec.structs.replace(last, sealed=last.sealed.replace(b"ada", b"eve"))


@pytest.mark.parametrize("tamper", [cut, rewrite, damage_what_came])
def test_a_tampered_ledger_is_not_trusted(tamper: Callable[[MemoryLedger], None]) -> None:
    """The control is the same ledger before."""
    ledger = MemoryLedger()
    fill(ledger, 3)
    reader = HistoryReader(ledger)
    assert reader.read().sequence == 3
    tamper(ledger)
    with pytest.raises(IntegrityError, match="ledger"):
        reader.read()
