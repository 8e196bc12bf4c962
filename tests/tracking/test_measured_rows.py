"""A metric by groups leaves the one on all rows where it is."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .run_facts import metrics

SETUP = """
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, classification_report, get_scorer
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)
"""
WHOLE = """
X_test, y_test = X[150:].copy(), y[150:].copy()
groups = np.arange(50) // 20
model = LogisticRegression().fit(X[:150], y[:150])
guess = model.predict(X_test)
whole = accuracy_score(y_test, guess)
assert whole == model.score(X_test, y_test) == get_scorer("accuracy")(model, X_test, y_test)
"""
EACH = "for g in np.unique(groups):\n    m = groups == g\n    "


@pytest.fixture(scope="module", autouse=True)
def ready(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


@pytest.mark.parametrize(
    "code",
    [
        f"{EACH}accuracy_score(y_test[m], guess[m])",
        f"{EACH}accuracy_score(y_test[m], model.predict(X_test[m]))",
        "by = {g: accuracy_score(y_test[groups == g], guess[groups == g]) for g in (0, 1, 2)}",
        f"{EACH}model.score(X_test[m], y_test[m])",
        f"{EACH}get_scorer('accuracy')(model, X_test[m], y_test[m])",
        "accuracy_score(y_test[:7], guess[:7])",
    ],
    ids=["mask", "predicted", "comprehension", "score", "scorer", "slice"],
)
@pytest.mark.parametrize("where", ["same", "later"])
def test_a_group_s_metric_leaves_the_whole_s(kernel: Kernel, code: str, where: str) -> None:
    """In the cell of the training, and in a later one."""
    (run,) = kernel.trained(WHOLE + (code if where == "same" else ""))
    if where == "later":
        assert kernel.run(code).status == "ok"
    found = metrics(kernel, run)
    assert {v for n, v in found.items() if "accuracy" in n or "score" in n} == {
        float(kernel.value("whole"))
    }


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        # The control: what is measured on all of the data, as it is by now, is the metric.
        ("X_test, y_test = X_test[:30], y_test[:30]\n"
         "last = accuracy_score(y_test, model.predict(X_test))", "accuracy_score_X_test", "last"),
        ("guess = 1 - model.predict(X_test)\nlast = accuracy_score(y_test, guess)",
         "accuracy_score_X_test", "last"),
        # Neither a fold's rows nor the others are the whole: the later is the metric.
        ("accuracy_score(y[:150], model.predict(X[:150]))\n"
         "last = accuracy_score(y[150:], model.predict(X[150:]))", "accuracy_score_X", "last"),
    ],
    ids=["anew", "again", "fold"],
)  # fmt: skip
def test_what_is_no_part_of_it_replaces_it(
    kernel: Kernel, code: str, name: str, value: str
) -> None:
    """The controls."""
    (run,) = kernel.trained(WHOLE)
    assert kernel.run(code).status == "ok"
    assert metrics(kernel, run)[name] == float(kernel.value(value))
