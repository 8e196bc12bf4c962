"""Fits in worker processes: what comes back becomes a run, and what was not observed is said."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel

SETUP = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from joblib import Parallel, delayed
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import StandardScaler
X, y = load_iris(return_X_y=True)
def train(c):
    return LogisticRegression(C=c, max_iter=500).fit(X, y)
def judged(c):
    return train(c).score(X, y)
def scaled(c):
    return StandardScaler(with_mean=c > 1).fit(X).mean_.sum()
"""


@pytest.fixture(scope="module", autouse=True)
def names(kernel: Kernel) -> None:
    reply = kernel.run(SETUP)
    assert reply.status == "ok", reply.error


def told(run: TrackedRun) -> list[str]:
    return [gap.why for gap in run.gaps if gap.what == "worker processes"]


def values(run: TrackedRun) -> dict[str, object]:
    return {p.name: p.value for p in run.parameters}


@pytest.mark.parametrize(
    "code",
    [
        "cross_val_score(LogisticRegression(max_iter=500), X, y, cv=2, {})",
        "GridSearchCV(LogisticRegression(max_iter=500), {{'C': [0.1, 1]}}, cv=2, {}).fit(X, y)",
    ],
    ids=["cross-validation", "search"],
)
def test_a_training_that_uses_processes_says_so(kernel: Kernel, code: str) -> None:
    """One training, with a gap for what ran elsewhere; none with one process, or with threads."""
    (run,) = kernel.trained(code.format("n_jobs=2"))
    assert told(run) == [
        "Parts of it ran in worker processes, where memory and warnings are not observed."
    ]
    assert run.completeness <= 0.95
    (run,) = kernel.trained(code.format("n_jobs=1"))
    assert not told(run)
    (run,) = kernel.trained(
        "from joblib import parallel_backend\n"
        f"with parallel_backend('threading'):\n    {code.format('n_jobs=2')}"
    )
    assert not told(run)


@pytest.mark.parametrize(
    "code",
    [
        "models = Parallel(n_jobs=2)(delayed(train)(c) for c in (0.5, 5.0))",
        "models = Parallel(n_jobs=2)([delayed(LogisticRegression(C=c, max_iter=500).fit)(X, y)"
        " for c in (0.5, 5.0)])",
        "with ProcessPoolExecutor(2, multiprocessing.get_context('fork')) as pool:\n"
        "    models = list(pool.map(train, (0.5, 5.0)))",
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    models = pool.map(train, (0.5, 5.0))",
    ],
    ids=["joblib", "methods", "executor", "pool"],
)
def test_models_that_come_back_are_runs(kernel: Kernel, code: str) -> None:
    """Each with parameters, data and model, and the gap; a later metric finds its run."""
    runs = kernel.trained(code)
    assert [values(run)["C"] for run in runs] == [0.5, 5.0]
    for run in runs:
        assert run.model_class == "sklearn.linear_model.LogisticRegression"
        assert told(run) == [
            "It was trained in a worker process, where time, memory and warnings are not observed."
        ]
        assert {(item.name, item.fingerprint.rows) for item in run.inputs} == {
            ("X", 150),
            ("y", 150),
        }
    kernel.run("score = models[1].score(X, y)")
    measured = {run.id: [m.name for m in run.metrics] for run in kernel.runs()}
    assert measured[runs[1].id] == ["score_X"]
    assert measured[runs[0].id] == []


@pytest.mark.parametrize(
    "code",
    [
        "models = Parallel(n_jobs=2, prefer='threads')(delayed(train)(c) for c in (0.5, 5.0))",
        "with ThreadPoolExecutor(2) as pool:\n    models = list(pool.map(train, (0.5, 5.0)))",
        "with ThreadPool(2) as pool:\n    models = pool.map(train, (0.5, 5.0))",
        "models = Parallel(n_jobs=1)(delayed(train)(c) for c in (0.5, 5.0))",
    ],
    ids=["joblib", "executor", "pool", "one process"],
)
def test_threads_leave_no_gap(kernel: Kernel, code: str) -> None:
    """The control: the same trainings in threads are observed themselves."""
    runs = kernel.trained(code)
    assert sorted(str(values(run)["C"]) for run in runs) == ["0.5", "5.0"]
    assert not any(told(run) for run in runs)


def test_trainings_that_give_no_model_back_are_told(kernel: Kernel) -> None:
    """One run for the call, with its tasks; or a gap on the runs that the cell has anyhow."""
    code = "scores = Parallel(n_jobs=2)(delayed(judged)(c) for c in (0.5, 5.0))"
    (run,) = kernel.trained(code)
    assert run.name == "judged in worker processes"
    assert told(run) == ["judged trained in worker processes, where nothing is observed."]
    assert {gap.what for gap in run.gaps} >= {"model"}
    rows = run.tables["tasks"]
    assert [row["c"] for row in rows] == [0.5, 5.0]
    assert [row["result"] for row in rows] == [float(kernel.value(f"scores[{n}]")) for n in (0, 1)]
    assert {item.name for item in run.inputs} == {"X", "y"}
    (run,) = kernel.trained(f"{code}\nhere = train(2.0)")
    assert values(run)["C"] == 2.0
    assert told(run) == ["judged trained in worker processes, where nothing is observed."]
    (run,) = kernel.trained("again = train(3.0)")
    assert not told(run)


def test_other_work_in_processes_is_no_training(kernel: Kernel) -> None:
    """The control: preparation in workers leaves neither a run nor a gap."""
    assert kernel.trained("sums = Parallel(n_jobs=2)(delayed(scaled)(c) for c in (0, 2))") == []
    assert kernel.trained("sums = Parallel(n_jobs=2)(delayed(abs)(c) for c in (0, 2))") == []
