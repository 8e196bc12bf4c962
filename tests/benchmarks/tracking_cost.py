"""What tracking costs in the foreground, beside the bare fit and MLflow's autologging, in one run.

Run by hand: ``python tests/benchmarks/tracking_cost.py``. Times in milliseconds.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from nbmlops.settings import load_settings
from nbmlops.tracking import Tracker

FITS = 30
Fit = Callable[[], object]


def fits(
    X: pd.DataFrame,
    y: pd.Series,
    around: Callable[[Fit], None] = lambda fit: fit(),
    count: int = FITS,
) -> float:
    """The median time of a fit, in milliseconds."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        around(lambda: LinearRegression().fit(X, y))
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def main() -> None:
    """Print the numbers."""
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(10_000, 20)), columns=[f"c{n}" for n in range(20)])
    y = X.sum(axis=1)
    bare = fits(X, y)

    import mlflow

    folder = Path(tempfile.mkdtemp())
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'auto.db'}")
    mlflow.autolog(silent=True)
    LinearRegression().fit(X, y)
    auto = fits(X, y, count=3)
    mlflow.autolog(disable=True)

    namespace = {"X": X, "y": y}
    tracker = Tracker(load_settings(folder, {"NBMLOPS_ROOT": str(folder)}), namespace)
    tracker.start()
    untracked = []
    for number in range(200):
        began = time.perf_counter()
        tracker.cell_began(f"a = {number}", None, number)
        tracker.cell_ended("ok")
        untracked.append((time.perf_counter() - began) * 1000)

    def cell(fit: Callable[[], object]) -> None:
        tracker.cell_began("LinearRegression().fit(X, y)", "c", 1)
        fit()
        tracker.cell_ended("ok")

    tracked = fits(X, y, cell)
    cost = tracked - bare
    gone = weakref.ref(X)
    tracker.settle()
    namespace.clear()
    del X
    gc.collect()
    print(f"bare fit               {bare:8.2f}")
    print(f"mlflow.autolog         {auto:8.2f}  (beyond the fit {auto - bare:.2f})")
    print(f"tracked fit            {tracked:8.2f}  (beyond the fit {cost:.2f})")
    print(f"autolog / tracked      {(auto - bare) / cost:8.1f} times")
    print(f"untracked cell         {statistics.median(untracked):8.3f}")
    print(f"the data is freed      {gone() is None}")


if __name__ == "__main__":
    main()
