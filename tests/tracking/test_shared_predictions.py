"""Metrics on what several models' predictions were put into, and on columns made cells before."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel

SETUP = """
import numpy as np, pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, f1_score, mean_absolute_error, max_error
from sklearn.model_selection import KFold
rng = np.random.default_rng(0)
X, X_test = rng.normal(size=(60, 3)), rng.normal(size=(20, 3))
y, y_test = X[:, 0] + rng.normal(size=60), X_test[:, 0]
bad = (y > 1).astype(int)
folds = KFold(3).split
"""
FOLDS = (
    "parts, true = [], []\nfor tr, va in folds(X):\n    model = Ridge().fit(X[tr], y[tr])\n"
    "    p = model.predict(X[va])\n    parts.append(p)\n    true.append(y[va])\n"
)
MODELS = (
    "parts = []\nfor model in (Ridge(), Lasso(0.1)):\n    model.fit(X, y)\n"
    "    parts.append(model.predict(X_test))\n"
)


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


def measured(kernel: Kernel, runs: list[TrackedRun]) -> list[set[str]]:
    return [{m.name for m in kernel.journal.run(run.id).metrics} for run in runs]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("np.concatenate(parts)", "parts"),
        ("np.exp(np.hstack(parts))", "parts"),
        ("pd.Series([v for part in parts for v in part])", "parts"),
    ],
)
def test_a_list_of_all_folds_predictions_is_about_each_of_them(
    kernel: Kernel, value: str, name: str
) -> None:
    """In the loop's cell, and in the next one."""
    runs = kernel.trained(f"{FOLDS}mean_absolute_error(np.concatenate(true), {value})")
    kernel.run(f"whole = {value}\nmax_error(np.concatenate(true), whole)")
    expected = {f"mean_absolute_error_{name}", "max_error_whole"}
    assert measured(kernel, runs) == [expected] * 3


def test_walking_forward_one_value_at_a_time_is_about_every_step(kernel: Kernel) -> None:
    """The list is measured as it is."""
    runs = kernel.trained(
        "ahead = []\nfor t in range(40, 44):\n    step = Ridge().fit(X[:t], y[:t])\n"
        "    ahead.append(step.predict(X[[t]])[0])\nmean_absolute_error(y[40:44], ahead)"
    )
    assert measured(kernel, runs) == [{"mean_absolute_error_ahead"}] * 4


@pytest.mark.parametrize(
    "value", ["np.mean(parts, axis=0)", "(parts[0] + parts[1]) / 2", "sum(parts) / len(parts)"]
)
def test_a_mean_of_several_models_predictions_is_no_one_models(kernel: Kernel, value: str) -> None:
    """Not of the one that predicted last either."""
    runs = kernel.trained(f"{MODELS}mean_absolute_error(y_test, {value})")
    kernel.run(f"blend = {value}\nmax_error(y_test, blend)")
    assert measured(kernel, runs) == [set(), set()]


def test_one_models_part_of_a_list_is_its_own(kernel: Kernel) -> None:
    """It holds what that model predicted."""
    runs = kernel.trained(f"{MODELS}mean_absolute_error(y_test, parts[0])")
    kernel.run("max_error(y_test, parts[1])")
    assert measured(kernel, runs) == [{"mean_absolute_error_X_test"}, {"max_error_X_test"}]


def test_predictions_that_are_summed_up_over_folds_are_no_one_folds(kernel: Kernel) -> None:
    """As those on a test set are."""
    runs = kernel.trained(
        "total = np.zeros(20)\nfor tr, va in folds(X):\n    model = Ridge().fit(X[tr], y[tr])\n"
        "    total += model.predict(X_test) / 3\nmean_absolute_error(y_test, total)"
    )
    assert measured(kernel, runs) == [set()] * 3


def test_batches_of_one_models_predictions_are_its_own(kernel: Kernel) -> None:
    """A list that one model alone has filled."""
    (run,) = kernel.trained(
        "lone, batches = Ridge().fit(X, y), []\nfor i in range(0, 60, 20):\n"
        "    batches.append(lone.predict(X[i:i + 20]))\n"
        "mean_absolute_error(y, np.concatenate(batches))"
    )
    assert measured(kernel, [run]) == [{"mean_absolute_error_X"}]


def test_a_folds_own_rows_are_measured_on_its_own_run(kernel: Kernel) -> None:
    """Each in its turn; the whole array is about all of them, two of them together about none."""
    runs = kernel.trained(
        "oof, other = np.zeros(60), np.zeros(60)\nfor tr, va in folds(X):\n"
        "    model = Ridge().fit(X[tr], y[tr])\n    oof[va] = model.predict(X[va])\n"
        "    print(mean_absolute_error(y[va], oof[va]))\nmean_absolute_error(y, oof)"
    )
    lasso = kernel.trained(
        "for tr, va in folds(X):\n    model = Lasso(0.1).fit(X[tr], y[tr])\n"
        "    other[va] = model.predict(X[va])\nmax_error(y, 0.5 * oof + 0.5 * other)"
    )
    assert measured(kernel, runs) == [{"mean_absolute_error_X", "mean_absolute_error_oof"}] * 3
    assert measured(kernel, lasso) == [set()] * 3


def test_columns_made_of_predictions_are_followed_into_later_cells(kernel: Kernel) -> None:
    """Also worked on, by either spelling; not into a table that was made anew."""
    kernel.run("table = pd.DataFrame(X, columns=list('abc'))")
    (run,) = kernel.trained(
        "forest = IsolationForest(n_estimators=5, random_state=0)\n"
        "table['flag'] = forest.fit_predict(X)\ntable['score'] = -forest.score_samples(X)"
    )
    kernel.run("flag = (table['flag'] == -1).astype(int)\nf1_score(bad, flag)")
    kernel.run("average_precision_score(bad, table.score * 2)")
    assert measured(kernel, [run]) == [{"f1_score_X", "average_precision_score_X"}]
    kernel.run("table = pd.DataFrame({'score': rng.normal(size=60)})")
    kernel.run("average_precision_score(bad, table['score'], pos_label=1)")
    assert measured(kernel, [run]) == [{"f1_score_X", "average_precision_score_X"}]
