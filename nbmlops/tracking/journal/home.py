"""The folder of ours in a project, ``.nbmlops``, and what is wrong with it where it cannot be used.

Journal, models, outputs, locks and the deliverer all need it: what keeps them all from it is one
thing, and is told in one sentence.
"""

from __future__ import annotations

import os
from pathlib import Path

from nbmlops.errors import StoreError

__all__ = ["unusable"]


def unusable(home: Path) -> StoreError | None:
    """Why nothing can be written to `home`, and what to do; None where something can."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        return StoreError(
            f"{home} cannot be written (a file stands in its place). Move that away, or set"
            " NBMLOPS_ROOT to a folder that can be written."
        )
    except OSError as error:
        return _closed(home, error.strerror or str(error))
    return None if os.access(home, os.W_OK | os.X_OK) else _closed(home, "it is read-only")


def _closed(home: Path, why: str) -> StoreError:
    return StoreError(
        f"{home} cannot be written ({why}). Make it writable, or set NBMLOPS_ROOT to a folder"
        " that is."
    )
