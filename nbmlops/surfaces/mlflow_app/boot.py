"""What must hold before the server answers anybody: it starts guarded, or not at all."""

from __future__ import annotations

import os
from typing import Any

import mlflow

from nbmlops.errors import SettingsError

__all__ = ["TESTED_MLFLOW", "require_closed_settings", "require_gate", "require_tested_mlflow"]

TESTED_MLFLOW = ("3.16", "3.17", "3.18")
"""The minor versions of MLflow that the attack suite has run against."""

UNTESTED = "NBMLOPS_UNTESTED_MLFLOW"


def require_tested_mlflow() -> None:
    """:raises SettingsError: on another version, for its routes and stores were not judged."""
    minor = ".".join(mlflow.__version__.split(".")[:2])
    if minor not in TESTED_MLFLOW and not os.environ.get(UNTESTED):
        raise SettingsError(
            f"MLflow {mlflow.__version__} was not tested with this gate; tested: "
            f"{', '.join(TESTED_MLFLOW)}. Install one of these, or set "
            f"{UNTESTED}=1 to start anyway."
        )


def require_closed_settings() -> None:
    """:raises SettingsError: if MLflow was told to open what would pass by the gate."""
    for name in ("MLFLOW_ENABLE_WORKSPACES", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION"):
        if os.environ.get(name, "false").lower() not in ("false", "0"):
            raise SettingsError(
                f"{name} is on, and would let requests pass by the gate. Switch it off."
            )


def require_gate(store: Any) -> None:
    """:raises SettingsError: unless the registry's store that is in force is ours."""
    from nbmlops.governance.gate.mlflow_gated_store import GatedStore

    if not isinstance(store, GatedStore):
        raise SettingsError(
            f"The registry would be kept by {type(store).__name__}, which asks no gate. Start the "
            "server with: nbmlops server."
        )
