"""Where the journeys keep what they saw."""

from __future__ import annotations

from pathlib import Path

from installed import ROOT

ARTIFACTS = ROOT / "tests" / "artifacts"


def artifact(name: str) -> Path:
    """The file of that name among the artifacts."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS / name
