"""``nbmlops lab``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from nbmlops.settings import load_settings
from nbmlops.surfaces.cli.door import json_option, print_json
from nbmlops.surfaces.examples import EXAMPLES

__all__ = ["lab"]


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False))
@click.argument("jupyter_arguments", nargs=-1, type=click.UNPROCESSED)
@json_option
def lab(folder: str | None, jupyter_arguments: tuple[str, ...], as_json: bool) -> None:
    """Open JupyterLab on FOLDER with panel, MLflow store and ledger wired.

    FOLDER is this project, or example_notebooks where that lies here and this is no project yet.
    What follows it goes to JupyterLab as it is. With --json, only tell what would be opened.
    """
    root = Path(folder) if folder else _default_folder()
    settings = load_settings(root)
    environment = {
        "NBMLOPS_ROOT": str(settings.root),
        "MLFLOW_TRACKING_URI": settings.tracking_uri,
        "MLFLOW_REGISTRY_URI": settings.registry_uri,
    }
    command = [sys.executable, "-m", "jupyterlab", str(root), *jupyter_arguments]
    if as_json:
        print_json({"command": command, "environment": environment})
        return
    os.execve(sys.executable, command, {**os.environ, **environment})  # noqa: S606 - ours


def _default_folder() -> Path:
    here = Path.cwd()
    settings = load_settings(here)
    is_project = settings.home.is_dir()
    return here / EXAMPLES if not is_project and (here / EXAMPLES).is_dir() else here
