"""Proofs and exports hold without the ledger, against a checkpoint; whatever was changed shows."""

from __future__ import annotations

import io
import json

import msgspec
import pytest

from nbmlops.errors import IntegrityError, NotFound
from nbmlops.governance import (
    check_against,
    check_proof,
    prove_consistency,
    prove_inclusion,
    read_export,
    take_checkpoint,
    verify,
    write_export,
)
from nbmlops.testing import EPOCH, MemoryLedger, make_ledger


def ledger_of(count: int, changed: int | None = None) -> MemoryLedger:
    numbers = range(1, count + 1)
    return make_ledger(*(f"model <{n}> é\n" + ("!" if n == changed else "") for n in numbers))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13])
def test_each_fact_is_proved_against_the_checkpoint(size: int) -> None:
    """For trees of every shape; and a proof of one fact does not serve for another."""
    ledger = ledger_of(size)
    kept = take_checkpoint(ledger.links(), EPOCH)
    for sequence in range(1, size + 1):
        proof = prove_inclusion(ledger.links(), sequence, None)
        assert check_proof(proof, kept).startswith(f"Fact {sequence} stands")
        for forged in (
            msgspec.structs.replace(proof, entry=proof.entry.replace("ada", "eve")),
            msgspec.structs.replace(proof, sequence=sequence + 1),
            msgspec.structs.replace(proof, path=("00" * 32, *proof.path)),
            msgspec.structs.replace(proof, entry="no JSON"),
            msgspec.structs.replace(proof, path=("not hex",)),
        ):
            with pytest.raises(IntegrityError):
                check_proof(forged, kept)


def test_a_proof_of_another_ledger_is_not_one_of_this() -> None:
    """Its own root would hold; the checkpoint that was kept says otherwise."""
    kept = take_checkpoint(ledger_of(5).links(), EPOCH)
    other = prove_inclusion(ledger_of(5, changed=2).links(), 2, None)
    with pytest.raises(IntegrityError, match="not about the ledger"):
        check_proof(other, kept)
    with pytest.raises(IntegrityError, match="without a checkpoint"):
        check_proof(other)


def test_a_fact_is_proved_against_an_earlier_checkpoint_too() -> None:
    """An auditor need not fetch a new one."""
    kept = take_checkpoint(ledger_of(6).links(), EPOCH)
    grown = ledger_of(20)
    assert check_proof(prove_inclusion(grown.links(), 4, kept.facts), kept)
    with pytest.raises(NotFound, match="no fact 9 among the first 6"):
        prove_inclusion(grown.links(), 9, kept.facts)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (3, 7), (4, 8), (6, 13), (8, 9)])
def test_growth_is_proved_between_two_checkpoints(first: int, second: int) -> None:
    """And is not, where the beginning was rewritten or cut."""
    earlier = take_checkpoint(ledger_of(first).links(), EPOCH)
    later = take_checkpoint(ledger_of(second).links(), EPOCH)
    proof = prove_consistency(ledger_of(second).links(), earlier)
    assert "none was changed" in check_proof(proof, earlier, later)
    with pytest.raises(IntegrityError, match="rewritten"):
        prove_consistency(ledger_of(second, changed=1).links(), earlier)
    forged = msgspec.structs.replace(proof, path=(*proof.path, "11" * 32))
    with pytest.raises(IntegrityError, match="does not hold"):
        check_proof(forged, earlier, later)


def test_a_cut_ledger_continues_nothing() -> None:
    """The proof cannot be made."""
    earlier = take_checkpoint(ledger_of(5).links(), EPOCH)
    with pytest.raises(IntegrityError, match="cut"):
        prove_consistency(ledger_of(4).links(), earlier)


def exported(ledger: MemoryLedger) -> bytes:
    file = io.BytesIO()
    assert write_export(ledger.links(), file) == len(ledger.rows)
    return file.getvalue()


def test_an_export_verifies_by_itself_and_against_a_checkpoint() -> None:
    """Its lines are plain JSON, and the chain's own bytes."""
    ledger = ledger_of(9)
    lines = exported(ledger)
    assert json.loads(lines.splitlines()[2])["entry"]["fact"]["subject"] == "model <3> é\n"
    report = verify(read_export(io.BytesIO(lines)))
    assert (report.intact, report.facts) == (True, 9)
    kept = take_checkpoint(ledger.links(), EPOCH)
    assert check_against(kept, read_export(io.BytesIO(lines))).intact


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [*lines[:3], lines[3].replace(b'"by":"ada"', b'"by":"eve"'), *lines[4:]],
        lambda lines: [*lines[:3], *lines[4:]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
    ],
    ids=["changed", "removed", "swapped"],
)
def test_a_damaged_export_is_found(damage: object) -> None:
    """Without the ledger and without a checkpoint."""
    lines = damage(exported(ledger_of(9)).splitlines(keepends=True))  # type: ignore[operator] # pytest types it as object
    assert not verify(read_export(io.BytesIO(b"".join(lines)))).intact


def test_a_cut_or_rewritten_export_is_found_by_the_checkpoint() -> None:
    """The chain alone cannot show it."""
    kept = take_checkpoint(ledger_of(9).links(), EPOCH)
    for other in (ledger_of(8), ledger_of(9, changed=5)):
        lines = exported(other)
        report = verify(read_export(io.BytesIO(lines)))
        assert report.intact
        assert not check_against(kept, read_export(io.BytesIO(lines))).intact


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b"[1]\n", b'{"digest":"a","entry":{}}\n', b"\xff\n"]
)
def test_what_is_no_export_is_said(line: bytes) -> None:
    """With the line's number."""
    with pytest.raises(IntegrityError, match="Line 1 is not"):
        list(read_export(io.BytesIO(line)))
