"""Which notebook is this kernel running? Nobody tells the kernel outright, so several are asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbmlops.tracking.session.whereabouts import noted_whereabouts

__all__ = ["notebook_path"]


def notebook_path(namespace: Mapping[str, Any], environ: Mapping[str, str]) -> Path | None:
    """The notebook's absolute path; None in plain IPython.

    Asked in turn: ``NBMLOPS_NOTEBOOK`` (our own executions), VS Code, and Jupyter Server, where it
    has moved the notebook since the kernel started, or else what it said then.
    """
    if told := environ.get("NBMLOPS_NOTEBOOK"):
        return Path(told).absolute()
    if told := namespace.get("__vsc_ipynb_file__"):
        return Path(str(told)).absolute()
    if noted := noted_whereabouts():
        return noted
    if told := environ.get("JPY_SESSION_NAME"):
        return _of_session(Path(told))
    return None


def _of_session(path: Path) -> Path | None:
    """Jupyter Server joins the folder and the session's name, which may hold the folder again."""
    if path.suffix != ".ipynb":
        return None  # a console's session
    candidates = [path, Path.cwd() / path.name]
    candidates += [
        Path(*path.parts[: len(path.parts) - n], path.name) for n in range(2, len(path.parts))
    ]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.absolute()
    return path.absolute() if path.is_absolute() else Path(os.getcwd(), path.name)
