"""The doctor tries every way round against the server that is running, and leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from live_gate import LiveGate
from live_postgresql import Database
from mlflow import MlflowClient

from nbmlops.governance.gate.mlflow_team_server import MARK
from nbmlops.settings import load_settings
from nbmlops.workspace import Workspace
from nbmlops.workspace.ways_round import try_ways_round

OVER_HTTP = {
    "registering by REST",
    "registering by the page",
    "registering by an odd path",
    "a version from elsewhere",
    "an experiment in the vault",
    "writing into the vault",
    "a webhook",
    "MLflow's assistant",
    "jobs on the server",
    "calling others through the gateway",
    "asking without a name",
}
DETECTED = {"rewriting a fact", "cutting the ledger", "editing the vault's disk"}


def states(folder: Path, uri: str) -> dict[str, str]:
    environ = {"NBMLOPS_USER": "eve", "MLFLOW_TRACKING_URI": uri}
    return {d.subject: d.state for d in Workspace(load_settings(folder, environ)).doctor()}


def test_a_notebooks_doctor_finds_each_way_closed(
    gate: LiveGate, client: MlflowClient, tmp_path: Path
) -> None:
    """Or detected; and nothing of the probes is there afterwards, but refusals on the ledger."""
    gate.register(gate.approved())
    before = len(client.search_experiments())
    found = states(tmp_path, gate.address)
    assert {s for s, state in found.items() if state == "detected"} == DETECTED
    assert OVER_HTTP | {"writing the database directly"} <= found.keys()
    assert {found[s] for s in OVER_HTTP | {"writing the database directly"}} == {"closed"}
    assert "open" not in found.values()
    assert client.search_registered_models("name LIKE 'doctor-probe%'") == []
    assert len(client.search_experiments()) == before
    assert not list(gate.home.rglob("doctor-probe*"))
    assert gate.ledger.verify().intact


def test_the_doctor_says_whom_the_server_takes_us_for(gate: LiveGate, tmp_path: Path) -> None:
    """Not the name of this machine's user; without a server it is that name."""
    for uri, name in ((gate.address, "admin (server-asserted"), ("", "eve (self-asserted)")):
        environ = {"NBMLOPS_USER": "eve", "MLFLOW_TRACKING_URI": uri}
        (project,) = [
            d
            for d in Workspace(load_settings(tmp_path, environ)).doctor()
            if d.subject == "project"
        ]
        assert f"as {name}" in project.finding


class _Yes(BaseHTTPRequestHandler):
    """A server that calls itself ours and does whatever it is asked."""

    asked: list[str]

    def answer(self) -> None:
        type(self).asked.append(f"{self.command} {self.path}")
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{"version": "x", "user": {"name": "eve"}}'
        if "/links" in self.path or "/reviews" in self.path:
            body = b"[]"
        self.send_response(200)
        self.send_header(MARK, "x")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *_: object) -> None:
        """Keep the tests' output to themselves."""


@pytest.fixture
def open_server() -> Iterator[str]:
    _Yes.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Yes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_what_is_open_is_told_and_taken_back(open_server: str, tmp_path: Path) -> None:
    """The control: a server that lets everything pass is called open, and left as it was."""
    environ = {"NBMLOPS_USER": "eve", "MLFLOW_TRACKING_URI": open_server}
    tried = try_ways_round(Workspace(load_settings(tmp_path, environ)).stores)
    assert {d.subject for d in tried if d.state == "open"} == OVER_HTTP
    deletions = [line for line in _Yes.asked if line.startswith("DELETE")]
    assert sum("registered-models/delete" in line for line in deletions) >= 3
    assert any("nbmlops-vault" in line for line in deletions)


def test_alone_the_file_is_open(tmp_path: Path, mlflow_database: Path) -> None:
    """And the doctor says so."""
    home = tmp_path / ".nbmlops"
    home.mkdir()
    (home / "mlflow.db").write_bytes(mlflow_database.read_bytes())
    assert states(tmp_path, f"sqlite:///{home}/mlflow.db")["writing the database directly"] == (
        "open"
    )


def test_a_database_role_is_tried(team: Database) -> None:
    """The app role's write is refused; the owner's is not, and is taken back."""
    import psycopg

    from nbmlops.governance.database.postgresql import may_write_registry

    assert not may_write_registry(team.app)
    with psycopg.connect(team.owner) as owner:
        owner.execute("ALTER TABLE registered_models DISABLE TRIGGER USER")
    assert may_write_registry(team.owner)
    with psycopg.connect(team.owner) as owner:
        owner.execute("ALTER TABLE registered_models ENABLE TRIGGER USER")
        query = "SELECT count(*) FROM registered_models WHERE name = 'nbmlops-doctor'"
        assert owner.execute(query).fetchone() == (0,)


def test_the_doctor_where_the_server_runs_tries_its_role(team: Database, tmp_path: Path) -> None:
    """Neither registry nor ledger; the control is the owner, who can do both."""
    ways = ("writing the database directly", "writing to the ledger directly")
    working = states(tmp_path, team.app.replace("postgresql:", "postgresql+psycopg:", 1))
    assert [working[way] for way in ways] == ["closed", "closed"]
    owning = states(tmp_path, team.owner.replace("postgresql:", "postgresql+psycopg:", 1))
    assert owning["writing to the ledger directly"] == "open"
