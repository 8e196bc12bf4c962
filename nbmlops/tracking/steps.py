"""The steps of a record's way to MLflow, named so that a test can end the process at each.

A process dies at the step that the environment variable ``NBMLOPS_FAULT`` names, by SIGKILL: no
handler runs, nothing is flushed. Outside of tests nobody sets it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

__all__ = ["DELIVERY_STEPS", "FAULT", "KERNEL_STEPS", "Step", "pass_step"]

FAULT = "NBMLOPS_FAULT"

Step = Callable[[str], None]
"""Hears a step's name before the step is taken."""

KERNEL_STEPS = (
    "journal", "journal-commit", "journal-committed",
    "snapshot", "snapshot-write", "snapshot-written", "snapshot-note", "snapshot-noted",
    "cell-end", "cell-ended",
)  # fmt: skip
"""In a kernel, in order; a cell writes to the journal several times, and dies at the first."""

DELIVERY_STEPS = (
    "begin", "attempt", "find", "create", "created", "log", "params", "metrics", "inputs",
    "model", "file", "filed", "create-model", "log-model", "finalize-model", "link-model",
    "artifacts", "end", "mark", "clean",
)  # fmt: skip
"""In a deliverer, in order, for a run that has everything."""


def pass_step(name: str) -> None:
    """Die here if this is the step at which the test wants it."""
    if os.environ.get(FAULT) == name:
        os.kill(os.getpid(), signal.SIGKILL)
