"""Every ledger keeps the same promises."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbmlops.errors import LedgerLocked, SchemaTooNew, StoreError
from nbmlops.governance import Ledger
from nbmlops.governance.sqlalchemy_ledger import SqlAlchemyLedger
from nbmlops.records import RefusalRecorded
from nbmlops.testing import MemoryLedger


def fact(number: int) -> RefusalRecorded:
    return RefusalRecorded(verb="register", subject=f"s{number}", by="ada", why=("no sign-off",))


@pytest.fixture(params=["memory", "sqlite"])
def make_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Ledger]:
    """Makes a fresh handle on one ledger."""
    if request.param == "memory":
        ledger = MemoryLedger()
        return lambda: ledger
    return lambda: SqlAlchemyLedger(tmp_path / "home" / "ledger.db")


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


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A SQLite ledger with five facts, closed."""
    path = tmp_path / "ledger.db"
    ledger = SqlAlchemyLedger(path)
    for n in range(5):
        ledger.append(fact(n), actor="ada")
    ledger.close()
    return path


def tamper(path: Path, *statements: str) -> None:
    """Change the file as somebody would who owns it, the guards taken down first."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type='trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "broken", "says"),
    [
        (
            "UPDATE facts SET sealed = CAST(replace(sealed, 's2', 's9') AS BLOB) "
            "WHERE sequence = 3",
            3,
            "changed",
        ),
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
    written: Path, statement: str, broken: int, says: str
) -> None:
    """Whatever was done to a row, the first fact that does not hold is named."""
    assert SqlAlchemyLedger(written).verify().intact
    tamper(written, statement)
    report = SqlAlchemyLedger(written).verify()
    assert not report.intact
    assert report.broken_sequence == broken
    assert says in (report.reason or "")


@pytest.mark.parametrize("statement", ["UPDATE facts SET digest = 'x'", "DELETE FROM facts"])
def test_the_database_itself_refuses_to_change_a_fact(written: Path, statement: str) -> None:
    """Triggers hold also for a client that is not ours; inserting stays possible."""
    connection = sqlite3.connect(written)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()
    assert SqlAlchemyLedger(written).append(fact(6), actor="ada").sequence == 6


def test_a_locked_ledger_is_one_sentence(written: Path) -> None:
    """Somebody else's open transaction is told as such, and nothing is written."""
    holder = sqlite3.connect(written, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    ledger = SqlAlchemyLedger(written, lock_timeout=0.1)
    with pytest.raises(LedgerLocked, match="held by another process"):
        ledger.append(fact(6), actor="ada")
    holder.execute("ROLLBACK")
    assert ledger.append(fact(6), actor="ada").sequence == 6


def test_a_newer_schema_is_refused(written: Path) -> None:
    """An older nbmlops neither reads nor writes what it does not understand."""
    tamper(written, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="schema version 9999"):
        SqlAlchemyLedger(written).append(fact(6), actor="ada")
    with pytest.raises(SchemaTooNew, match="pip install --upgrade nbmlops"):
        SqlAlchemyLedger(written).verify()


def test_a_file_that_is_no_ledger_is_one_sentence(tmp_path: Path) -> None:
    """Garbage is told as damage."""
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is no database, and long enough to be looked at" * 50)
    with pytest.raises(StoreError, match="damaged or not a ledger"):
        SqlAlchemyLedger(path).verify()


def test_processes_that_append_together_keep_one_chain(tmp_path: Path) -> None:
    """Four processes race from before the file exists; no fact is lost and none forks the chain."""
    script = (
        "import sys; from pathlib import Path\n"
        "from nbmlops.governance.sqlalchemy_ledger import SqlAlchemyLedger\n"
        "from nbmlops.records import RefusalRecorded\n"
        "ledger = SqlAlchemyLedger(Path(sys.argv[1]))\n"
        "for n in range(25):\n"
        "    ledger.append(RefusalRecorded(verb='v', subject=str(n), by=sys.argv[2], why=()),"
        " actor=sys.argv[2])\n"
    )
    path = tmp_path / "ledger.db"
    writers = [subprocess.Popen([sys.executable, "-c", script, path, f"p{n}"]) for n in range(4)]
    assert [w.wait(60) for w in writers] == [0] * 4
    report = SqlAlchemyLedger(path).verify()
    assert (report.intact, report.facts) == (True, 100)
