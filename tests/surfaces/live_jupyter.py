"""A project with something to show, and a live Jupyter server on it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import nbformat
import pytest

from nbmlops.governance import Vault
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.records import CleanRun, Promoted, Promotion, Submission, Submitted
from nbmlops.settings import Settings, load_settings
from nbmlops.testing import EPOCH, make_submission


def submit_to(settings: Settings, **changes: Any) -> Submission:
    """Seal a notebook in the vault of `settings` and put its submission by ada on the ledger."""
    vault = Vault(settings.bundles)
    folder = vault.staging()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("model.fit(X, y)")])
    nbformat.write(notebook, folder / "notebook.ipynb")
    bundle = vault.seal(folder)
    submission = make_submission(content_digest=bundle.digest, **changes)
    promotion = Promotion(
        id=submission.promotion_id,
        model_name=submission.model_name,
        run_id="run-000000000001",
        author=submission.author,
        at=EPOCH,
        notebook=submission.evidence.notebook,
        bundle=bundle,
        clean_run=CleanRun(
            run_id="run-000000000002",
            started=EPOCH,
            duration=1.0,
            metrics=submission.evidence.clean_run,
            data_agrees=True,
            agrees=True,
        ),
    )
    ledger = SqlAlchemyLedger(settings.ledger_path)
    ledger.append(Promoted(promotion=promotion), actor=submission.author)
    ledger.append(Submitted(submission=submission), actor=submission.author)
    return submission


@dataclass(frozen=True)
class Answer:
    """A server's answer."""

    status: int
    body: Any


@dataclass(frozen=True)
class LiveServer:
    """A Jupyter server of its own process, as `pip install` configures it."""

    port: int
    token: str
    settings: Settings
    process: subprocess.Popen[str]
    home: Path

    def ask(
        self, route: str, body: Any = None, *, token: str | None = "", verb: str | None = None
    ) -> Answer:
        """Ask below ``/nbmlops/api/``: with the server's token, another, or none."""
        data = (
            None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        request = Request(
            f"http://127.0.0.1:{self.port}/nbmlops/api/{route}",
            data=data,
            method=verb or ("GET" if body is None else "POST"),
        )
        if token is not None:
            request.add_header("Authorization", f"token {token or self.token}")
        try:
            with urlopen(request, timeout=120) as response:
                return Answer(response.status, json.load(response))
        except HTTPError as error:
            text = error.read().decode()
            return Answer(error.code, json.loads(text) if text.startswith(("{", "[")) else text)


@contextmanager
def live_server(root: Path, home: Path, *options: str) -> Iterator[LiveServer]:
    """Start a server on the project `root`, with nothing of this machine's user in reach."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    private = {
        "HOME": home,
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NBMLOPS", "JUPYTER"))}
    environment |= {k: str(v) for k, v in private.items()} | {"NBMLOPS_USER": "ada"}
    command = [
        sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}",
        "--ServerApp.allow_unauthenticated_access=False",
        "--ServerApp.jpserver_extensions={'nbmlops': True}", *options,
    ]  # fmt: skip
    log = home / "server.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, env=environment, cwd=home, text=True, stderr=stream, stdout=stream
        )
    try:
        _wait_until_it_listens(process, port, log)
        settings = load_settings(root, {"NBMLOPS_USER": "ada"})
        yield LiveServer(port, token, settings, process, home)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_it_listens(process: subprocess.Popen[str], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            # Nothing tells when a foreign process listens; waiting on its exit is the pause.
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
        else:
            return
    pytest.fail(f"The server did not start:\n{log.read_text()}")
