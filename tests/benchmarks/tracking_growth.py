"""What a long session costs: cell 1,000 beside cell 10, and the memory that 1,000 cells leave.

``python tests/benchmarks/tracking_growth.py``. The model does nothing when it is trained, so
that what is measured is ours: processor time, which other processes disturb least. Exits with 1 when a
floor is missed.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from floors import Floors
from sklearn.base import BaseEstimator

from nbmlops.settings import load_settings
from nbmlops.tracking import Tracker
from nbmlops.tracking.delivery.courier import Courier

CELLS = 1000
MOST_GROWTH = 2.0  # times that a late cell may cost of an early one
MOST_MEMORY = 50.0  # MB


class Idle(BaseEstimator):
    """Trains in no time."""

    def fit(self, X: Any, y: Any) -> Idle:
        """Do nothing."""
        self.done_ = True
        return self


def resident() -> float:
    """This process's memory in MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    Courier.wake = lambda self: None  # type: ignore[method-assign] # delivery is another process
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 5)))
    namespace: dict[str, Any] = {"X": X, "y": X.sum(axis=1), "Idle": Idle}
    folder = Path(tempfile.mkdtemp())
    tracker = Tracker(load_settings(folder, {"NBMLOPS_ROOT": str(folder)}), namespace)
    tracker.start()
    costs, before = [], 0.0
    for number in range(CELLS):
        source = f"model_{number} = Idle().fit(X, y)"
        began = time.process_time()
        tracker.cell_began(source, f"cell-{number}", number)
        exec(compile(source, f"<cell {number}>", "exec"), namespace)
        tracker.cell_ended("ok")
        costs.append((time.process_time() - began) * 1000)
        if number == 20:
            tracker.settle()
            before = resident()
    tracker.settle()
    memory = resident() - before
    early, late = statistics.median(costs[10:60]), statistics.median(costs[-50:])
    floors = Floors()
    floors.found("milliseconds of an early cell", early)
    floors.at_most(f"cell {CELLS}, times an early one", late / early, MOST_GROWTH)
    floors.at_most(f"megabytes more after {CELLS} cells", memory, MOST_MEMORY)
    floors.end_at_once()


if __name__ == "__main__":
    main()
