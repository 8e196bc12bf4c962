"""Temporary tables that bear the names of what PostgreSQL's guards read: they read no such table."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from live_gate import LiveGate
from live_postgresql import Database

from nbmlops.governance.database.postgresql import may_write_registry
from nbmlops.records import Submission

APPENDING = "nbmlops.lock_head(), nbmlops.append_fact(bigint, bytea, text)"


@pytest.fixture
def shadowing(team: Database) -> Iterator[psycopg.Connection]:
    """The app role where somebody let it make temporary tables and call what appends.

    `server init` does neither.
    """
    info = psycopg.conninfo.conninfo_to_dict(team.app)
    database, role = info["dbname"], info["user"]
    with psycopg.connect(team.owner, autocommit=True) as owner:
        owner.execute(f"GRANT TEMPORARY ON DATABASE {database} TO {role}".encode())
        owner.execute(f"GRANT EXECUTE ON FUNCTION {APPENDING} TO {role}".encode())
        with psycopg.connect(team.app) as connection:
            yield connection
            connection.rollback()
        owner.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM {role}".encode())
        owner.execute(f"REVOKE EXECUTE ON FUNCTION {APPENDING} FROM {role}".encode())


def test_nobody_decides_by_roles_of_their_own_making(
    shadowing: psycopg.Connection, team: Database
) -> None:
    """The app role, told to be the reviewers' by a table that is called like PostgreSQL's."""
    shadowing.execute(
        "CREATE TEMPORARY TABLE pg_roles AS SELECT current_database() || '_review' AS rolname, oid "
        "FROM pg_catalog.pg_roles WHERE rolname = session_user"
    )
    shadowing.execute("GRANT SELECT ON pg_roles TO PUBLIC")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not write to the ledger"):
        append(shadowing, "signed-off")
    shadowing.rollback()
    with psycopg.connect(team.review) as connection:  # the control: taken back here
        append(connection, "signed-off")
        connection.rollback()


def append(connection: psycopg.Connection, fact: str) -> None:
    sequence, digest = connection.execute("SELECT * FROM nbmlops.lock_head()").fetchone() or (0, "")
    entry = {"sequence": sequence + 1, "previous": digest, "fact": {"fact": fact}}
    connection.execute(
        "SELECT nbmlops.append_fact(%s, %s, %s)",
        (sequence + 1, json.dumps(entry).encode(), "0" * 64),
    )


def test_no_write_passes_by_tables_of_ones_own_making(
    postgresql_gate: LiveGate, shadowing: psycopg.Connection, team: Database
) -> None:
    """Tags that call a name a prompt's, and a registry that holds no such model."""
    submission: Submission = postgresql_gate.approved()
    postgresql_gate.register(submission)
    name = submission.model_name
    for table in ("registered_model_tags", "registered_models", "model_versions"):
        shadowing.execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table})".encode())
        shadowing.execute(f"GRANT ALL ON pg_temp.{table} TO PUBLIC".encode())
    shadowing.execute(
        "INSERT INTO pg_temp.registered_model_tags (name, workspace, key, value) "
        "VALUES (%s, 'default', 'mlflow.prompt.is_prompt', 'true')",
        (name,),
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="has not let alias"):
        shadowing.execute(
            "INSERT INTO public.registered_model_aliases (name, alias, version, workspace) "
            "VALUES (%s, 'evil', 1, 'default')",
            (name,),
        )
    shadowing.rollback()
    assert not may_write_registry(team.app)
