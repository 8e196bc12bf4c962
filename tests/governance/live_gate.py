"""A live `nbmlops server` of its own process, and what its owner can do beside it."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import requests
from live_postgresql import Database
from prepared_server import ServerProcess

from nbmlops.governance import Incoming, Vault
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.records import (
    DEFAULT_SCOPES,
    Bundle,
    Identity,
    Promoted,
    Promotion,
    RefusalRecorded,
    SignedOff,
    Submission,
    Submitted,
)
from nbmlops.settings import UploadSettings
from nbmlops.testing import make_promotion, make_run, make_sign_off, make_submission
from nbmlops.tracking import Journal

ADMIN = ("admin", "correct-horse-battery")
PEOPLE = {name: f"{name}-password-1" for name in ("ada", "grace", "eve")}


@dataclass
class LiveGate:
    """A running server: `admin` may do in it whatever MLflow lets anybody do."""

    address: str
    root: Path
    process: ServerProcess
    database: Database | None = None
    names: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    @property
    def home(self) -> Path:
        return self.root / ".nbmlops"

    @property
    def vault(self) -> Vault:
        return Vault(self.home / "bundles")

    @property
    def ledger(self) -> SqlAlchemyLedger:
        """The ledger, as whoever runs the server could open it."""
        return SqlAlchemyLedger(self.database.review if self.database else self.home / "ledger.db")

    def promotion_of(self, submission: Submission) -> Promotion:
        """The promotion that was submitted, as the ledger tells it."""
        facts = (entry.fact for entry in self.ledger.entries())
        return next(
            f.promotion
            for f in facts
            if isinstance(f, Promoted) and f.promotion.id == submission.promotion_id
        )

    def request(
        self,
        verb: str,
        path: str,
        body: Any = None,
        auth: tuple[str, str] | None = ADMIN,
        **options: Any,
    ) -> requests.Response:
        """Ask with exactly this path: `requests` alone would tidy it up."""
        session = requests.Session()
        prepared = session.prepare_request(
            requests.Request(verb, self.address, auth=auth, json=body, **options)
        )
        prepared.url = self.address + path
        return session.send(prepared, timeout=60, allow_redirects=False)

    def api(self, path: str, body: Any = None, verb: str | None = None, **options: Any) -> Any:
        """Ask our own routes and read the answer."""
        verb = verb or ("GET" if body is None else "POST")
        return self.request(verb, f"/nbmlops/api{path}", body, **options)

    def sql(self, statement: str) -> None:
        """Change MLflow's own tables as the database's owner can."""
        if self.database:
            with psycopg.connect(self.database.owner) as connection:
                connection.execute(statement)  # type: ignore[arg-type] # a test's own words
            return
        with closing(sqlite3.connect(self.home / "mlflow.db", timeout=30)) as connection:
            connection.execute(statement)
            connection.commit()

    def seal(self, content: str, weight: int = 0) -> Bundle:
        """Content in the vault; `weight` is how many bytes more than its few words the model has.

        They are zeros that no disk holds, so that a heavy model costs its hashing only.
        """
        folder = self.vault.staging()
        (folder / "model").mkdir()
        (folder / "model" / "MLmodel").write_text(content)
        if weight:
            with (folder / "model" / "weights.bin").open("wb") as file:
                file.truncate(weight)
        return self.vault.seal(folder)

    def submit(
        self, model: str | None = None, content: str = "content", bundle: Bundle | None = None
    ) -> Submission:
        """Sealed content laid before reviewers by ada, as promote and submit leave it."""
        number = next(self.names)
        model = model or f"model_{number}"
        bundle = bundle or self.seal(f"{content} {number}")
        incoming = Incoming(self.home / "bundles", self.vault, UploadSettings())
        incoming.remember(bundle.digest, Identity(name="ada"))
        promotion = make_promotion(id=f"promotion-{number}", model_name=model, bundle=bundle)
        submission = make_submission(
            id=f"review-{number}",
            promotion_id=promotion.id,
            model_name=model,
            content_digest=bundle.digest,
        )
        self.ledger.append_all(
            [Promoted(promotion=promotion), Submitted(submission=submission)], actor="ada"
        )
        return submission

    def approve(self, submission: Submission, by: str = "grace") -> None:
        """A sign-off whose name the server vouches for."""
        identity = Identity(name=by, asserted_by="server")
        scopes = (*DEFAULT_SCOPES, "alias:candidate", "alias:x")
        signed = msgspec.structs.replace(make_sign_off(submission, by), by=identity, scopes=scopes)
        fact = SignedOff(sign_off=signed)
        self.ledger.append(fact, actor=by)

    def reject(self, submission: Submission, by: str = "grace") -> None:
        """The same person's later word."""
        identity = Identity(name=by, asserted_by="server")
        changes = {"by": identity, "verdict": "rejected", "id": f"rejection-{submission.id}"}
        signed = msgspec.structs.replace(make_sign_off(submission, by), **changes)
        self.ledger.append(SignedOff(sign_off=signed), actor=by)

    def approved(self, model: str | None = None) -> Submission:
        submission = self.submit(model)
        self.approve(submission)
        return submission

    def register(self, submission: Submission, alias: str = "champion") -> dict[str, Any]:
        """The honest way in."""
        answer = self.api(f"/reviews/{submission.id}/registration", {"alias": alias})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def source(self, submission: Submission) -> str:
        return f"mlflow-artifacts:/nbmlops-vault/{submission.content_digest}/model"

    def refusals(self) -> list[RefusalRecorded]:
        return [e.fact for e in self.ledger.entries() if isinstance(e.fact, RefusalRecorded)]


@contextmanager
def live_gate(
    root: Path,
    *options: str,
    database: Database | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[LiveGate]:
    """Start `nbmlops server` on the project `root`."""
    port = free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("NBMLOPS", "MLFLOW"))}
    clean |= {"MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1], "NBMLOPS_USER": "host"}
    if database:
        clean |= {"NBMLOPS_DATABASE": database.app, "NBMLOPS_REVIEW_DATABASE": database.review}
    log = root / "server.log"
    process = ServerProcess(["--port", str(port), *options], root, clean | (environment or {}), log)
    # The clean run that promotions name: a server finds it in MLflow, where clients deliver runs.
    Journal(root / ".nbmlops" / "journal.db").record(make_run(id="run-000000000002"))
    try:
        _wait_until_it_answers(process, port, log)
        yield LiveGate(f"http://127.0.0.1:{port}", root, process, database)
    finally:
        process.terminate()
        process.wait(timeout=30)


def make_people(gate: LiveGate) -> None:
    """MLflow's users: ada, grace and eve."""
    for name, password in PEOPLE.items():
        body = {"username": name, "password": password}
        answer = gate.request("POST", "/api/2.0/mlflow/users/create", body)
        assert answer.status_code == 200, answer.text


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_until_it_answers(
    process: ServerProcess | subprocess.Popen[bytes], port: int, log: Path
) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"http://127.0.0.1:{port}/health", timeout=5)
        except requests.ConnectionError:
            # Nothing tells when a foreign process listens; waiting on its exit is the pause.
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        else:
            return
    pytest.fail(f"The server did not start:\n{log.read_text()}")
