"""Where notebooks run: one executor per engine, all with the same promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from nbmlops.records import NotebookJob

__all__ = ["Executor", "Progress"]

Progress = Callable[[int, int], None]
"""Called with the number of cells that have run, and how many there are."""


class Executor(Protocol):
    """Runs a notebook in a fresh kernel."""

    def run(self, job: NotebookJob, on_progress: Progress | None = None) -> None:
        """Run `job` to its end.

        :raises NotebookError: if the notebook cannot be read.
        :raises KernelMissing: if its kernel is not installed.
        :raises CellFailed: if a cell raises; what ran until there is in ``job.output``.
        """
