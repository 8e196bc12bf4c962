"""What a bundle holds, laid out in a folder that is ready to be sealed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.promotion.notebook import write_notebook
from nbmlops.records import CleanRun, Environment, TrackedRun, encode

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["NOTEBOOK_FILE", "stage_bundle"]

NOTEBOOK_FILE = "notebook.ipynb"


def stage_bundle(
    folder: Path,
    *,
    notebook: NotebookNode,
    tracked: TrackedRun,
    clean: TrackedRun,
    proof: CleanRun,
    executed: Path,
) -> None:
    """Put beside the model, which is in `folder` already, what production and a reviewer need.

    The notebook to run, its environment, and the evidence: both runs' records (with their data
    fingerprints), the proof, and the executed notebook.
    """
    write_notebook(notebook, folder / NOTEBOOK_FILE)
    (folder / "requirements.txt").write_text(_requirements(clean.environment), encoding="utf-8")
    evidence = folder / "evidence"
    evidence.mkdir()
    (evidence / "tracked_run.json").write_bytes(encode(tracked))
    (evidence / "clean_run.json").write_bytes(encode(clean))
    (evidence / "proof.json").write_bytes(encode(proof))
    shutil.copyfile(executed, evidence / "clean_run.ipynb")


def _requirements(environment: Environment) -> str:
    """What the clean run imported, pinned, in pip's format."""
    lines = [f"{name}=={version}" for name, version in sorted(environment.packages.items())]
    return "\n".join([f"# Python {environment.python}, {environment.platform}", *lines, ""])
