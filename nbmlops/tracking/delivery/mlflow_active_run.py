"""The user's own MLflow run that a training stands in."""

from __future__ import annotations

import sys

from nbmlops.tracking.redaction import without_credentials

__all__ = ["active_mlflow_run"]


def active_mlflow_run() -> tuple[str, str] | None:
    """The tracking URI and the id of the run that is open now, without importing MLflow."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is None or not hasattr(mlflow, "active_run"):
        return None
    run = mlflow.active_run()
    # It goes to disk: the deliverer takes credentials from the environment, as MLflow does.
    return (without_credentials(mlflow.get_tracking_uri()), run.info.run_id) if run else None
