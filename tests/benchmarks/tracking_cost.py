"""What tracking costs in the foreground: ``python tests/benchmarks/tracking_cost.py``.

Loading the extension in a fresh interpreter; what Python asks us about; a fit of 10,000 x 20 beside the bare fit and MLflow's
autologging; a fit of a second and more on a gigabyte; cross-validation in two worker processes.
Bare and tracked take turns. Of short fits and of worker processes, whom the system's scheduler places well or badly, the
median counts; of long fits the quickest: whatever else the machine does can only slow them.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from floors import Floors, seconds
from joblib.externals.loky import get_reusable_executor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, SGDRegressor
from sklearn.model_selection import cross_val_score
from threadpoolctl import threadpool_limits

from nbmlops.settings import load_settings
from nbmlops.tracking import Tracker

LOADING = """
import sys, time
import ipykernel.ipkernel
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
started = time.perf_counter()
shell.run_line_magic("load_ext", "nbmlops")
print(time.perf_counter() - started, [n for n in ("mlflow", "pandas", "sklearn") if n in sys.modules])
"""


class Session:
    """A tracked session in this process, whose cells are functions."""

    def __init__(self, **namespace: Any) -> None:
        folder = Path(tempfile.mkdtemp())
        self.namespace = namespace
        self.tracker = Tracker(load_settings(folder, {"NBMLOPS_ROOT": str(folder)}), namespace)
        self.tracker.start()

    def cell(self, source: str, run: Callable[[], object]) -> Callable[[], None]:
        """`run` as the cell with this source."""

        def ran() -> None:
            self.tracker.cell_began(source, "cell", 1)
            run()
            self.tracker.cell_ended("ok")

        return ran

    def end(self) -> None:
        """Wait until nothing is under way, and track no more."""
        self.tracker.settle()
        self.tracker.stop()


def loading(floors: Floors, rounds: int = 7) -> None:
    taken = []
    for _ in range(rounds):
        script = [sys.executable, "-c", LOADING]
        told = subprocess.run(script, capture_output=True, text=True, check=True).stdout
        spent, _, heavy = told.strip().partition(" ")
        taken.append(float(spent))
    floors.at_most("milliseconds to load the extension", 1000 * statistics.median(taken), 150)
    floors.at_most("heavy libraries that it imports", 0 if heavy == "[]" else 1, 0)


def audited_calls(floors: Floors, calls: int = 2_000) -> None:
    """Python asks us about each ``id()``, of which PyTorch makes four at every step."""
    thing = object()
    asked = lambda: [id(thing) for _ in range(calls)]  # noqa: E731 - a cell in one line
    session = Session()
    cell = session.cell("asked()", asked)
    floors.at_most(
        "microseconds of a call that Python audits",
        1e6 * min(seconds(cell) for _ in range(200)) / calls,
        0.5,
    )
    session.end()


@threadpool_limits.wrap(limits=1)  # BLAS threads spin while they wait for a busy core
def short_fits(floors: Floors, rounds: int = 40) -> None:
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(10_000, 20))).add_prefix("c")
    y = X.sum(axis=1)
    fit = partial(_fit, X, y)
    automatic = _autologged(fit)
    session = Session(X=X, y=y)
    tracked = session.cell("LinearRegression().fit(X, y)", fit)
    taken: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * rounds):
        # Either is first in every other pair: a fit is slower after a rest.
        ours = number % 4 in (1, 2)
        taken[ours].append(seconds(tracked) if ours else _untracked(session, fit))
        session.tracker.settle()
    nothing = [seconds(session.cell(f"a = {n}", lambda: None)) for n in range(200)]
    session.end()
    bare, with_us = (1000 * statistics.median(taken[ours]) for ours in (False, True))
    beyond = max(with_us - bare, 0.1)  # less cannot be told from nothing
    floors.found("milliseconds of the bare fit", bare)
    floors.at_most("milliseconds beyond it, tracked", beyond, 15)
    floors.at_least("autologging beyond it, times ours", (automatic - bare) / beyond, 50)
    floors.at_most(
        "milliseconds of a cell that does nothing", 1000 * statistics.median(nothing), 0.2
    )
    gone = weakref.ref(X)
    session.namespace.clear()
    del X, y, fit, tracked, session
    gc.collect()
    floors.at_most("data kept alive afterwards", gone() is not None, 0)


def _fit(X: pd.DataFrame, y: pd.Series) -> object:
    return LinearRegression().fit(X, y)


def _untracked(session: Session, run: Callable[[], object]) -> float:
    session.tracker.stop()
    spent = seconds(run)
    session.tracker.start()
    return spent


def _autologged(fit: Callable[[], object], rounds: int = 3) -> float:
    """The median of fits under MLflow's autologging, in milliseconds."""
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/auto.db")
        mlflow.autolog(silent=True)
        fit()
        spent = [1000 * seconds(fit) for _ in range(rounds)]
        mlflow.autolog(disable=True)
    return statistics.median(spent)


def long_fits(floors: Floors) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.random((1_250_000, 100)), rng.random(1_250_000)
    fit = lambda: SGDRegressor(max_iter=2, tol=None).fit(X, y)  # noqa: E731 - a cell in one line
    bare, ratio = _in_turns(fit, "SGDRegressor(max_iter=2, tol=None).fit(X, y)", X=X, y=y)
    floors.found("seconds of the bare fit on a gigabyte", bare)
    floors.at_most("the tracked fit, times the bare one", ratio, 1.1)


def worker_processes(floors: Floors) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(10_000, 20))).add_prefix("c")
    y = (X.sum(axis=1) > 0).astype(int)
    model = RandomForestClassifier(n_estimators=40, random_state=0)
    score = lambda: cross_val_score(model, X, y, cv=4, n_jobs=2)  # noqa: E731 - a cell in one line
    score()  # the workers start
    source = "cross_val_score(model, X, y, cv=4, n_jobs=2)"
    bare, ratio = _in_turns(score, source, 11, statistics.median, X=X, y=y, model=model)
    get_reusable_executor(reuse=True).shutdown(wait=True)
    floors.found("seconds of cross-validation in two processes", bare)
    floors.at_most("tracked, times the bare one", ratio, 1.03)


def _in_turns(
    run: Callable[[], object],
    source: str,
    rounds: int = 5,
    which: Callable[[Iterable[float]], float] = min,
    **namespace: Any,
) -> tuple[float, float]:
    """Seconds of the bare run, `which` of its rounds, and the tracked one's as times of it."""
    session = Session(**namespace)
    tracked = session.cell(source, run)
    tracked()
    session.tracker.settle()
    pairs = []
    for _ in range(rounds):
        pairs.append((_untracked(session, run), seconds(tracked)))
        session.tracker.settle()  # what is done in the background is not the next one's
    session.end()
    bare, with_us = (which(column) for column in zip(*pairs, strict=True))
    return bare, with_us / bare


def main() -> None:
    floors = Floors()
    for part in (loading, audited_calls, short_fits, long_fits, worker_processes):
        part(floors)
    sys.stdout.flush()
    floors.end_at_once()


if __name__ == "__main__":
    main()
