"""MLflow's SQLite file while the notebook's own MLflow makes it, too."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from mlflow import MlflowClient

from nbmlops.tracking.delivery.mlflow_tables import ready_tables


def test_the_file_is_put_in_place_whole(tmp_path: Path) -> None:
    """MLflow finds nothing left to make, and nothing of ours lies beside it."""
    path = tmp_path / "home" / "mlflow.db"
    ready_tables(path)
    assert [file.name for file in path.parent.iterdir()] == ["mlflow.db"]
    (default,) = MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    assert default.name == "Default"
    before = path.stat().st_ino
    ready_tables(path)
    assert path.stat().st_ino == before


def test_tables_that_somebody_else_is_making_are_waited_for_and_left_alone(tmp_path: Path) -> None:
    """A half-made file is not touched until its maker, the user's cell, has finished it."""
    path, whole = tmp_path / "mlflow.db", tmp_path / "whole.db"
    ready_tables(whole)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE experiments (experiment_id INTEGER)")
    waiting = threading.Thread(target=ready_tables, args=(path,))
    waiting.start()
    waiting.join(timeout=1)
    assert waiting.is_alive()
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master")]
    assert tables == ["experiments"]
    with closing(sqlite3.connect(whole)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)
    waiting.join(timeout=60)
    assert not waiting.is_alive()
