"""Every known way round the gate, tried against the set-up that is running.

A way that is closed refuses; one that is open is undone at once, so that no probe leaves anything.
What cannot be closed, because somebody owns the file or the disk, is tried on a copy: whether it
would be found.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from nbmlops.errors import IntegrityError
from nbmlops.governance import VAULT_NAME, Link, Vault, check_against, take_checkpoint, verify
from nbmlops.governance.gate.mlflow_team_server import API, TeamServer
from nbmlops.records import Diagnosis, new_id
from nbmlops.workspace.stores import Stores

__all__ = ["try_ways_round"]

_BEGINNING = 1_000  # facts
_MLFLOW = "/api/2.0/mlflow"
_AJAX = "/ajax-api/2.0/mlflow"


@dataclass(frozen=True)
class _Attempt:
    """A request that must not succeed, and the one that takes it back if it does."""

    way: str
    verb: str
    path: str
    body: Any = None
    undo: tuple[str, str, Any] | None = None


def try_ways_round(stores: Stores) -> list[Diagnosis]:
    """One finding for each way."""
    served = _over_http(stores.server) if stores.server is not None else iter(())
    # What is tried on the ledger's beginning holds for all of it, and need not read all.
    facts = list(islice(stores.ledger.links(), _BEGINNING))
    return [
        *served,
        _database(stores),
        *_ledger_database(stores),
        _ledger_tampering(facts),
        _ledger_cut(stores, facts),
        _vault(),
    ]


def _attempts(name: str) -> list[_Attempt]:
    model = {"name": name}
    remove = ("DELETE", f"{_MLFLOW}/registered-models/delete", model)
    version = {"name": name, "source": "s3://doctor/probe"}
    place = f"mlflow-artifacts:/{VAULT_NAME}/doctor"
    hook = {
        "name": name,
        "url": "https://doctor.invalid/",
        "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
    }
    file = f"/api/2.0/mlflow-artifacts/artifacts/{VAULT_NAME}/{name}"
    return [
        _Attempt(
            "registering by REST", "POST", f"{_MLFLOW}/registered-models/create", model, remove
        ),
        _Attempt(
            "registering by the page", "POST", f"{_AJAX}/registered-models/create", model, remove
        ),
        _Attempt(
            "registering by an odd path",
            "POST",
            f"/{_MLFLOW}/registered-models/create",
            model,
            remove,
        ),
        _Attempt("a version from elsewhere", "POST", f"{_MLFLOW}/model-versions/create", version),
        _Attempt(
            "an experiment in the vault",
            "POST",
            f"{_MLFLOW}/experiments/create",
            {"name": name, "artifact_location": place},
        ),
        _Attempt("writing into the vault", "PUT", file, "doctor", ("DELETE", file, None)),
        _Attempt("a webhook", "POST", f"{_MLFLOW}/webhooks", hook),
        _Attempt("MLflow's assistant", "GET", "/ajax-api/3.0/mlflow/assistant/config"),
        _Attempt("jobs on the server", "POST", "/ajax-api/3.0/jobs/search", {}),
        _Attempt("calling others through the gateway", "GET", f"{_AJAX}/gateway-proxy"),
    ]


def _over_http(server: TeamServer) -> Iterator[Diagnosis]:
    for attempt in _attempts(new_id("doctor-probe")):
        status = server.try_request(attempt.verb, attempt.path, attempt.body)
        if status >= 400:
            finding = f"{server.address} refused it ({status})"
            yield Diagnosis(subject=attempt.way, state="closed", finding=finding)
            continue
        if attempt.undo:
            server.try_request(*attempt.undo)
        yield Diagnosis(
            subject=attempt.way,
            state="open",
            finding=f"{server.address} did it ({status}).",
            advice="Upgrade the server, or start it with: nbmlops server.",
        )
    status = server.try_request("GET", f"{API}/server", None, anonymous=True)
    state = server.me().asserted_by
    yield Diagnosis(
        subject="asking without a name",
        state="closed" if status == 401 else "open",
        finding="The server answers nobody whom it does not know"
        if status == 401
        else f"The server believes any name ({state}-asserted).",
        advice=None if status == 401 else "nbmlops server --auth basic, jupyterhub or proxy",
    )


def _database(stores: Stores) -> Diagnosis:
    """Whether this process could write the registry's tables past MLflow."""
    subject = "writing the database directly"
    uri = stores.settings.tracking_uri
    if uri.startswith("postgresql"):
        from nbmlops.governance.database.postgresql import may_write_registry

        if may_write_registry(uri):
            return Diagnosis(
                subject=subject,
                state="open",
                finding="This role may write the registry's tables: it owns the database, or the "
                "guards are not there.",
                advice="Work with the role app; nbmlops server init renews the guards.",
            )
        return Diagnosis(
            subject=subject, state="closed", finding="The database refused this role's write"
        )
    path = uri.removeprefix("sqlite:///")
    if path != uri and os.access(path, os.W_OK):
        return Diagnosis(
            subject=subject,
            state="open",
            finding=f"Whoever may write the file {path} can change the registry without the gate. "
            "Alone on a machine that cannot be closed: what was signed is tamper-evident, "
            "not tamper-proof.",
        )
    return Diagnosis(
        subject=subject,
        state="closed",
        finding="This process knows no database of the registry's, and no file of it to write",
    )


def _ledger_database(stores: Stores) -> Iterator[Diagnosis]:
    """Whether what the server works as could put a fact on the ledger, past the server."""
    uri = stores.settings.tracking_uri
    if not uri.startswith("postgresql"):
        return  # the ledger's own file, or the server's: its owner's way round is the next one
    from nbmlops.governance.database.postgresql import may_write_ledger

    may = may_write_ledger(uri)
    yield Diagnosis(
        subject="writing to the ledger directly",
        state="open" if may else "closed",
        finding="This role may append whatever it likes: it owns the database, or decides."
        if may
        else "The database refused this role's fact",
        advice="Work with the role app; nbmlops server init renews the guards." if may else None,
    )


def _ledger_tampering(facts: list[Link]) -> Diagnosis:
    """The ledger with one byte of its first fact changed, in memory."""
    if not facts:
        return _untried("rewriting a fact", "the ledger has none yet")
    sealed = bytearray(facts[0].sealed)
    sealed[-1] ^= 1
    changed = msgspec.structs.replace(facts[0], sealed=bytes(sealed))
    found = not verify([changed, *facts[1:]]).intact
    return _detection("rewriting a fact", found, "one changed byte breaks the chain")


def _ledger_cut(stores: Stores, facts: list[Link]) -> Diagnosis:
    """The ledger without its last fact, held against a checkpoint of the whole."""
    if not facts:
        return _untried("cutting the ledger", "the ledger has no fact yet")
    checkpoint = take_checkpoint(facts, stores.clock())
    found = not check_against(checkpoint, facts[:-1]).intact
    return _detection(
        "cutting the ledger", found, "a checkpoint that is kept elsewhere shows what is missing"
    )


def _vault() -> Diagnosis:
    """A small sealed model, edited on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault(Path(folder))
        staging = vault.staging()
        (staging / "model").write_bytes(b"signed")
        bundle = vault.seal(staging)
        file = vault.path(bundle.digest) / "model"
        file.chmod(0o644)
        file.write_bytes(b"Signed")
        try:
            vault.verify(bundle, every_byte=True)
        except IntegrityError:
            found = True
        else:
            found = False
    return _detection("editing the vault's disk", found, "loading a model reads every byte again")


def _detection(way: str, found: bool, how: str) -> Diagnosis:
    if found:
        return Diagnosis(
            subject=way, state="detected", finding=f"Its owner can do it, and is found out: {how}"
        )
    return Diagnosis(
        subject=way, state="open", finding="Its owner can do it, and nobody would see."
    )


def _untried(way: str, why: str) -> Diagnosis:
    return Diagnosis(subject=way, state="ok", finding=f"Not tried: {why}.")
