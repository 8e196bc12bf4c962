"""What the tests of tracked cells read of a run, and the data that the plain cells train on."""

from __future__ import annotations

from nbmlops.records import TrackedRun

from .conftest import Kernel

__all__ = ["TWO_CLASSES", "inputs", "measured", "metrics", "one", "only", "told"]

TWO_CLASSES = """
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
X_train = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
y_train = pd.Series((X_train["a"] > 0).astype(int), name="y")
X_test, y_test = X_train[:50].copy(), y_train[:50].copy()
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
"""


def only(runs: list[TrackedRun]) -> TrackedRun:
    """The one run that there is."""
    assert len(runs) == 1, runs
    return runs[0]


def one(kernel: Kernel, code: str) -> TrackedRun:
    """The one run that a cell leaves, nothing of which is missing."""
    run = only(kernel.trained(code))
    assert run.gaps == ()
    return run


def told(run: TrackedRun) -> dict[str, object]:
    """The parameters that somebody chose."""
    return {p.name: p.value for p in run.parameters if not p.is_default}


def inputs(run: TrackedRun) -> list[tuple[str, str]]:
    """The data by role and name."""
    return [(i.role, i.name) for i in run.inputs]


def metrics(kernel: Kernel, run: TrackedRun) -> dict[str, float | None]:
    """The metrics that are on record by now."""
    return {m.name: m.value for m in kernel.journal.run(run.id).metrics}


def measured(kernel: Kernel, run: TrackedRun) -> set[tuple[str, int]]:
    """The metrics that are on record by now, each with its step."""
    return {(m.name, m.step) for m in kernel.journal.run(run.id).metrics}
