"""What the governance tests are given: a PostgreSQL server of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_postgresql import PASSWORDS, Database, PostgresServer, postgres_server
from mlflow import MlflowClient
from places import Place, PostgresPlace, SqlitePlace, fact

from nbmlops.governance.database.postgresql import prepare_database


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server on a socket in a folder, for the whole session."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def team(postgres: PostgresServer) -> Database:
    """A database that `nbmlops server init` has prepared."""
    database = postgres.create()
    assert prepare_database(database.owner, PASSWORDS).keys() == PASSWORDS.keys()
    return database


@pytest.fixture
def sqlite_place(tmp_path: Path) -> SqlitePlace:
    """A file for a ledger that is not there yet."""
    return SqlitePlace(tmp_path / "home" / "ledger.db")


@pytest.fixture
def postgresql_place(team: Database) -> PostgresPlace:
    """The team's database, its ledger emptied."""
    place = PostgresPlace(team)
    place.execute("TRUNCATE facts", guarded=False)
    return place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    """Where a ledger lies that can be tampered with."""
    return request.getfixturevalue(f"{request.param}_place")


@pytest.fixture
def written(place: Place) -> Place:
    """A ledger with five facts, closed."""
    ledger = place.open()
    for n in range(5):
        ledger.append(fact(n), actor="ada")
    ledger.close()
    return place


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables, made once: the migrations take seconds."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path
