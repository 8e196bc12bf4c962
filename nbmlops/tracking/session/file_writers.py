"""Which cell wrote a file that Python was not asked to open: it was running at the file's time.

Arrow, Polars, PyTorch and a shell's commands write on their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.tracking.session.cells import ExecutedCell

__all__ = ["writers_of"]

_GRAIN = 0.02  # seconds by which a file system's clock may be behind


def writers_of(file: str, modified: float, cells: Sequence[ExecutedCell]) -> set[int]:
    """The orders of those of `cells` that may have written `file` at `modified`, a POSIX time.

    Where it may have been two, it is those that name the file, if any does.
    """
    found = []
    for cell in reversed(cells):
        began = cell.started.timestamp()
        if began + cell.duration < modified:
            break
        if began <= modified + _GRAIN:
            found.append(cell)
    named = [cell for cell in found if PurePath(file).name in cell.source]
    return {cell.order for cell in named or found}
