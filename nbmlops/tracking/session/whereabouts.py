"""Where a kernel's notebook stands now: noted by the server that moves it, read by the kernel.

A kernel is told its notebook's name once, when it starts, and a restarted one is told the same
again. The note is a link beside the kernel's connection file, where both find it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["forget_whereabouts", "note_whereabouts", "noted_whereabouts"]


def note_whereabouts(connection_file: Path, notebook: Path) -> None:
    """Note that the notebook of the kernel with that connection file stands at `notebook`.

    :raises OSError: if it cannot be noted.
    """
    note = _note(connection_file)
    fresh = note.with_suffix(".moved")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(notebook)
    fresh.replace(note)


def forget_whereabouts(connection_file: Path) -> None:
    """Take the note away: the kernel has ended."""
    _note(connection_file).unlink(missing_ok=True)


def noted_whereabouts() -> Path | None:
    """Where this kernel's notebook stands, if a server has noted it."""
    kernels = sys.modules.get("ipykernel.kernelapp")
    if kernels is None or not kernels.IPKernelApp.initialized():
        return None  # plain IPython
    try:
        return Path(os.readlink(_note(Path(kernels.IPKernelApp.instance().abs_connection_file))))
    except OSError:  # most notebooks stay where they are
        return None


def _note(connection_file: Path) -> Path:
    return connection_file.with_suffix(".notebook")
