"""Killed between two writes of a registration: both or neither, or `doctor --repair` mends it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import requests
from live_gate import LiveGate, live_gate
from live_postgresql import Database, PostgresServer
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from nbmlops.governance.database.postgresql import prepare_database
from nbmlops.records import Diagnosis, Registered, Submission
from nbmlops.settings import load_settings
from nbmlops.workspace import Workspace

STEPS = ("after-model", "after-version", "after-alias")


@pytest.fixture(params=["sqlite", "postgresql"])
def project(
    request: pytest.FixtureRequest, tmp_path: Path, mlflow_database: Path
) -> tuple[Path, Database | None]:
    (tmp_path / "nbmlops.toml").write_text("")
    (tmp_path / ".nbmlops").mkdir()
    if request.param == "sqlite":
        (tmp_path / ".nbmlops" / "mlflow.db").write_bytes(mlflow_database.read_bytes())
        return tmp_path, None
    server: PostgresServer = request.getfixturevalue("postgres")
    database = server.create()
    prepare_database(database.owner, {"app": "app-secret", "review": "review-secret"})
    return tmp_path, database


def doctor(
    root: Path,
    database: Database | None,
    monkeypatch: pytest.MonkeyPatch,
    repair: bool = False,
) -> list[Diagnosis]:
    """What whoever runs the server is told about what is half-done."""
    monkeypatch.chdir(root)
    environ = {"NBMLOPS_USER": "host"}
    if database:
        environ |= {"NBMLOPS_DATABASE": database.app, "NBMLOPS_REVIEW_DATABASE": database.review}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    workspace = Workspace(load_settings(root, environ))
    return [d for d in workspace.doctor(repair) if d.subject in ("half-done", "registration")]


def test_a_killed_registration_is_named_and_mended(
    project: tuple[Path, Database | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each step; the control at the end is a registration that nobody kills."""
    root, database = project
    pending: list[tuple[str, Submission]] = []
    for number, step in enumerate(STEPS):
        with live_gate(root, database=database, environment={"NBMLOPS_FAULT": step}) as gate:
            gate.names = iter(range(number * 10, 1_000))
            submission = gate.approved()
            with suppress(requests.ConnectionError):
                gate.api(f"/reviews/{submission.id}/registration", {"alias": "champion"}, auth=None)
            assert gate.process.wait(30) == -9
            pending.append((step, submission))
        broken = doctor(root, database, monkeypatch)
        assert [d.state for d in broken] == ["broken"], broken
        assert submission.model_name in broken[0].finding
        mended = doctor(root, database, monkeypatch, repair=True)
        assert [d.state for d in mended] == ["ok"], mended
        left = doctor(root, database, monkeypatch)
        assert [d.finding for d in left] == ["Nothing was left half-done."]
    with live_gate(root, database=database) as gate:
        client = MlflowClient(tracking_uri=gate.address, registry_uri=gate.address)
        recorded = registrations(gate)
        for step, submission in pending:
            if step == "after-model":
                name = submission.model_name
                assert client.search_registered_models(f"name = '{name}'") == []
                assert submission.id not in recorded
                gate.register(submission)
            version = client.get_model_version_by_alias(submission.model_name, "champion")
            assert registrations(gate)[submission.id] == str(version.version)
        assert gate.ledger.verify().intact


def test_mlflows_client_killed_before_the_ledger_hears_is_mended(
    project: tuple[Path, Database | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copied version and an alias; the control, undisturbed ones, leaves nothing to mend."""
    root, database = project
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    step = {"NBMLOPS_FAULT": "before-version-told"}
    with live_gate(root, database=database, environment=step) as gate:
        submission = gate.approved()
        name = submission.model_name
        gate.register(submission)
        client = own(gate)
        with pytest.raises((MlflowException, requests.ConnectionError)):
            client.copy_model_version(f"models:/{name}/1", name)
        assert gate.process.wait(30) == -9
    mended = doctor(root, database, monkeypatch, repair=True)
    assert [d.finding for d in mended] == [
        f"{name} version 2 is in the registry, and the ledger does not tell of it. It was recorded."
    ]
    step = {"NBMLOPS_FAULT": "before-alias-told"}
    with live_gate(root, database=database, environment=step) as gate:
        assert own(gate).get_registered_model(name).aliases == {"champion": "1"}
        with pytest.raises((MlflowException, requests.ConnectionError)):
            own(gate).set_registered_model_alias(name, "champion", "2")
        assert gate.process.wait(30) == -9
    mended = doctor(root, database, monkeypatch, repair=True)
    assert len(mended) == 1
    assert mended[0].finding.endswith("does not tell of it. It was recorded.")
    with live_gate(root, database=database) as gate:
        client = own(gate)
        copied = client.copy_model_version(f"models:/{name}/1", name)
        client.set_registered_model_alias(name, "champion", copied.version)
        assert registrations(gate)[submission.id] == "3"
        assert gate.ledger.verify().intact
    left = doctor(root, database, monkeypatch)
    assert [d.finding for d in left] == ["Nothing was left half-done."]


def own(gate: LiveGate) -> MlflowClient:
    """MLflow's own client of the server."""
    return MlflowClient(tracking_uri=gate.address, registry_uri=gate.address)


def registrations(gate: LiveGate) -> dict[str, str]:
    facts = [e.fact for e in gate.ledger.entries() if isinstance(e.fact, Registered)]
    return {f.registration.review_id: f.registration.version for f in facts}
