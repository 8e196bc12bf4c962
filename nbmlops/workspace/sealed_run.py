"""Which MLflow run made a sealed model, by what MLflow itself wrote beside it."""

from __future__ import annotations

from pathlib import Path

import yaml

from nbmlops.governance import MODEL_FOLDER

__all__ = ["sealed_run_id"]

_LARGEST = 1_000_000
"""Bytes; MLflow's description of a model is a page or two."""


def sealed_run_id(content: Path) -> str | None:
    """The run that the sealed model says it came from, or None where it does not say."""
    path = content / MODEL_FOLDER / "MLmodel"
    try:
        if path.stat().st_size > _LARGEST:
            return None
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    found = told.get("run_id") if isinstance(told, dict) else None
    return found if isinstance(found, str) and found else None
