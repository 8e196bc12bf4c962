"""The steps of a record's way to MLflow, named so that a test can end the process at each."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["DELIVERY_STEPS", "KERNEL_STEPS", "Step"]

Step = Callable[[str], None]
"""Hears a step's name before the step is taken."""

KERNEL_STEPS = (
    "journal", "journal-commit", "journal-committed",
    "snapshot", "snapshot-write", "snapshot-written", "snapshot-note", "snapshot-noted",
    "cell-end", "cell-ended",
)  # fmt: skip
"""In a kernel, in order; a cell writes to the journal several times, and dies at the first."""

DELIVERY_STEPS = (
    "begin", "attempt", "find", "create", "create-made", "log",
    "cell-run", "cell-run-made", "cell-run-filed", "params", "metrics", "inputs",
    "model", "file", "filed", "create-model", "log-model", "finalize-model", "link-model",
    "measure-model", "artifacts", "end", "mark", "clean",
)  # fmt: skip
"""In a deliverer, in order, for a run that has everything."""
