"""By those who own the disk or the database: it cannot be closed, and it is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import psycopg
import pytest
from live_gate import LiveGate
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from nbmlops.governance import check_against, take_checkpoint
from nbmlops.records import Submission, now


@pytest.fixture
def registered(gate: LiveGate, client: MlflowClient) -> Submission:
    submission = gate.approved()
    gate.register(submission)
    return submission


def change(file: Path, content: str) -> None:
    file.chmod(0o644)
    file.write_text(content)


def test_a_changed_byte_is_not_loaded(gate: LiveGate, registered: Submission) -> None:
    """Of the same length, and with the old times set back: the client reads every byte."""
    import os

    uri = f"models:/{registered.model_name}@champion"
    assert mlflow.artifacts.download_artifacts(uri)
    file = gate.vault.path(registered.content_digest) / "model" / "MLmodel"
    times, text = file.stat(), file.read_text()
    change(file, text.replace("content", "Content"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(MlflowException, match="MLmodel was changed"):
        mlflow.artifacts.download_artifacts(uri)
    change(file, text)
    assert mlflow.artifacts.download_artifacts(uri)


def test_an_added_and_a_missing_file_are_not_loaded(gate: LiveGate, registered: Submission) -> None:
    """Nor a file that stands beside the signed ones."""
    uri = f"models:/{registered.model_name}/1"
    folder = gate.vault.path(registered.content_digest) / "model"
    (folder / "evil.pkl").write_text("x")
    with pytest.raises(MlflowException, match=r"evil.pkl was added"):
        mlflow.artifacts.download_artifacts(uri)
    (folder / "evil.pkl").unlink()
    (folder / "MLmodel").rename(folder / "elsewhere")
    with pytest.raises(MlflowException, match=r"MLmodel is missing|elsewhere was added"):
        mlflow.artifacts.download_artifacts(uri)
    (folder / "elsewhere").rename(folder / "MLmodel")
    assert mlflow.artifacts.download_artifacts(uri)


def test_changed_content_is_not_registered(gate: LiveGate, client: MlflowClient) -> None:
    """A file that does not look as it did is read again."""
    submission = gate.approved()
    file = gate.vault.path(submission.content_digest) / "model" / "MLmodel"
    text = file.read_text()
    change(file, text.replace("content", "Content"))
    path = f"/reviews/{submission.id}/registration"
    answer = gate.api(path, {"alias": "champion"})
    assert answer.status_code == 409, answer.text
    assert "was changed" in answer.json()["message"]
    change(file, text)
    assert gate.register(submission)["version"] == "1"


def test_a_version_that_points_elsewhere_is_not_loaded(
    gate: LiveGate, registered: Submission
) -> None:
    """Whoever writes the registry's table can redirect a version; loading it finds out."""
    other = gate.submit(content="unsigned")
    update = "UPDATE model_versions SET source = '{0}', storage_location = '{0}' WHERE name = '{1}'"
    statement = update.format(gate.source(other), registered.model_name)
    back = update.format(gate.source(registered), registered.model_name)
    gate.sql(unguarded(gate, statement))
    with pytest.raises(MlflowException, match=r"no sign-off holds|may not be loaded"):
        mlflow.artifacts.download_artifacts(f"models:/{registered.model_name}/1")
    gate.sql(unguarded(gate, back))
    assert mlflow.artifacts.download_artifacts(f"models:/{registered.model_name}/1")


def test_a_changed_and_a_cut_ledger_are_found(gate: LiveGate, registered: Submission) -> None:
    """A changed row by the chain; a cut end, which leaves an intact chain, by a checkpoint."""
    assert gate.api("/reviews").status_code == 200
    kept = take_checkpoint(gate.ledger.links(), now())
    assert check_against(kept, gate.ledger.links()).intact
    last = list(gate.ledger.links())[-1]
    ledger_sql(gate, "DELETE FROM facts WHERE sequence = ?", last.sequence)
    assert gate.ledger.verify().intact
    found = check_against(kept, gate.ledger.links())
    assert "the ledger was cut" in (found.reason or "")
    # The server that is running has seen the fact, and trusts nothing until it is back.
    answer = gate.api("/reviews")
    assert (answer.status_code, answer.json()["error"]) == (409, "IntegrityError")
    insert = "INSERT INTO facts (sequence, sealed, digest) VALUES (?, ?, ?)"
    ledger_sql(gate, insert, last.sequence, last.sealed, last.digest)
    assert gate.api("/reviews").status_code == 200
    update = "UPDATE facts SET sealed = ? WHERE sequence = ?"
    ledger_sql(gate, update, last.sealed.replace(b"admin", b"Admin"), last.sequence)
    assert gate.ledger.verify().broken_sequence == last.sequence
    ledger_sql(gate, update, last.sealed, last.sequence)
    assert check_against(kept, gate.ledger.links()).intact


def unguarded(gate: LiveGate, statement: str) -> str:
    """As the database's owner does it: the guards taken down for a moment."""
    if gate.database is None:
        return statement
    down, up = (f"ALTER TABLE model_versions {verb} TRIGGER USER" for verb in ("DISABLE", "ENABLE"))
    return f"{down}; {statement}; {up}"


def ledger_sql(gate: LiveGate, statement: str, *values: object) -> None:
    if gate.database:
        with psycopg.connect(gate.database.owner, options="-c search_path=nbmlops") as connection:
            connection.execute("ALTER TABLE facts DISABLE TRIGGER USER")
            connection.execute(statement.replace("?", "%s"), values)  # type: ignore[arg-type] # a test's own words
            connection.execute("ALTER TABLE facts ENABLE TRIGGER USER")
        return
    with closing(sqlite3.connect(gate.home / "ledger.db", timeout=30)) as connection:
        triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        guards = connection.execute(triggers).fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement, values)
        for _, sql in guards:
            connection.execute(sql)
        connection.commit()
