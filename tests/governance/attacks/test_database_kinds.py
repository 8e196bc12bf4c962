"""A name in PostgreSQL's registry is a model's or a prompt's from the start, and stays it.

So nothing can be laid where a model will stand: a name without a tag, an alias ahead of its version.
"""

from __future__ import annotations

import psycopg
import pytest
from live_gate import LiveGate
from live_postgresql import PASSWORDS, REFUSALS, Database, PostgresServer
from psycopg.conninfo import conninfo_to_dict

from nbmlops.errors import StoreError
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.governance.database.postgresql import (
    may_write_ledger,
    may_write_registry,
    prepare_database,
)
from nbmlops.records import Submission

TAG = "'mlflow.prompt.is_prompt'"
PROMPT = (
    "INSERT INTO registered_models (name, workspace) VALUES ('{name}', 'default'); "
    "INSERT INTO registered_model_tags (key, value, name, workspace) "
    f"VALUES ({TAG}, 'true', '{{name}}', 'default'), ('team', 'x', '{{name}}', 'default')"
)


@pytest.mark.parametrize(
    "statement",
    [
        f"DELETE FROM registered_model_tags WHERE name = '{{name}}' AND key = {TAG}",
        "DELETE FROM registered_model_tags WHERE name = '{name}'",
        f"UPDATE registered_model_tags SET value = 'no' WHERE name = '{{name}}' AND key = {TAG}",
        f"UPDATE registered_model_tags SET key = 'x' WHERE name = '{{name}}' AND key = {TAG}",
        f"UPDATE registered_model_tags SET name = '{{model}}' WHERE name = '{{name}}' AND key = {TAG}",
        f"DELETE FROM registered_model_tags WHERE name = '{{name}}' AND key = {TAG}; "
        "INSERT INTO registered_model_tags (key, value, name, workspace) "
        f"VALUES ({TAG}, 'false', '{{name}}', 'default')",
    ],
)
def test_a_prompt_does_not_become_a_model(
    registered: Submission, connection: psycopg.Connection, statement: str
) -> None:
    """Its name would stand in the registry, and nobody would have let it in."""
    name = f"prompt {abs(hash(statement))}"
    connection.execute(PROMPT.format(name=name))
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    connection.execute("SET CONSTRAINTS ALL DEFERRED")
    with pytest.raises(REFUSALS):  # noqa: PT012 - a prompt is looked at when the transaction ends
        connection.execute(statement.format(name=name, model=registered.model_name))
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM registered_model_tags WHERE name = '{name}' AND key = 'team'",
        f"UPDATE registered_model_tags SET value = 'True' WHERE name = '{{name}}' AND key = {TAG}",
        "DELETE FROM registered_model_tags WHERE name = '{name}'; "
        "DELETE FROM registered_models WHERE name = '{name}'",
    ],
)
def test_a_prompt_is_changed_and_deleted_as_mlflow_does(
    registered: Submission, connection: psycopg.Connection, statement: str
) -> None:
    """The control."""
    connection.execute(PROMPT.format(name="kept"))
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    connection.execute("SET CONSTRAINTS ALL DEFERRED")
    connection.execute(statement.format(name="kept"))
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.fixture
def awaited(postgresql_gate: LiveGate) -> Submission:
    """An approved model whose name stands in the registry already, as between a name's and a
    version's write; the version is yet to come."""
    submission = postgresql_gate.approved()
    path = "/api/2.0/mlflow/registered-models/create"
    answer = postgresql_gate.request("POST", path, {"name": submission.model_name})
    assert answer.status_code == 200, answer.text
    return submission


ALIAS = (
    "INSERT INTO registered_model_aliases (name, alias, version, workspace) "
    "VALUES ('{name}', 'production', 1, 'default')"
)
PROMPT_TAG = (
    "INSERT INTO registered_model_tags (key, value, name, workspace) "
    f"VALUES ({TAG}, '{{value}}', '{{name}}', 'default')"
)
PROMPT_VERSION = (
    "INSERT INTO model_versions (name, version, source, storage_location, current_stage, workspace) "
    "VALUES ('{name}', 1, 'dummy-source', 'dummy-source', 'None', 'default')"
)
AHEAD = {
    "an alias": ALIAS,
    "an alias merged in": ALIAS + " ON CONFLICT DO NOTHING",
    "a prompt's version, and its alias": f"{PROMPT_VERSION}; {ALIAS}",
    "a prompt's tag": PROMPT_TAG.replace("{value}", "true"),
    "a tag that is yet to be true": PROMPT_TAG.replace("{value}", "no"),
    "a prompt's tag behind a change of the name": "UPDATE registered_models SET description = 'x' "
    "WHERE name = '{name}'; " + PROMPT_TAG.replace("{value}", "true"),
    "a prompt's tag behind a name that is there": "INSERT INTO registered_models (name, workspace) "
    "VALUES ('{name}', 'default') ON CONFLICT DO NOTHING; " + PROMPT_TAG.replace("{value}", "true"),
    "another prompt's tag": PROMPT.replace("{name}", "donor") + "; UPDATE registered_model_tags "
    f"SET name = '{{name}}' WHERE name = 'donor' AND key = {TAG}",
    "another prompt's version": PROMPT.replace("{name}", "donor")
    + "; "
    + PROMPT_VERSION.replace("{name}", "donor")
    + "; UPDATE model_versions SET name = '{name}' WHERE name = 'donor'",
    "another prompt's alias": PROMPT.replace("{name}", "donor")
    + "; "
    + ALIAS.replace("{name}", "donor")
    + "; UPDATE registered_model_aliases SET name = '{name}' WHERE name = 'donor'",
}


@pytest.mark.parametrize("what", AHEAD)
def test_nothing_is_laid_where_a_version_will_stand(
    postgresql_gate: LiveGate, awaited: Submission, team: Database, what: str
) -> None:
    """An alias would stand on it that no sign-off gave; a prompt would keep it out.

    The control: the model goes in, and bears what its sign-offs gave it.
    """
    name = awaited.model_name
    with psycopg.connect(team.app) as connection, pytest.raises(REFUSALS):  # noqa: PT012 - see below
        connection.execute(AHEAD[what].format(name=name))
        connection.commit()  # a name is looked at when the transaction ends
    assert postgresql_gate.register(awaited)["version"] == "1"
    with psycopg.connect(team.app) as connection:
        query = "SELECT alias, version FROM registered_model_aliases WHERE name = %s"
        assert connection.execute(query, (name,)).fetchall() == [("champion", 1)]


def test_no_version_of_a_prompt_goes_to_another(
    registered: Submission, connection: psycopg.Connection
) -> None:
    """Nor among the versions of a model, as its newest."""
    connection.execute(PROMPT.format(name="giver"))
    connection.execute(PROMPT_VERSION.format(name="giver"))
    with pytest.raises(REFUSALS):
        connection.execute(
            "UPDATE model_versions SET name = %s, version = 99 WHERE name = 'giver'",
            (registered.model_name,),
        )


def test_a_prompt_has_versions_and_aliases(
    registered: Submission, connection: psycopg.Connection
) -> None:
    """The control: what MLflow does with prompts passes."""
    connection.execute(PROMPT.format(name="greeting"))
    connection.execute(PROMPT_VERSION.format(name="greeting"))
    connection.execute(ALIAS.format(name="greeting"))
    connection.execute("UPDATE registered_model_aliases SET version = 2 WHERE name = 'greeting'")
    connection.execute("DELETE FROM registered_model_aliases WHERE name = 'greeting'")
    connection.execute(
        "UPDATE model_versions SET current_stage = 'Deleted_Internal', source = 'REDACTED' "
        "WHERE name = 'greeting'"
    )
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_made_name_is_remembered_no_longer_than_its_transaction(
    awaited: Submission, team: Database
) -> None:
    """Nothing heaps up, and nobody finds what another transaction made."""
    with psycopg.connect(team.owner) as owner:
        assert owner.execute("SELECT count(*) FROM nbmlops.made").fetchone() == (0,)


@pytest.mark.parametrize(
    "older",
    [
        "DROP TRIGGER nbmlops_prompt ON registered_model_tags",
        "DROP TRIGGER nbmlops_guard ON registered_model_aliases",
        "DROP TABLE nbmlops.made CASCADE; DROP TRIGGER nbmlops_made ON registered_models; "
        "DROP TRIGGER nbmlops_made ON model_versions; "
        "DROP TRIGGER nbmlops_guard ON registered_model_tags; "
        "DROP TRIGGER nbmlops_prompt ON registered_model_tags",
    ],
)
def test_an_older_database_gets_the_guards_that_it_lacks(prepared: Database, older: str) -> None:
    """The doctor finds it open, and preparing it again closes it."""
    assert not may_write_registry(prepared.app)
    with psycopg.connect(prepared.owner) as owner:
        owner.execute(older)
    assert may_write_registry(prepared.app)
    prepare_database(prepared.owner, PASSWORDS)
    assert not may_write_registry(prepared.app)


def test_an_older_databases_server_loses_its_hold_on_the_ledger(prepared: Database) -> None:
    """It was granted the function, which asked only about decisions; the server asks for the mend."""
    app = conninfo_to_dict(prepared.app)["user"]
    with psycopg.connect(prepared.owner) as owner:
        owner.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA nbmlops TO {app}".encode())
        owner.execute(
            "CREATE OR REPLACE FUNCTION nbmlops.append_fact(new_sequence bigint, new_sealed bytea, "
            "new_digest text) RETURNS void LANGUAGE sql SECURITY DEFINER "
            "AS 'INSERT INTO nbmlops.facts VALUES (new_sequence, new_sealed, new_digest)'"
        )
        owner.execute("UPDATE nbmlops.alembic_version SET version_num = '0003'")
    assert may_write_ledger(prepared.app)
    with pytest.raises(StoreError, match="nbmlops server init"):
        list(SqlAlchemyLedger(prepared.app).entries())
    prepare_database(prepared.owner, PASSWORDS)
    assert not may_write_ledger(prepared.app)
    assert list(SqlAlchemyLedger(prepared.app).entries()) == []
    with psycopg.connect(prepared.review) as connection, pytest.raises(psycopg.errors.DataError):
        connection.execute("SELECT nbmlops.append_fact(1, 'no fact', repeat('0', 64))")


@pytest.fixture(scope="module")
def prepared(postgres: PostgresServer) -> Database:
    """A database of its own, which no server works with."""
    database = postgres.create()
    prepare_database(database.owner, PASSWORDS)
    return database
