"""What a loop measures again and again on rows that it draws is not what the model reaches."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel
from .run_facts import metrics

SETUP = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.utils import resample
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)
X_test, y_test = X[150:].copy(), y[150:].copy()
def interval(truth, guess, measure, rounds=5):
    found = []
    for _ in range(rounds):
        rows = np.random.choice(len(truth), len(truth))
        found.append(measure(truth[rows], guess[rows]))
    return np.percentile(found, [5, 95])
"""
DRAWN = "rows = rng.integers(0, 50, 50)"


@pytest.fixture(scope="module", autouse=True)
def measured(kernel: Kernel) -> TrackedRun:
    assert not kernel.trained(SETUP)
    (run,) = kernel.trained(
        "model = LogisticRegression().fit(X[:150], y[:150])\n"
        "guess = model.predict(X_test)\naccuracy_score(y_test, guess), model.score(X_test, y_test)"
    )
    return run


@pytest.mark.parametrize(
    "code",
    [
        f"for _ in range(5):\n    {DRAWN}\n    accuracy_score(y_test[rows], guess[rows])",
        f"for _ in range(5):\n    {DRAWN}\n    acc = accuracy_score(y_test[rows], guess[rows])",
        "[accuracy_score(y_test[i], guess[i]) for i in (rng.choice(50, 50) for _ in range(5))]",
        "low, high = interval(y_test, guess, accuracy_score)",
        "for i in range(5):\n    a, b = resample(y_test, guess, random_state=i)\n"
        "    accuracy_score(a, b)",
        "both = pd.DataFrame({'y': y_test, 'p': guess})\nfor i in range(5):\n"
        "    part = both.sample(frac=1, replace=True)\n    accuracy_score(part['y'], part['p'])",
        f"for _ in range(5):\n    {DRAWN}\n    model.score(X_test[rows], y_test[rows])",
        f"for _ in range(5):\n    {DRAWN}\n"
        "    accuracy_score(y_test[rows], model.predict(X_test[rows]))",
        "null = [accuracy_score(rng.permutation(y_test), guess) for _ in range(5)]",
        "for column in range(3):\n    mixed = X_test.copy()\n    rng.shuffle(mixed[:, column])\n"
        "    accuracy_score(y_test, model.predict(mixed))",
    ],
    ids=["loop", "named", "comprehension", "function", "resample", "frame", "score", "predicted",
         "permutation", "column"],
)  # fmt: skip
def test_rounds_on_drawn_rows_leave_the_metric_as_it_was(
    kernel: Kernel, measured: TrackedRun, code: str
) -> None:
    """Neither as its value nor as a candidate beside it."""
    before = metrics(kernel, measured)
    assert before.keys() == {"accuracy_score_X_test", "score_X_test"}
    kernel.run(code)
    run = kernel.journal.run(measured.id)
    assert metrics(kernel, run) == before
    assert not [m for m in run.metrics if m.candidate]


@pytest.mark.parametrize(
    "code",
    [
        "for seed in range(3):\n    rows = rng.permutation(200)\n"
        "    held = LogisticRegression().fit(X[rows[:150]], y[rows[:150]])\n"
        "    guesses = held.predict(X)\n    f1_score(y[rows[150:]], guesses[rows[150:]])",
        "def trial(seed):\n    rows = np.random.default_rng(seed).permutation(200)\n"
        "    held = LogisticRegression().fit(X[rows[:150]], y[rows[:150]])\n"
        "    return f1_score(y[rows[150:]], held.predict(X[rows[150:]]))\n"
        "scores = [trial(seed) for seed in range(3)]",
    ],
    ids=["loop", "function"],
)
def test_each_of_several_models_is_measured_on_its_own_draw(kernel: Kernel, code: str) -> None:
    """The control: the loop trains, so that each of its rounds is another model's."""
    runs = kernel.trained(code)
    assert [metrics(kernel, run).keys() for run in runs] == [{"f1_score_X"}] * 3


def test_a_split_drawn_once_is_measured(kernel: Kernel, measured: TrackedRun) -> None:
    """The control: chance alone makes no bootstrap."""
    kernel.run("rows = rng.permutation(200)[:80]\nwhole = model.predict(X)")
    kernel.run("f1_score(y[rows], whole[rows])")
    assert "f1_score_X" in metrics(kernel, measured)


def test_weights_moved_by_drawn_batches_are_measured_in_their_loop(kernel: Kernel) -> None:
    """The control: a training of one's own, which draws its batches."""
    (run,) = kernel.trained(
        "w = np.zeros(3)\nfor epoch in range(5):\n    for _ in range(10):\n"
        "        rows = rng.integers(0, 150, 20)\n"
        "        p = 1 / (1 + np.exp(-X[rows] @ w))\n"
        "        w -= 0.5 * X[rows].T @ (p - y[rows]) / 20\n"
        "    accuracy_score(y_test, X_test @ w > 0)"
    )
    assert run.kind == "inferred"
    assert "accuracy_score_X_test" in metrics(kernel, run)


def test_each_of_several_models_is_measured_on_rows_drawn_for_it(kernel: Kernel) -> None:
    """The control: they were trained before, and the loop goes through them once."""
    runs = kernel.trained("several = [LogisticRegression(C=c).fit(X, y) for c in (0.1, 1.0)]")
    kernel.run(
        "for each in several:\n    rows = rng.choice(200, 80)\n"
        "    f1_score(y[rows], each.predict(X[rows])), each.score(X[rows], y[rows])"
    )
    assert [metrics(kernel, run).keys() for run in runs] == [{"f1_score_X", "score_X"}] * 2
    before = [metrics(kernel, run) for run in runs]
    kernel.run(
        "for each in several:\n    guesses = each.predict(X)\n    for _ in range(5):\n"
        "        rows = rng.choice(200, 200)\n        f1_score(y[rows], guesses[rows])"
    )
    assert [metrics(kernel, run) for run in runs] == before
