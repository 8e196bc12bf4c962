"""Past MLflow, into its database: what PostgreSQL itself refuses the role that the server uses."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest
from live_gate import LiveGate
from live_postgresql import REFUSALS, Database
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import ProgrammingError

from nbmlops.errors import NbmlopsError
from nbmlops.governance.database.postgresql import Permits
from nbmlops.governance.database.postgresql.engine import create_postgresql_engine
from nbmlops.records import Submission

VERSION = (
    "INSERT INTO model_versions (name, version, source, storage_location, current_stage, "
    "workspace) VALUES ('{model}', 7, '{source}', '{stored}', 'None', 'default')"
)

STATEMENTS = {
    "a model": "INSERT INTO registered_models (name, workspace) VALUES ('evil', 'default')",
    "a rename": "UPDATE registered_models SET name = 'evil' WHERE name = '{model}'",
    "a deletion": "DELETE FROM registered_models WHERE name = '{model}'",
    "a version": VERSION.format(model="{model}", source="s3://x", stored="s3://x"),
    "the sealed content again": VERSION.format(
        model="{model}", source="{sealed}", stored="{sealed}"
    ),
    "stored elsewhere": VERSION.format(model="{model}", source="{sealed}", stored="s3://x"),
    "a prompt that is none": VERSION.format(
        model="{model}", source="dummy-source", stored="s3://x"
    ),
    "a prompt among versions": VERSION.format(
        model="{model}", source="dummy-source", stored="dummy-source"
    ),
    "another source": "UPDATE model_versions SET source = 's3://x' WHERE name = '{model}'",
    "another place": "UPDATE model_versions SET storage_location = 's3://x' WHERE name = '{model}'",
    "another number": "UPDATE model_versions SET version = 9 WHERE name = '{model}'",
    "a stage": "UPDATE model_versions SET current_stage = 'Production' WHERE name = '{model}'",
    "a version's deletion": "DELETE FROM model_versions WHERE name = '{model}'",
    "a soft deletion": "UPDATE model_versions SET current_stage = 'Deleted_Internal' "
    "WHERE name = '{model}'",
    "an alias": "INSERT INTO registered_model_aliases (name, alias, version, workspace) "
    "VALUES ('{model}', 'evil', 1, 'default')",
    "an alias moved": "UPDATE registered_model_aliases SET version = 7 WHERE name = '{model}'",
    "an alias renamed": "UPDATE registered_model_aliases SET alias = 'x' WHERE name = '{model}'",
    "an alias removed": "DELETE FROM registered_model_aliases WHERE name = '{model}'",
    "our tag": "UPDATE model_version_tags SET value = 'x' WHERE name = '{model}'",
    "our tag removed": "DELETE FROM model_version_tags WHERE name = '{model}'",
    "our tag added": "INSERT INTO model_version_tags (key, value, name, version, workspace) "
    "VALUES ('nbmlops.evil', 'x', '{model}', 1, 'default')",
    "our tag on the model": "INSERT INTO registered_model_tags (key, value, name, workspace) "
    "VALUES ('nbmlops.evil', 'x', '{model}', 'default')",
    "a model called a prompt": "INSERT INTO registered_model_tags (key, value, name, workspace) "
    "VALUES ('mlflow.prompt.is_prompt', 'true', '{model}', 'default')",
    "a model's tags emptied": "TRUNCATE registered_model_tags",
    "another hand": "UPDATE model_versions SET user_id = 'eve' WHERE name = '{model}'",
    "another origin": "UPDATE model_versions SET run_link = 'http://x' WHERE name = '{model}'",
    "another day": "UPDATE model_versions SET creation_time = 1 WHERE name = '{model}'",
    "a model in another workspace": "INSERT INTO registered_models (name, workspace) "
    "VALUES ('{model}', 'other')",
    "a version in another workspace": "INSERT INTO registered_models (name, workspace) "
    "VALUES ('{model}', 'other'); "
    + VERSION.replace("'default'", "'other'").format(
        model="{model}", source="{sealed}", stored="{sealed}"
    ),
    "our tag behind a change of the version": "UPDATE model_versions SET description = 'x' "
    "WHERE name = '{model}'; INSERT INTO model_version_tags (key, value, name, version, workspace) "
    "VALUES ('nbmlops.evil', 'x', '{model}', 1, 'default')",
    "a row merged in": "MERGE INTO registered_model_aliases AS a USING (SELECT 'champion' AS alias) "
    "AS b ON a.alias = b.alias AND a.name = '{model}' WHEN MATCHED THEN UPDATE SET version = 7 "
    "WHEN NOT MATCHED THEN DO NOTHING",
    "a row in conflict": "INSERT INTO registered_model_aliases (name, alias, version, workspace) "
    "VALUES ('{model}', 'champion', 7, 'default') ON CONFLICT (workspace, name, alias) "
    "DO UPDATE SET version = 7",
    "a webhook": "INSERT INTO webhooks (webhook_id, name, url) VALUES ('w', 'w', 'http://x')",
    "a workspace's end": "DELETE FROM workspaces",
    "the guards down": "ALTER TABLE model_versions DISABLE TRIGGER USER",
    "a guard gone": "DROP TRIGGER nbmlops_guard ON model_versions",
    "replica mode": "SET session_replication_role = replica",
    "a table emptied": "TRUNCATE model_versions CASCADE",
    "a table of one's own": "CREATE TABLE public.evil (x int)",
    "a temporary table": "CREATE TEMPORARY TABLE model_versions (x int)",
    "a permit": "SELECT nbmlops.permit('version', '{model}', 's3://x')",
    "a permit used": "SELECT nbmlops.use_permit('version', '{model}', 's3://x')",
    "a permit's return": "SELECT nbmlops.take_back(1)",
    "the review role": 'SET ROLE "{review}"',
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_the_servers_own_role_may_not(
    postgresql_gate: LiveGate,
    registered: Submission,
    connection: psycopg.Connection,
    what: str,
    team: Database,
) -> None:
    """Not even with the server's own password in hand."""
    statement = STATEMENTS[what].format(
        model=registered.model_name,
        sealed=postgresql_gate.source(registered),
        review=psycopg.conninfo.conninfo_to_dict(team.review)["user"],
    )
    with pytest.raises(REFUSALS):  # noqa: PT012 - a model is looked at when the transaction ends
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registered_models SET description = 'x' WHERE name = '{model}'",
        "UPDATE model_versions SET description = 'x' WHERE name = '{model}'",
        "INSERT INTO model_version_tags (key, value, name, version, workspace) "
        "VALUES ('team', 'x', '{model}', 1, 'default')",
        "INSERT INTO registered_models (name, workspace) VALUES ('p', 'default'); "
        "INSERT INTO registered_model_tags (key, value, name, workspace) "
        "VALUES ('mlflow.prompt.is_prompt', 'true', 'p', 'default'); "
        "INSERT INTO model_versions (name, version, source, storage_location, workspace) "
        "VALUES ('p', 1, 'dummy-source', 'dummy-source', 'default'); "
        "DELETE FROM model_versions WHERE name = 'p'; "
        "DELETE FROM registered_model_tags WHERE name = 'p'; "
        "DELETE FROM registered_models WHERE name = 'p'",
        "INSERT INTO experiments (name, artifact_location, lifecycle_stage) "
        "VALUES ('direct', 'x', 'active')",
    ],
)
def test_the_servers_own_role_may(
    registered: Submission, connection: psycopg.Connection, statement: str
) -> None:
    """The control: what MLflow needs for its work."""
    connection.execute(statement.format(model=registered.model_name))
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_mlflow_without_our_store_is_refused_by_the_triggers(
    registered: Submission, team: Database
) -> None:
    """A plain MLflow client, or server, with the app role's password."""
    uri = team.app.replace("postgresql:", "postgresql+psycopg:", 1)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    with pytest.raises(MlflowException, match="the gate"):
        client.create_registered_model("plain")
    with pytest.raises(MlflowException, match=r"the gate|Giving up"):
        client.create_model_version(registered.model_name, "s3://bucket/x")
    with pytest.raises(MlflowException, match="the gate"):
        client.set_registered_model_alias(registered.model_name, "x", "1")
    assert client.get_registered_model(registered.model_name).name == registered.model_name


def test_our_store_without_the_review_role_lets_nothing_in(
    postgresql_gate: LiveGate,
    registered: Submission,
    team: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kernel that has the app role's password and our plug-in: it may not decide."""
    monkeypatch.setenv("NBMLOPS_ROOT", str(postgresql_gate.root))
    monkeypatch.setenv("NBMLOPS_VAULT_URI", "mlflow-artifacts:/nbmlops-vault")
    registry = "nbmlops+" + team.app
    client = MlflowClient(tracking_uri=registry.removeprefix("nbmlops+"), registry_uri=registry)
    with pytest.raises(MlflowException, match="may not let anything into"):
        client.set_registered_model_alias(registered.model_name, "x", "1")


GRANTING = (
    "import sys; from nbmlops.governance.database.postgresql import Permits\n"
    "with Permits(sys.argv[1]).granted('version', sys.argv[2], sys.argv[3]):\n"
    "    print('granted', flush=True)\n"
    "    sys.stdin.read()\n"
)


def permits(team: Database) -> int:
    with psycopg.connect(team.owner) as owner:
        (left,) = owner.execute("SELECT count(*) FROM nbmlops.permits").fetchone() or (-1,)
    return int(left)


def test_a_permit_is_for_one_write(registered: Submission, team: Database) -> None:
    """Whatever the server lets through leaves nothing behind for others to use."""
    assert permits(team) == 0
    with (
        pytest.raises(NbmlopsError, match="may not let anything into"),
        Permits(team.app).granted("version", "m", "s"),
    ):
        pass


def test_a_permit_is_taken_back_when_mlflow_refuses_the_write(
    postgresql_gate: LiveGate, registered: Submission, team: Database
) -> None:
    """The gate allows the name; MLflow has it already."""
    body = {"name": registered.model_name}
    answer = postgresql_gate.request("POST", "/api/2.0/mlflow/registered-models/create", body)
    assert answer.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert permits(team) == 0


def test_a_permit_is_for_whoever_shows_its_secret(
    postgresql_gate: LiveGate,
    registered: Submission,
    connection: psycopg.Connection,
    team: Database,
) -> None:
    """Nobody with the app role's password takes it from the server's hand, to write other words."""
    sealed = postgresql_gate.source(registered)
    insert = VERSION.format(model=registered.model_name, source=sealed, stored=sealed)
    granting = Permits(team.review)
    engine = create_postgresql_engine(team.app)
    granting.shown_by(engine)
    with granting.granted("version", registered.model_name, sealed):
        for shown in (None, "", "%", "0b7e6c1e-8a4f-4a57-9a53-5a6d1f7b2c3d"):
            connection.execute("SELECT set_config('nbmlops.permit', %s, true)", (shown,))
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="has not let version"):
                connection.execute(insert)
            connection.rollback()
        with engine.begin() as servers:
            query = "SELECT query FROM pg_stat_activity WHERE query LIKE '%set_config(%'"
            seen = [text for (text,) in connection.execute(query).fetchall() if text != query]
            servers.exec_driver_sql(insert)
            servers.rollback()
        with psycopg.connect(team.owner) as owner:
            (secret,) = owner.execute("SELECT secret FROM nbmlops.permits").fetchone() or ("",)
        assert (len(secret), bool(seen), any(secret in text for text in seen)) == (36, True, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT secret FROM nbmlops.permits")
    with engine.connect() as servers, pytest.raises(ProgrammingError, match="has not let version"):
        servers.exec_driver_sql(insert)
    engine.dispose()


def test_a_permit_ends_with_whoever_granted_it(
    postgresql_gate: LiveGate,
    registered: Submission,
    connection: psycopg.Connection,
    team: Database,
) -> None:
    """While it lasts the write passes; killed between the two, it passes no more."""
    sealed = postgresql_gate.source(registered)

    def insert() -> None:
        connection.execute("SELECT set_config('nbmlops.permit', %s, true)", (secret,))
        connection.execute(
            VERSION.format(model=registered.model_name, source=sealed, stored=sealed)
        )

    command = [sys.executable, "-c", GRANTING, team.review, registered.model_name, sealed]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
        psycopg.connect(team.owner, autocommit=True) as owner,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"granted\n"
        (secret,) = owner.execute("SELECT secret FROM nbmlops.permits").fetchone() or ("",)
        insert()
        connection.rollback()
        process.kill()
        # PostgreSQL notices the end of a client on its own time; waiting on its lock is the event.
        owner.execute(
            "SELECT pg_advisory_lock(hashtext('nbmlops.permits'), max(id)::integer) "
            "FROM nbmlops.permits"
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        insert()
    connection.rollback()
    with Permits(team.review).granted("version", registered.model_name, sealed):
        assert permits(team) == 1  # what the dead one left is gone


def test_preparing_again_renews_the_guards(team: Database, registered: Submission) -> None:
    """After an upgrade, or after somebody took a guard down."""
    environment = {**os.environ, "NBMLOPS_OWNER_DATABASE": team.owner}
    for role, password in (("APP", "app-secret"), ("REVIEW", "review-secret")):
        environment[f"NBMLOPS_{role}_PASSWORD"] = password
    with psycopg.connect(team.owner) as owner:
        owner.execute("DROP TRIGGER nbmlops_guard ON model_versions")
    command = [sys.executable, "-m", "nbmlops", "server", "init", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "app-secret" in done.stdout
    with (
        psycopg.connect(team.app) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("DELETE FROM model_versions")
