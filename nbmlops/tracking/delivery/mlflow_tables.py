"""MLflow's SQLite file, made so that a notebook's own MLflow never meets it half made.

MLflow makes its tables in dozens of steps; two processes at it trip each other, and one of them may
be the user's cell. So ours are made elsewhere and put in place whole, and those that somebody else
is making are waited for.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

__all__ = ["ready_tables"]

_PATIENCE = 60.0  # seconds for somebody else's tables; after that they count as abandoned
_LOOK_EVERY = 0.1


def ready_tables(path: Path) -> None:
    """Return when the file at `path` holds MLflow's tables, which are made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    ends = time.monotonic() + _PATIENCE
    while not _is_whole(path) and time.monotonic() < ends:
        time.sleep(_LOOK_EVERY)


def _make(path: Path) -> None:
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory(prefix=".nbmlops-", dir=path.parent) as name:
        made, whole = Path(name, "made.db"), Path(name, "whole.db")
        MlflowClient(tracking_uri=f"sqlite:///{made}").search_experiments()
        with closing(sqlite3.connect(made)) as db:
            db.execute("VACUUM INTO ?", (str(whole),))  # one file, without a log beside it
        with contextlib.suppress(FileExistsError):  # somebody else has begun: theirs it is
            os.link(whole, path)


def _is_whole(path: Path) -> bool:
    """Whether tables, their version and the first experiment are there: MLflow's last steps."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            versions = db.execute("SELECT count(*) FROM alembic_version").fetchone()[0]
            return bool(versions and db.execute("SELECT 1 FROM experiments").fetchone())
    except sqlite3.Error:  # no such table yet, or locked while it is made
        return False
