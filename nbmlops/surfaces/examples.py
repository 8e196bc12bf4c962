"""The example notebooks, found or copied."""

from __future__ import annotations

import shutil
import sysconfig
from pathlib import Path

from nbmlops.errors import NotFound

__all__ = ["EXAMPLES", "FIRST", "bring_examples"]

EXAMPLES = "example_notebooks"
FIRST = "01_track.ipynb"


def bring_examples(folder: Path) -> Path:
    """Make sure that `folder` holds the example notebooks, and return it.

    Nothing that is there already is written over.

    :raises NotFound: if this installation does not carry the examples.
    """
    if (folder / FIRST).is_file():
        return folder
    checkout, installed = (
        Path(__file__).parents[2],
        Path(sysconfig.get_path("data"), "share/nbmlops"),
    )
    for place in (checkout, installed):
        if (place / EXAMPLES / FIRST).is_file():
            shutil.copytree(
                place / EXAMPLES,
                folder,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns(".nbmlops", ".ipynb_checkpoints", "*.promoted.ipynb"),
            )
            return folder
    raise NotFound("This installation carries no example notebooks. Install nbmlops anew.")
