"""The servers that all attacks are tried on: one on SQLite, one on PostgreSQL, each started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mlflow
import psycopg
import pytest
from live_gate import ADMIN, LiveGate, live_gate, make_people
from live_postgresql import Database
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from nbmlops.records import Submission
from nbmlops.settings import load_settings
from nbmlops.workspace import Workspace


@pytest.fixture(scope="session")
def start_gate(
    tmp_path_factory: pytest.TempPathFactory, mlflow_database: Path
) -> Iterator[Callable[..., LiveGate]]:
    """Starts a server on a new project; all end with the session."""
    with ExitStack() as running:

        def start(
            *options: str, database: Database | None = None, settings: str = "", **more: Any
        ) -> LiveGate:
            root = tmp_path_factory.mktemp("team")
            (root / "nbmlops.toml").write_text(settings)
            (root / ".nbmlops").mkdir()
            (root / ".nbmlops" / "mlflow.db").write_bytes(mlflow_database.read_bytes())
            return running.enter_context(live_gate(root, *options, database=database, **more))

        yield start


@pytest.fixture(scope="session")
def sqlite_gate(start_gate: Callable[..., LiveGate]) -> LiveGate:
    gate = start_gate("--auth", "basic")
    make_people(gate)
    return gate


@pytest.fixture(scope="session")
def postgresql_gate(start_gate: Callable[..., LiveGate], team: Database) -> LiveGate:
    gate = start_gate("--auth", "basic", database=team)
    make_people(gate)
    return gate


@pytest.fixture(params=["sqlite", "postgresql"])
def gate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> LiveGate:
    """A server; what MLflow's clients do in this test, its administrator does."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", ADMIN[1])
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return request.getfixturevalue(f"{request.param}_gate")


@pytest.fixture
def client(gate: LiveGate) -> MlflowClient:
    """MLflow's client of the server, which MLflow's fluent functions use too."""
    mlflow.set_tracking_uri(gate.address)
    mlflow.set_registry_uri(gate.address)
    return MlflowClient(tracking_uri=gate.address, registry_uri=gate.address)


@pytest.fixture(scope="module")
def registered(postgresql_gate: LiveGate) -> Submission:
    """A model that stands in PostgreSQL, let in rightly."""
    submission = postgresql_gate.approved()
    postgresql_gate.register(submission)
    return submission


@pytest.fixture
def connection(team: Database) -> Iterator[psycopg.Connection]:
    """PostgreSQL itself, with the app role's password in hand."""
    with psycopg.connect(team.app) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def refused() -> Callable[[Callable[[], Any]], str]:
    """Makes an attempt through MLflow's client; the sentence with which it is refused."""

    def attempt(action: Callable[[], Any]) -> str:
        with pytest.raises(MlflowException) as caught:
            action()
        assert caught.value.error_code == "PERMISSION_DENIED", caught.value
        return str(caught.value.message).removeprefix("PERMISSION_DENIED: ")

    return attempt


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A project on this machine, for what only needs to know the routes."""
    return Workspace(load_settings(tmp_path, {"NBMLOPS_USER": "ada"}))
