"""Against a checkpoint kept elsewhere, also cuts and whole rewrites show."""

from __future__ import annotations

import pytest

from nbmlops.errors import IntegrityError
from nbmlops.governance import check_against, take_checkpoint
from nbmlops.records import Checkpoint
from nbmlops.testing import EPOCH, MemoryLedger, make_ledger


@pytest.fixture
def kept() -> Checkpoint:
    return take_checkpoint(make_ledger("a", "b", "c").links(), EPOCH)


def check(kept: Checkpoint, ledger: MemoryLedger) -> tuple[bool, str]:
    report = check_against(kept, ledger.links())
    return report.intact, report.reason or ""


@pytest.mark.parametrize("subjects", [("a", "b", "c"), ("a", "b", "c", "d", "e")])
def test_a_ledger_that_went_on_continues_its_checkpoint(
    kept: Checkpoint, subjects: tuple[str, ...]
) -> None:
    """The control: the same facts, or more behind them."""
    assert check(kept, make_ledger(*subjects)) == (True, "")


def test_a_cut_ledger_is_intact_by_itself_and_found_by_the_checkpoint(kept: Checkpoint) -> None:
    """The chain alone cannot show it."""
    cut = make_ledger("a", "b")
    assert cut.verify().intact
    intact, reason = check(kept, cut)
    assert not intact
    assert "was cut" in reason
    assert "3 facts, now it has 2" in reason
    assert check_against(kept, cut.links()).broken_sequence == 3


def test_a_ledger_computed_anew_is_found(kept: Checkpoint) -> None:
    """Somebody who owns the database rewrote the second fact and every digest behind it."""
    rewritten = make_ledger("a", "B", "c", "d")
    assert rewritten.verify().intact
    intact, reason = check(kept, rewritten)
    assert not intact
    assert "was rewritten" in reason


def test_an_empty_ledger_has_a_checkpoint() -> None:
    """From the very start."""
    empty = take_checkpoint(MemoryLedger().links(), EPOCH)
    assert empty.facts == 0
    assert check(empty, make_ledger("a")) == (True, "")


def test_a_broken_ledger_has_none() -> None:
    """A checkpoint of what is already wrong would vouch for it."""
    ledger = make_ledger("a", "b", "c")
    del ledger.rows[1]
    with pytest.raises(IntegrityError, match="fact 2 is missing"):
        take_checkpoint(ledger.links(), EPOCH)
