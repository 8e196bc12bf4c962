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


FIT_PREDICT = """
def fit_predict(X_train, y_train, X_valid):
    model = Ridge()
    model.fit(X_train, y_train)
    return model.predict(X_valid)
def fit_and_keep(X_train, y_train, X_valid):
    model = Ridge().fit(X_train, y_train)
    valid = model.predict(X_valid)
    return valid, model
def one_step(seen):
    return Ridge().fit(X[:seen], y[:seen]).predict(X[[seen]])[0]
def walk(start, end):
    out = []
    for t in range(start, end):
        out.append(one_step(t))
    return np.array(out)
"""
EACH = "for tr, va in folds(X):\n    "


@pytest.mark.parametrize(
    ("fill", "measure"),
    [
        (f"held = np.zeros(60)\n{EACH}held[va] = fit_predict(X[tr], y[tr], X[va])", "held"),
        (
            f"held = np.zeros(60)\n{EACH}p, kept = fit_and_keep(X[tr], y[tr], X[va])\n"
            "    held[va] = p",
            "held",
        ),
        (
            f"held, kept = np.zeros(60), None\n"
            f"{EACH}held[va], kept = fit_and_keep(X[tr], y[tr], X[va])",
            "held",
        ),
        (f"held = {{'a': np.zeros(60)}}\n{EACH}held['a'][va] = Ridge().fit(X[tr], y[tr])"
         ".predict(X[va])", "held['a']"),
        (f"held = [np.zeros(60)]\n{EACH}held[0][va] = fit_predict(X[tr], y[tr], X[va])",
         "held[0]"),
        ("def over_folds():\n    filled = np.zeros(60)\n    for tr, va in folds(X):\n"
         "        filled[va] = fit_predict(X[tr], y[tr], X[va])\n    return filled\n"
         "held = over_folds()", "held"),
    ],
    ids=["answer", "unpacked", "put at once", "dict", "list", "function"],
)  # fmt: skip
@pytest.mark.parametrize("later", [False, True], ids=["in the cell", "later"])
def test_folds_that_a_function_predicts_are_all_folds_alike(
    kernel: Kernel, fill: str, measure: str, later: bool
) -> None:
    """What it gives back is put into an array, also into one that a dict or list holds."""
    kernel.run(FIT_PREDICT)
    measure = f"mean_absolute_error(y, {measure})"
    runs = kernel.trained(fill if later else f"{fill}\n{measure}")
    if later:
        kernel.run(measure)
    assert measured(kernel, runs) == [{"mean_absolute_error_held"}] * 3


def test_each_model_fills_its_own_entry_of_a_dict(kernel: Kernel) -> None:
    """Measured in its turn, and once more by going over the dict."""
    runs = kernel.trained(
        "held = {}\nfor name, model in {'ridge': Ridge(), 'lasso': Lasso(0.1)}.items():\n"
        "    held[name] = np.zeros(60)\n    for tr, va in folds(X):\n"
        "        model.fit(X[tr], y[tr])\n        held[name][va] = model.predict(X[va])\n"
        "    mean_absolute_error(y, held[name])"
    )
    assert measured(kernel, runs) == [{"mean_absolute_error_held"}] * 6
    kernel.run("worst = {name: max_error(y, p) for name, p in held.items()}")
    ridge, lasso = (float(kernel.value(f"worst[{name!r}]")) for name in ("ridge", "lasso"))
    values = [
        next(m.value for m in kernel.journal.run(run.id).metrics if m.name.startswith("max"))
        for run in runs
    ]
    assert values == [ridge] * 3 + [lasso] * 3


@pytest.mark.parametrize(
    "walk",
    [
        "ahead = []\nfor t in range(40, 44):\n    ahead.append(one_step(t))\n"
        "ahead = np.array(ahead)",
        "steps = []\nfor t in range(40, 44):\n    steps.append(one_step(t))\n"
        "ahead = np.array(steps)",
        "ahead = walk(40, 44)",
    ],
    ids=["same name", "another name", "function"],
)
def test_a_walk_forward_by_a_function_is_about_every_step(kernel: Kernel, walk: str) -> None:
    """Joined to an array under any name, and measured a cell later."""
    kernel.run(FIT_PREDICT)
    runs = kernel.trained(walk)
    kernel.run("mean_absolute_error(y[40:44], ahead)")
    assert measured(kernel, runs) == [{"mean_absolute_error_ahead"}] * 4


@pytest.mark.parametrize(
    ("begin", "add"),
    [
        ("np.zeros(20)", "total + model.predict(X_test)"),
        ("0", "total + model.predict(X_test) / 2"),
        ("None", "model.predict(X_test) if total is None else total + model.predict(X_test)"),
    ],
)
def test_a_sum_that_is_bound_anew_is_no_one_models(kernel: Kernel, begin: str, add: str) -> None:
    """Neither in the cell nor later; the control, one model added to nothing, is its own."""
    loop = f"total = {begin}\nfor model in models:\n    total = {add}\n"
    runs = kernel.trained("models = [Ridge().fit(X, y), Lasso(0.1).fit(X, y)]")
    kernel.run(f"{loop}mean_absolute_error(y_test, total / 2)")
    kernel.run("max_error(y_test, total / 2)")
    assert measured(kernel, runs) == [set(), set()]
    (run,) = kernel.trained(f"models = [Ridge(2.0).fit(X, y)]\n{loop}max_error(y_test, total)")
    assert measured(kernel, [run]) == [{"max_error_X_test"}]


def test_sums_that_begin_anew_are_each_their_models(kernel: Kernel) -> None:
    """The control: what one model alone adds to an offset in a loop over models."""
    runs = kernel.trained(
        "for model in (Ridge(), Lasso(0.1)):\n    model.fit(X, y)\n    total = np.zeros(20)\n"
        "    total = total + model.predict(X_test)\n    mean_absolute_error(y_test, total)"
    )
    assert measured(kernel, runs) == [{"mean_absolute_error_X_test"}] * 2


NETWORKS = """
import torch
Xt, yt, X_new = (torch.tensor(part, dtype=torch.float32) for part in (X, y, X_test))
def network():
    net = torch.nn.Linear(3, 1)
    opt = torch.optim.Adam(net.parameters(), lr=0.1)
    for epoch in range(2):
        opt.zero_grad()
        (net(Xt).squeeze(1) - yt).pow(2).mean().backward()
        opt.step()
    return net
networks = [network() for seed in range(2)]
"""


def test_what_a_list_of_networks_predicts_together_is_nobodys(kernel: Kernel) -> None:
    """The one of them that is asked alone has its metric."""
    runs = kernel.trained(NETWORKS)
    kernel.run(
        "with torch.no_grad():\n"
        "    together = torch.stack([net(X_new) for net in networks]).mean(0)\n"
        "    alone = networks[0](X_new)"
    )
    kernel.run("mean_absolute_error(y_test, together); max_error(y_test, alone)")
    assert measured(kernel, runs) == [{"train_loss", "max_error_X_new"}, {"train_loss"}]


def test_a_networks_predictions_beside_an_estimators_are_nobodys(kernel: Kernel) -> None:
    """In the blend's own cell and after it; a shift of as many rows is nobody's either."""
    kernel.trained(NETWORKS)
    (run,) = kernel.trained("ridge = Ridge().fit(X, y)\nridge_p = ridge.predict(X_test)")
    kernel.run("with torch.no_grad():\n    net_p = networks[0](X_new).squeeze(1).numpy()")
    kernel.run("shift = np.full(len(y_test), 0.1)")
    kernel.run("blend = 0.5 * net_p + 0.5 * ridge_p\nmean_absolute_error(y_test, blend)")
    kernel.run("max_error(y_test, blend)")
    assert measured(kernel, [run]) == [set()]
    kernel.run("shifted = ridge_p + shift\nmean_absolute_error(y_test, shifted)")
    kernel.run("max_error(y_test, shifted)")
    assert measured(kernel, [run]) == [{"mean_absolute_error_X_test", "max_error_X_test"}]
