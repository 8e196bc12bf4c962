"""Every ledger keeps the same promises."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from live_postgresql import PostgresServer
from places import Place, fact

from nbmlops.errors import LedgerLocked, SchemaTooNew, StoreError
from nbmlops.governance import Ledger
from nbmlops.governance.database.sqlalchemy_ledger import SCHEMA_VERSION, SqlAlchemyLedger
from nbmlops.testing import MemoryLedger


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def make_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ledger]:
    """Makes a fresh handle on one ledger."""
    if request.param == "memory":
        ledger = MemoryLedger()
        return lambda: ledger
    return request.getfixturevalue(f"{request.param}_place").open


def test_facts_come_back_in_order_through_another_handle(make_ledger: Callable[[], Ledger]) -> None:
    """What was appended is read back by whoever opens the ledger next."""
    written = [make_ledger().append(fact(n), actor="ada") for n in range(5)]
    assert list(make_ledger().entries()) == written
    assert [e.sequence for e in make_ledger().entries(after=3)] == [4, 5]


def test_each_fact_names_the_one_before(make_ledger: Callable[[], Ledger]) -> None:
    """The chain runs from the zeros to the head that verification reports."""
    entries = [make_ledger().append(fact(n), actor="ada") for n in range(3)]
    assert entries[0].previous == "0" * 64
    assert [e.previous for e in entries[1:]] == [e.digest for e in entries[:-1]]
    report = make_ledger().verify()
    assert (report.intact, report.facts, report.head) == (True, 3, entries[-1].digest)


def test_an_empty_ledger_is_intact(make_ledger: Callable[[], Ledger]) -> None:
    """Nothing happened, and nothing is broken."""
    assert list(make_ledger().entries()) == []
    assert make_ledger().verify().intact


def test_reading_creates_nothing(tmp_path: Path) -> None:
    """Only a fact brings the file into being."""
    path = tmp_path / "home" / "ledger.db"
    SqlAlchemyLedger(path).verify()
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("statement", "broken", "says"),
    [
        (None, 3, "changed"),
        ("DELETE FROM facts WHERE sequence = 3", 4, "fact 3 is missing"),
        ("DELETE FROM facts WHERE sequence = 1", 2, "fact 1 is missing"),
        (
            "UPDATE facts SET digest = (SELECT digest FROM facts WHERE sequence = 1) "
            "WHERE sequence = 2",
            2,
            "changed",
        ),
        ("UPDATE facts SET sequence = 9 WHERE sequence = 5", 9, "fact 5 is missing"),
        (
            "UPDATE facts SET sealed = (SELECT sealed FROM facts WHERE sequence = 4), "
            "digest = (SELECT digest FROM facts WHERE sequence = 4) WHERE sequence = 2",
            2,
            "does not follow",
        ),
    ],
    ids=[
        "edited",
        "deleted",
        "first deleted",
        "digest swapped",
        "renumbered",
        "replaced by another",
    ],
)
def test_verification_names_the_broken_fact(
    written: Place, statement: str | None, broken: int, says: str
) -> None:
    """Whatever was done to a row, the first fact that does not hold is named."""
    assert written.open().verify().intact
    written.execute(statement or written.edit, guarded=False)
    report = written.open().verify()
    assert not report.intact
    assert report.broken_sequence == broken
    assert says in (report.reason or "")


def test_a_held_ledger_is_one_sentence(written: Place) -> None:
    """Somebody else's open transaction is told as such, and nothing is written."""
    holder = written.hold()
    ledger = written.open(lock_timeout=0.1)
    with pytest.raises(LedgerLocked, match="held by another process"):
        ledger.append(fact(6), actor="ada")
    holder.close()
    assert ledger.append(fact(6), actor="ada").sequence == 6


def test_a_newer_schema_is_refused(written: Place) -> None:
    """An older nbmlops neither reads nor writes what it does not understand."""
    written.execute("UPDATE alembic_version SET version_num = '9999'", guarded=False)
    try:
        with pytest.raises(SchemaTooNew, match="schema version 9999"):
            written.open().append(fact(6), actor="ada")
        with pytest.raises(SchemaTooNew, match="pip install --upgrade nbmlops"):
            written.open().verify()
    finally:
        known = f"UPDATE alembic_version SET version_num = '{SCHEMA_VERSION}'"
        written.execute(known, guarded=False)
    assert written.open().append(fact(6), actor="ada").sequence == 6


def test_a_file_that_is_no_ledger_is_one_sentence(tmp_path: Path) -> None:
    """Garbage is told as damage."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is no database, and long enough to be looked at" * 50)
    with pytest.raises(StoreError, match="damaged or not a ledger"):
        SqlAlchemyLedger(path).verify()


def test_a_database_without_a_ledger_is_one_sentence(postgres: PostgresServer) -> None:
    """Only its owner can prepare it, and the sentence says how; without the password."""
    url = postgres.create().owner.replace("postgres@", "postgres:secret@")
    with pytest.raises(StoreError, match="nbmlops server init") as caught:
        SqlAlchemyLedger(url).append(fact(1), actor="ada")
    assert "secret" not in str(caught.value)


def test_facts_that_happened_together_are_there_together(
    make_ledger: Callable[[], Ledger],
) -> None:
    """All of a batch, one behind another; or, if one cannot be written, none."""
    entries = make_ledger().append_all([fact(n) for n in range(3)], actor="ada")
    assert [e.sequence for e in entries] == [1, 2, 3]
    with pytest.raises(TypeError):
        make_ledger().append_all([fact(4), object()], actor="ada")  # type: ignore[list-item] # meant
    assert list(make_ledger().entries()) == entries
    assert make_ledger().verify().intact


def test_processes_that_append_together_keep_one_chain(place: Place) -> None:
    """Eight race (on SQLite from before the file exists); none is lost, none forks the chain."""
    writers = [place.start_appending(f"p{n}", 25) for n in range(8)]
    answers = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 8
    assert sorted(int(s) for answer in answers for s in answer) == list(range(1, 201))
    report = place.open().verify()
    assert (report.intact, report.facts) == (True, 200)


def test_one_turn_at_a_time(make_ledger: Callable[[], Ledger]) -> None:
    """Who has the turn may ask again and may append; another handle waits until it is over."""
    order = []

    def second() -> None:
        with make_ledger().turn():
            order.append("second")

    with make_ledger().turn():
        ledger = make_ledger()
        waiting = threading.Thread(target=second)
        waiting.start()
        ledger.append(fact(1), actor="ada")
        waiting.join(0.2)  # long enough for a turn that is not held to be taken
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]


def test_a_turn_may_be_taken_again_by_who_has_it(make_ledger: Callable[[], Ledger]) -> None:
    """A registration asks the registry's store, which asks for the turn as any client does."""
    ledger = make_ledger()
    with ledger.turn(), ledger.turn():
        ledger.append(fact(1), actor="ada")
    assert ledger.verify().facts == 1


def test_a_turn_that_does_not_end_is_one_sentence(place: Place) -> None:
    """Another process gives up, and the ledger is not blocked by the turn."""
    place.open().append(fact(1), actor="ada")
    with place.open().turn():
        other = place.start_turn(0.1)
        assert "Try again" in other.communicate(timeout=60)[0]
        assert place.open().append(fact(2), actor="ada").sequence == 2
    assert place.start_turn(10).communicate(timeout=60)[0] == "had it\n"
