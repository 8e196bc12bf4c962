"""What the databases themselves refuse, whoever asks them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from live_postgresql import Database
from places import Place, fact

from nbmlops.errors import StoreError
from nbmlops.governance.database.postgresql import may_write_ledger
from nbmlops.governance.database.sqlalchemy_ledger import SqlAlchemyLedger
from nbmlops.records import SignedOff, encode
from nbmlops.testing import make_sign_off, make_submission


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE facts SET digest = 'x'",
        "UPDATE facts SET digest = 'x' WHERE sequence = 3",
        "DELETE FROM facts",
    ],
)
def test_the_database_itself_refuses_to_change_a_fact(written: Place, statement: str) -> None:
    """Triggers hold also for a client that is not ours; appending stays possible."""
    with pytest.raises(written.refusal, match="append-only"):
        written.execute(statement)
    assert written.open().append(fact(6), actor="ada").sequence == 6


def test_sqlite_refuses_to_replace_a_fact(sqlite_place: Place) -> None:
    """INSERT OR REPLACE removes a row without asking the trigger against DELETE."""
    sqlite_place.open().append(fact(1), actor="ada")
    with pytest.raises(sqlite_place.refusal, match="append-only"):
        sqlite_place.execute("INSERT OR REPLACE INTO facts VALUES (1, X'00', 'x')")
    assert sqlite_place.open().verify().intact


def test_postgresql_refuses_to_truncate(postgresql_place: Place) -> None:
    """The one statement that passes by the triggers of rows."""
    postgresql_place.open().append(fact(1), actor="ada")
    with pytest.raises(postgresql_place.refusal, match="append-only"):
        postgresql_place.execute("TRUNCATE facts")
    assert postgresql_place.open().verify().facts == 1


def test_the_app_role_may_not_write_to_the_ledger(postgresql_place: Place, team: Database) -> None:
    """Whoever has only the server's working password forges neither sign-off nor happening."""
    decision = SignedOff(sign_off=make_sign_off(make_submission(), "grace"))
    for forged in (decision, fact(1)):
        with pytest.raises(StoreError, match=r"may not write to the ledger\. Work through nbmlops"):
            SqlAlchemyLedger(team.app).append(forged, actor="grace")
    assert list(SqlAlchemyLedger(team.app).entries()) == []
    assert SqlAlchemyLedger(team.review).append(decision, actor="grace").sequence == 1
    assert [entry.sequence for entry in SqlAlchemyLedger(team.app).entries()] == [1]


@pytest.mark.parametrize("sealed", ["{}", "null", "[]", "\\x00", '{"fact": null}'])
def test_no_fact_that_nobody_can_read_stops_the_ledger(
    postgresql_place: Place, team: Database, sealed: str
) -> None:
    """By the functions themselves: everything that follows it would be refused as tampered with."""
    with psycopg.connect(team.app) as connection:
        for statement in (
            "SELECT nbmlops.append_fact(1, %s::bytea, repeat('0', 64))",
            "INSERT INTO nbmlops.facts VALUES (1, %s::bytea, repeat('0', 64))",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement, (sealed.encode(),))
            connection.rollback()
    ledger = postgresql_place.open()
    assert ledger.append(fact(1), actor="ada").sequence == 1
    assert ledger.verify().intact


def test_the_doctor_finds_a_role_that_may_write_to_the_ledger(
    postgresql_place: Place, team: Database
) -> None:
    """What the server works as may not; the control is the role that may. Nothing of it stays."""
    assert not may_write_ledger(team.app)
    assert may_write_ledger(team.review)
    assert list(postgresql_place.open().entries()) == []


@pytest.mark.parametrize("role", ["app", "review"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO nbmlops.facts VALUES (1, '', 'x')",
        "DELETE FROM nbmlops.facts",
        "TRUNCATE nbmlops.facts",
        "ALTER TABLE nbmlops.facts DISABLE TRIGGER USER",
        "DROP TRIGGER facts_no_change ON nbmlops.facts",
        "DROP TABLE nbmlops.facts",
        "CREATE OR REPLACE FUNCTION nbmlops.may_decide() RETURNS boolean LANGUAGE sql "
        "AS 'SELECT true'",
        "INSERT INTO nbmlops.permits (verb, model_name, subject) VALUES ('model', 'm', 'm')",
        "SET session_replication_role = replica",
        "UPDATE nbmlops.alembic_version SET version_num = '0000'",
    ],
)
def test_no_working_role_touches_ledger_or_guards(
    team: Database, role: str, statement: str
) -> None:
    """Not past the functions, and not the functions themselves."""
    with (
        psycopg.connect(getattr(team, role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)  # type: ignore[arg-type] # a test's own literal


@pytest.mark.parametrize(
    ("sequence", "sealed", "digest"),
    [
        (2, {"sequence": 2, "previous": "0" * 64}, "0" * 64),
        (1, {"sequence": 2, "previous": "0" * 64}, "0" * 64),
        (1, {"sequence": 1, "previous": "1" * 64}, "0" * 64),
        (1, {"sequence": 1, "previous": "0" * 64}, "not a digest"),
    ],
    ids=["a gap", "another place", "another head", "no digest"],
)
def test_postgresql_appends_only_behind_the_head(
    postgresql_place: Place, team: Database, sequence: int, sealed: dict[str, Any], digest: str
) -> None:
    """A client that speaks to the function itself cannot fork the chain."""
    row = (sequence, encode(sealed | {"fact": {"fact": "refused"}}), digest)
    with (
        psycopg.connect(team.review) as connection,
        pytest.raises(psycopg.errors.SerializationFailure),
    ):
        connection.execute("SELECT nbmlops.append_fact(%s, %s, %s)", row)
    assert postgresql_place.open().append(fact(1), actor="ada").sequence == 1
