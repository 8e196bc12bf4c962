"""A ledger of a million facts is read no oftener than it must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbmlops.governance import sign_checkpoint, take_checkpoint
from nbmlops.governance.sign_offs.keys import create_key
from nbmlops.records import RefusalRecorded
from nbmlops.settings import load_settings
from nbmlops.testing import EPOCH, CountingLedger
from nbmlops.workspace import Workspace
from nbmlops.workspace.ways_round import try_ways_round


@pytest.fixture
def ledger() -> CountingLedger:
    ledger = CountingLedger()
    facts = [RefusalRecorded(verb="v", subject=str(n), by="a", why=()) for n in range(1_500)]
    ledger.append_all(facts, actor="ada")
    return ledger


def test_a_checkpoint_costs_no_second_reading(ledger: CountingLedger, tmp_path: Path) -> None:
    """Neither of the chain, nor to learn whether its key was revoked."""
    workspace = Workspace(load_settings(tmp_path, {}), ledger=ledger)
    kept = sign_checkpoint(take_checkpoint(iter(ledger.rows), EPOCH), create_key("ada", EPOCH))
    for checkpoint in (None, kept):
        ledger.handed = 0
        assert workspace.audit_verify(checkpoint).intact
        assert ledger.handed == 1_500


def test_the_ways_round_are_tried_on_the_beginning(ledger: CountingLedger, tmp_path: Path) -> None:
    """And are found there."""
    workspace = Workspace(load_settings(tmp_path, {}), ledger=ledger)
    found = {d.subject: d.state for d in try_ways_round(workspace.stores)}
    assert ledger.handed == 1_000
    assert (found["rewriting a fact"], found["cutting the ledger"]) == ("detected", "detected")
