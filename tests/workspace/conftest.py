"""A project with a real MLflow registry behind the gate, where promotions are made by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from team import Team


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables, made once: the migrations take seconds."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scikit-learn model as MLflow saves it."""
    import mlflow.sklearn
    from sklearn.dummy import DummyClassifier

    path = tmp_path_factory.mktemp("saved") / "model"
    model = DummyClassifier().fit([[0], [1]], [1, 1])
    # Named, because MLflow would find them out in a process of its own.
    mlflow.sklearn.save_model(model, path, pip_requirements=["scikit-learn"])
    return path


@pytest.fixture
def team(
    tmp_path: Path, mlflow_database: Path, saved_model: Path, monkeypatch: pytest.MonkeyPatch
) -> Team:
    """Ada, the author; grace and alan, who review; their project, and their keys' folders."""
    for name in ("NBMLOPS_ROOT", "NBMLOPS_USER", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NBMLOPS_KEYS", str(tmp_path / "keys"))
    root = tmp_path / "project"
    (root / ".nbmlops").mkdir(parents=True)
    shutil.copyfile(mlflow_database, root / ".nbmlops" / "mlflow.db")
    monkeypatch.chdir(root)
    return Team(root, saved_model)


@pytest.fixture
def client(team: Team, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """MLflow's own, as a script would make it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team.settings.tracking_uri)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", team.settings.registry_uri)
    return MlflowClient(
        tracking_uri=team.settings.tracking_uri, registry_uri=team.settings.registry_uri
    )
