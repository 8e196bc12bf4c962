"""The example notebooks, found or copied."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from nbmlops.errors import NotFound

__all__ = ["EXAMPLES", "bring_examples"]

EXAMPLES = "example_notebooks"


def bring_examples(folder: Path) -> Path:
    """Make sure that `folder` holds the example notebooks, and return it.

    Nothing that is there already is written over.

    :raises NotFound: if this installation does not carry the examples.
    """
    if (folder / "01_track.ipynb").is_file():
        return folder
    with as_file(files("nbmlops") / EXAMPLES) as packaged:
        source = packaged if packaged.is_dir() else Path(__file__).parents[2] / EXAMPLES
        if not source.is_dir():
            raise NotFound("This installation carries no example notebooks. Install nbmlops anew.")
        shutil.copytree(
            source,
            folder,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns(".nbmlops", ".ipynb_checkpoints", "*.promoted.ipynb"),
        )
    return folder
