"""Models that were kept and come back: what is measured on them stands on the run that made them."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel

SETUP = """
import copy, pickle, joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
rng = np.random.default_rng(1)
X = rng.normal(size=(80, 3)); y = (X[:, 0] > 0).astype(int)
X_test, y_test = X[60:], y[60:]
"""
# Models that predict the same, so that what they predict does not tell them apart.
FITTED = """
models = [LogisticRegression(C=c).fit(X[:60], y[:60]) for c in (1.0, 1.001)]
models.append(make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(X[:60], y[:60]))
same = [m.predict(X_test) for m in models]
"""
WAYS = {
    "list": "with open('m.pkl', 'wb') as file: pickle.dump(models, file)\n"
    "with open('m.pkl', 'rb') as file: kept = pickle.load(file)\nbest = kept[{n}]",
    "dict": "joblib.dump(dict(zip('abc', models)), 'm.joblib')\n"
    "best = list(joblib.load('m.joblib').values())[{n}]",
    "alone": "loaded = pickle.loads(pickle.dumps(models[{n}]))\nbest = copy.deepcopy(loaded)",
}


@pytest.fixture(scope="module")
def fitted(kernel: Kernel) -> list[TrackedRun]:
    assert not kernel.trained(SETUP)
    runs = kernel.trained(FITTED)
    assert len(runs) == 3
    return runs


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_model_that_comes_back_is_the_one_that_was_trained(
    kernel: Kernel, fitted: list[TrackedRun], way: str, number: int
) -> None:
    """Out of a list or a dict, under another name, by its content; in a metric and its own score."""
    assert not kernel.trained(WAYS[way].format(n=number))
    data = f"X_{way}_{number}"
    kernel.run(f"{data} = X_test + 0")
    assert not kernel.trained(
        f"accuracy_score(y_test, best.predict({data}))\nbest.score({data}, y_test)"
    )
    for place, run in enumerate(fitted):
        names = {m.name for m in kernel.journal.run(run.id).metrics}
        mine = {f"accuracy_score_{data}", f"score_{data}"}
        assert mine & names == (mine if place == number else set())


def test_what_was_changed_since_or_never_trained_here_is_nobodys(
    kernel: Kernel, fitted: list[TrackedRun]
) -> None:
    """The control."""
    kernel.run(
        "other = pickle.loads(pickle.dumps(models[0])); other.coef_ = other.coef_ * 2\n"
        "X_other = X_test * 3\naccuracy_score(y_test, other.predict(X_other))"
    )
    for run in fitted:
        assert not any("X_other" in m.name for m in kernel.journal.run(run.id).metrics)


def test_a_model_in_a_list_is_told_from_its_neighbours(
    kernel: Kernel, fitted: list[TrackedRun]
) -> None:
    """Where its prediction was made into something else on the way to the metric."""
    kernel.run("X_shared = X_test - 1\naccuracy_score(y_test, models[1].predict(X_shared) > 0)")
    for place, run in enumerate(fitted):
        names = {m.name for m in kernel.journal.run(run.id).metrics}
        assert ("accuracy_score_X_shared" in names) is (place == 1)
