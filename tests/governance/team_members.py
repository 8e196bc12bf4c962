"""A team's members, each with a project on a machine of their own that claims another name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from live_gate import PEOPLE, LiveGate

from nbmlops.records import CleanRun, Promoted
from nbmlops.settings import load_settings
from nbmlops.testing import EPOCH, make_promotion, make_run
from nbmlops.tracking import deliver_pending
from nbmlops.workspace import Workspace

As = Callable[[str], Workspace]


def opening(gate: LiveGate, folder: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    """Opens a person's workspace, with their credentials for what MLflow's clients do next."""

    def open_workspace(name: str) -> Workspace:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PEOPLE[name])
        root = folder / name
        root.mkdir(exist_ok=True)
        (root / "nbmlops.toml").touch()
        environ = {"NBMLOPS_USER": "mallory", "MLFLOW_TRACKING_URI": gate.address}
        return Workspace(load_settings(root, environ))

    return open_workspace


def promote(workspace: Workspace, name: str, *, as_before: bool = False) -> str:
    """What a clean run leaves on the author's machine; the promotion's id.

    `as_before`, it does not name its MLflow run, which only the sealed model does then.
    """
    stores = workspace.stores
    run = make_run(id=f"run-{name}", author="mallory")
    stores.journal.record(run)
    deliver_pending(stores.journal, stores.mlflow)
    folder = stores.vault.staging()
    (folder / "model").mkdir()
    mlflow_run_id = stores.journal.run(run.id).mlflow_run_id
    described = f"run_id: {mlflow_run_id}\n" if as_before else name
    (folder / "model" / "MLmodel").write_text(described)
    (folder / "model" / "größe.txt").write_text("non-ASCII names travel too")
    proof = CleanRun(
        run_id=run.id,
        mlflow_run_id=None if as_before else mlflow_run_id,
        started=EPOCH,
        duration=1.0,
        metrics=(),
        data_agrees=True,
        agrees=True,
    )
    promotion = make_promotion(
        id=f"promotion-{name}",
        model_name=name,
        author="mallory",
        bundle=stores.vault.seal(folder),
        run_id=run.id,
        clean_run=proof,
    )
    stores.append(Promoted(promotion=promotion), "mallory")
    return promotion.id
