"""A project with a real MLflow registry behind the gate, where promotions are made by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from team import Team


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables, made once: the migrations take seconds."""
    from mlflow import MlflowClient

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
