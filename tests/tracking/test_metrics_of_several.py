"""A metric in a loop, or of a dict's entry, is that of the one thing it was handed."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .run_facts import metrics

SETUP = """
import numpy as np, pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3))
y = X[:, 0] + rng.normal(size=80)
class Wrapped:
    def fit(self, X, y):
        self.inner = Ridge(3.0).fit(X, y)
        return self
    def effect(self, X):
        return self.inner.predict(X) - self.inner.predict(0 * X)
def board(predictions):
    return {name: r2_score(y, p) for name, p in predictions.items()}
def told(name, p):
    return name, r2_score(y, p)
"""
PREDICTED = """
p = model.predict(X)
naive = np.full(80, y.mean())
made = {"model": p, "naive": naive}
anew = {"model": model.predict(X), "naive": np.full(80, y.mean())}
held = [model.predict(X), np.zeros(80)]
frame = pd.DataFrame({"model": model.predict(X), "naive": np.zeros(80)})
"""


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(SETUP)


@pytest.mark.parametrize(
    "cell",
    [
        "for name, q in [('model', p), ('naive', naive)]:\n    r2_score(y, q)",
        "for name, q in {'model': p, 'naive': naive}.items():\n    r2_score(y, q)",
        "for q in (p, np.zeros(80)):\n    r2_score(y, q)",
        "rows = [{'r2': r2_score(y, q)} for q in [p, naive]]",
        "for n, (name, q) in enumerate(made.items()):\n    told(name, q)",
        "for n, q in enumerate(iterable=(p, naive)):\n    r2_score(y, q)",
        "table = {name: {'r2': r2_score(y, q)} for name, q in made.items()}",
        "board(made)",
        "board(anew)",
        "for name, q in zip('ab', [anew['model'], anew['naive']]):\n    r2_score(y, q)",
        "r2_score(y, anew['model'])\nr2_score(y, anew['naive'])",
        "r2_score(y, held[0])\nr2_score(y, held[1])",
        "for column in frame:\n    r2_score(y, frame[column])",
    ],
)
def test_a_baseline_beside_a_model_is_not_the_models(kernel: Kernel, cell: str) -> None:
    """It comes last here: what the model itself scored is what stays on its run."""
    (run,) = kernel.trained("model = Ridge(2.0).fit(X, y)")
    kernel.run(PREDICTED)
    assert "captured" not in kernel.run(cell).text
    scored = float(kernel.run("print(model.score(X, y))").text)
    assert metrics(kernel, run)["r2_score_X"] == pytest.approx(scored)


@pytest.mark.parametrize(
    "cell",
    [
        "for name, q in [('own', u), ('ridge', p)]:\n    r2_score(y, q)",
        "for name, q in both.items():\n    r2_score(y, q)",
        "for q in both.values():\n    best = q\n    told('best', best)",
    ],
)
def test_what_code_made_of_each_model_is_each_models(kernel: Kernel, cell: str) -> None:
    """Also where no prediction of its own stands for it, as what an own class works out."""
    own, ridge = kernel.trained("own, model = Wrapped().fit(X, y), Ridge(2.0).fit(X, y)")
    kernel.run("u, p = own.effect(X), model.predict(X)\nboth = {'own': u, 'ridge': p}")
    kernel.run(cell)
    for run, value in ((own, "u"), (ridge, "p")):
        off = f"((y - {value}) ** 2).sum() / ((y - y.mean()) ** 2).sum()"
        scored = float(kernel.run(f"print(1 - {off})").text)
        assert metrics(kernel, run)["r2_score_X"] == pytest.approx(scored)


def test_what_a_loop_goes_over_is_followed_as_before(kernel: Kernel) -> None:
    """Where the loop's turns are one model's alone, they are its own."""
    (run,) = kernel.trained("model = Ridge(2.0).fit(X, y)")
    kernel.run("for q in [np.clip(model.predict(X), -2, 2)]:\n    r2_score(y, q)")
    assert "r2_score_X" in metrics(kernel, run)


@pytest.mark.parametrize(
    "made", ["sum(k.p for k in kept) / 2", "np.mean([k.p for k in kept], axis=0)"]
)
def test_a_comprehensions_variable_is_its_own(kernel: Kernel, made: str) -> None:
    """A mean of two models' predictions is none's, although one is called as the variable is."""
    kernel.run("class Kept:\n    def __init__(self, p): self.p = p")
    runs = kernel.trained("models = [Ridge(2.0).fit(X, y), Ridge(9.0).fit(X, y)]")
    kernel.run("kept = [Kept(m.predict(X)) for m in models]\nk = kept[1]")
    kernel.run(f"mean = {made}\nr2_score(y, mean)")
    assert [metrics(kernel, run) for run in runs] == [{}, {}]
    kernel.run("r2_score(y, k.p)")
    assert [set(metrics(kernel, run)) for run in runs] == [set(), {"r2_score_X"}]
