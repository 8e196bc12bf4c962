"""Metrics find their model, whatever was done to its predictions on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel

DATA = """
import numpy as np, pandas as pd
rng = np.random.default_rng(0)
X_train = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
y_train = pd.Series((X_train["a"] + 0.4 * rng.normal(size=200) > 0).astype(int), name="y")
X_test, y_test = X_train[:50].copy(), y_train[:50].copy()
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.metrics import *
"""
BEFORE = "p = model.predict(X_test)\nproba = model.predict_proba(X_test)"


@pytest.fixture(scope="module", autouse=True)
def _models(kernel: Kernel) -> None:
    kernel.run(DATA)


@pytest.fixture
def runs(kernel: Kernel) -> Iterator[tuple[TrackedRun, TrackedRun]]:
    """Two models; what is predicted before a test's cell comes from the first."""
    model, other = kernel.trained(
        "model = LogisticRegression(C=0.2).fit(X_train, y_train)\n"
        "other = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X_train, y_train)"
    )
    assert not kernel.trained(BEFORE)
    yield model, other
    kernel.run("for name in ('p', 'proba', 'model', 'other'): globals().pop(name, None)")


def found(kernel: Kernel, run: TrackedRun) -> dict[str, float | None]:
    return {m.name: m.value for m in kernel.journal.run(run.id).metrics}


@pytest.mark.parametrize(
    "cells",
    [
        ["accuracy_score(y_test, p)"],
        ["accuracy_score(y_test[:30], p[:30])"],
        ["q = np.array(p)", "accuracy_score(y_test, q)"],
        ["accuracy_score(y_test, proba[:, 1] > 0.5)"],
        ["labels = (proba[:, 1] > 0.6)", "accuracy_score(y_test, labels)"],
        ["labels = proba.argmax(axis=1)", "accuracy_score(y_test, labels.astype(int))"],
        ["accuracy_score(y_test, np.where(proba[:, 1] > 0.4, 1, 0))"],
        ["accuracy_score(y_test, pd.Series(p))"],
        ["accuracy_score(y_test, list(p))"],
        ["accuracy_score(y_test, np.round(proba[:, 1]).ravel())"],
        ["frame = pd.DataFrame({'t': y_test.to_numpy(), 'p': p})",
         "accuracy_score(frame['t'], frame['p'])"],
        ["frame = X_test.copy()", "frame['p'] = model.predict(X_test)",
         "accuracy_score(y_test, frame['p'])"],
        ["frame = X_test.copy()", "frame['p'] = proba[:, 1]", "frame['hit'] = frame['p'] > 0.5",
         "accuracy_score(y_test, frame['hit'])"],
        ["kept = {'a': model.predict(X_test)}", "accuracy_score(y_test, kept['a'])"],
        ["p2 = model.predict_proba(X_test)\np2 = p2[:, 1]\np2 = p2 > 0.5\naccuracy_score(y_test, p2)"],
        ["def evaluate(m, X, y):\n    scores = m.predict_proba(X)\n    hard = scores.argmax(1)\n"
         "    return accuracy_score(y, hard)", "evaluate(model, X_test, y_test)"],
        ["def judge(truth, guess):\n    return accuracy_score(truth, guess)",
         "judge(y_test, proba[:, 1] > 0.5)"],
        ["def judge(truth, guess):\n    return accuracy_score(truth, guess.round())\n"
         "def outer(m, X):\n    return judge(y_test, m.predict_proba(X)[:, 1])",
         "outer(model, X_test)"],
        ["def evaluate(m, X, y):\n    return accuracy_score(y, m.predict(X))",
         "evaluate(model, X_test.iloc[:, :], y_test)"],
        ["class Judge:\n    def __init__(self, m): self.m = m\n"
         "    def go(self, X): self.p = self.m.predict(X); return accuracy_score(y_test, self.p > 0)",
         "Judge(model).go(X_test)"],
    ],
)  # fmt: skip
def test_through_what_people_do_to_predictions(
    kernel: Kernel, runs: tuple[TrackedRun, TrackedRun], cells: list[str]
) -> None:
    """On the run of the model that predicted, under the caller's name for the data."""
    for cell in cells:
        assert not kernel.trained(cell)
    model, other = runs
    names = set(found(kernel, model))
    assert {n.split("_X")[0] for n in names} == {"accuracy_score"}
    assert all(n == "accuracy_score_X_test" for n in names), names
    assert found(kernel, other) == {}


@pytest.mark.parametrize(
    "cell",
    [
        "scores = {}\nfor name, m in {'a': model, 'b': other}.items():\n"
        "    guess = m.predict(X_test)\n    scores[name] = accuracy_score(y_test, guess)",
        "scores = {n: accuracy_score(y_test, m.predict(X_test))\n"
        "          for n, m in {'a': model, 'b': other}.items()}",
        "made = {n: m.predict(X_test) for n, m in {'a': model, 'b': other}.items()}\n"
        "scores = {n: accuracy_score(y_test, made[n] > 0.5) if False else accuracy_score(y_test, made[n])\n"
        "          for n in made}",
    ],
)
def test_in_a_loop_over_models(
    kernel: Kernel, runs: tuple[TrackedRun, TrackedRun], cell: str
) -> None:
    """Each its own."""
    assert not kernel.trained(cell)
    scores = [float(x) for x in kernel.value("scores['a'], scores['b']").split()]
    assert [found(kernel, run) for run in runs] == [{"accuracy_score_X_test": s} for s in scores]


@pytest.mark.parametrize(
    "cell",
    [
        "accuracy_score(y_test, (proba[:, 1] + other.predict_proba(X_test)[:, 1]) / 2 > 0.5)",
        "accuracy_score(y_test, np.zeros(50))",
        "accuracy_score(y_test, rng.integers(0, 2, 50))",
        "p = model.predict(X_test)\naccuracy_score(y_test, np.ones(50))",
        "both = 1 - (p == other.predict(X_test))\naccuracy_score(y_test, both)",
    ],
)
def test_what_is_no_one_models_is_linked_to_none_and_said(
    kernel: Kernel, runs: tuple[TrackedRun, TrackedRun], cell: str
) -> None:
    """Ensembles, baselines and chance; the next record says so."""
    assert not kernel.trained(cell)
    assert [found(kernel, run) for run in runs] == [{}, {}]
    (after,) = kernel.trained("third = LogisticRegression().fit(X_train, y_train)")
    assert any(gap.what == "metrics" for gap in after.gaps)


def test_reports_matrices_and_curves_are_tables(
    kernel: Kernel, runs: tuple[TrackedRun, TrackedRun]
) -> None:
    """Also from the text form, whose numbers are rounded."""
    kernel.trained(
        "print(classification_report(y_test, p))\nconfusion_matrix(y_test, p)\n"
        "roc_curve(y_test, proba[:, 1])\nf1_score(y_test, p, average=None)"
    )
    tables = kernel.journal.run(runs[0].id).tables
    report = {row["label"]: row for row in tables["classification_report_X_test"]}
    expected = float(kernel.value("precision_score(y_test, p)"))
    assert report["1"]["precision"] == pytest.approx(expected)
    matrix = kernel.value("confusion_matrix(y_test, p).tolist()")
    rows = tables["confusion_matrix_X_test"]
    assert str([[r["predicted 0"], r["predicted 1"]] for r in rows]) == matrix
    assert set(tables["roc_curve_X_test"][0]) == {"fpr", "tpr", "threshold"}
    assert len(tables["f1_score_X_test"]) == 2
    kernel.run("for name in ('precision_score',): pass")


def test_the_same_metric_in_two_ways_is_two_metrics(
    kernel: Kernel, runs: tuple[TrackedRun, TrackedRun]
) -> None:
    """The first keeps the plain name; computed again, it is itself."""
    kernel.trained(
        "f1_score(y_test, p, average='macro')\nf1_score(y_test, p, average='weighted')\n"
        "f1_score(y_test, p, average='macro')"
    )
    assert set(found(kernel, runs[0])) == {"f1_score_X_test", "f1_score_weighted_X_test"}


def test_nothing_is_kept_alive(kernel: Kernel, runs: tuple[TrackedRun, TrackedRun]) -> None:
    """Predictions and what was made of them are freed when the user lets go."""
    kernel.run("import weakref, gc\nlabels = (proba[:, 1] > 0.5)\nref = weakref.ref(labels)")
    kernel.run("accuracy_score(y_test, labels)")
    kernel.run("del labels\ngc.collect()")
    assert kernel.value("ref() is None") == "True"


@pytest.mark.parametrize("output_dict", [True, False])
def test_a_report_is_numbers_too(
    kernel: Kernel, runs: tuple[TrackedRun, TrackedRun], output_dict: bool
) -> None:
    """Its averages and the accuracy, unrounded, from the text as from the dict."""
    kernel.trained(f"report = classification_report(y_test, p, output_dict={output_dict})")
    numbers = found(kernel, runs[0])
    for name, expression in {
        "accuracy_X_test": "accuracy_score(y_test, p)",
        "macro_avg_f1_score_X_test": "f1_score(y_test, p, average='macro')",
        "weighted_avg_precision_X_test": "precision_score(y_test, p, average='weighted')",
    }.items():
        expected = float(kernel.value(expression))
        assert numbers[name] == pytest.approx(expected)
    assert found(kernel, runs[1]) == {}


FOLDS = """
from sklearn.model_selection import KFold, cross_val_predict
def folds():
    return KFold(3).split(X_train)
"""


@pytest.mark.parametrize(
    ("train", "measure"),
    [
        ("oof = np.zeros(len(X_train))\nfor tr, va in folds():\n"
         "    m = LogisticRegression().fit(X_train.iloc[tr], y_train.iloc[tr])\n"
         "    oof[va] = m.predict_proba(X_train.iloc[va])[:, 1]\n",
         "value = roc_auc_score(y_train, oof)"),
        ("oof = np.zeros((len(X_train), 2))\nfor tr, va in folds():\n"
         "    m = LogisticRegression().fit(X_train.iloc[tr], y_train.iloc[tr])\n"
         "    shares = m.predict_proba(\n        X_train.iloc[va])\n    oof[va, :] += shares\n",
         "value = roc_auc_score(y_train, oof[:, 1])"),
        ("oof = pd.Series(0.0, index=X_train.index)\nfor tr, va in folds():\n"
         "    m = LogisticRegression().fit(X_train.iloc[tr], y_train.iloc[tr])\n"
         "    oof.iloc[va] = m.predict_proba(X_train.iloc[va])[:, 1]\n",
         "value = roc_auc_score(y_train, oof)"),
        ("def out_of_fold():\n    filled = np.empty(len(X_train))\n    for tr, va in folds():\n"
         "        m = LogisticRegression().fit(X_train.iloc[tr], y_train.iloc[tr])\n"
         "        filled[va] = m.predict_proba(X_train.iloc[va])[:, 1]\n    return filled\n"
         "oof = out_of_fold()\n",
         "value = roc_auc_score(y_train, oof)"),
        ("oof, kind = pd.DataFrame({'tree': 0.0, 'line': 0.0}, index=X_train.index), 'line'\n"
         "for tr, va in folds():\n"
         "    m = LogisticRegression().fit(X_train.iloc[tr], y_train.iloc[tr])\n"
         "    oof.loc[X_train.index[va], kind] = m.predict_proba(X_train.iloc[va])[:, 1]\n",
         "value = roc_auc_score(y_train, oof['line'])"),
        ("oof = np.zeros(len(X_train))\nfor tr, va in folds():\n"
         "    m = LogisticRegression().fit(X_train.iloc[tr], y_train.iloc[tr])\n"
         "    oof[va] = m.predict_proba(X_train.iloc[va])[:, 1]\n",
         "def area(truth, guess): return roc_auc_score(truth, guess)\nvalue = area(y_train, oof)"),
    ],
    ids=["array", "shares", "series", "function", "column", "measured in a function"],
)  # fmt: skip
@pytest.mark.parametrize("later", [False, True], ids=["in the cell", "later"])
def test_out_of_fold_predictions_are_all_folds(
    kernel: Kernel, train: str, measure: str, later: bool
) -> None:
    """What is measured on the whole stands on each fold's run, under the array's name."""
    kernel.run(FOLDS)
    runs = kernel.trained(train if later else train + measure)
    if later:
        assert not kernel.trained(measure)
    assert len(runs) == 3
    value = float(kernel.value("value"))
    assert [found(kernel, run) for run in runs] == [{"roc_auc_score_oof": value}] * 3


@pytest.mark.parametrize(
    ("before", "target", "measured"),
    [
        ("oof = np.zeros(len(X_train))", "oof[va]", "oof"),
        ("", "table.loc[va, name]", "table[name]"),
    ],
    ids=["array", "column"],
)
def test_out_of_fold_predictions_are_their_own_models(
    kernel: Kernel, before: str, target: str, measured: str
) -> None:
    """Each model fills what is its own, at the same line; another column is no one's."""
    kernel.run(FOLDS)
    runs = kernel.trained(
        "table, values = pd.DataFrame(0.0, index=X_train.index, columns=['weak', 'strong']), []\n"
        "for name, c in (('weak', 1e-3), ('strong', 10.0)):\n"
        f"    {before or 'pass'}\n"
        "    for tr, va in folds():\n"
        "        m = LogisticRegression(C=c).fit(X_train.iloc[tr], y_train.iloc[tr])\n"
        f"        {target} = m.predict_proba(X_train.iloc[va])[:, 1]\n"
        f"    values.append(roc_auc_score(y_train, {measured}))\n"
        "table['chance'] = rng.random(len(table))\nroc_auc_score(y_train, table['chance'])"
    )
    name = f"roc_auc_score_{measured.partition('[')[0]}"
    for number, fitted in enumerate((runs[:3], runs[3:])):
        value = float(kernel.value(f"values[{number}]"))
        assert [found(kernel, run) for run in fitted] == [{name: value}] * 3


def test_several_statements_on_a_line(kernel: Kernel, runs: tuple[TrackedRun, TrackedRun]) -> None:
    """Each call is told by where it stands, though one line holds them both."""
    kernel.run("hard = [int(q > 0.5) for q in proba[:, 1]]")
    kernel.run("a = f1_score(y_test, hard); print(accuracy_score(y_test, hard), a)")
    assert found(kernel, runs[0]).keys() == {"f1_score_X_test", "accuracy_score_X_test"}


@pytest.mark.parametrize(
    "predict",
    [
        "guess = np.array([model.predict(rows)[0] for rows, _ in zip(parts, range(9))])",
        "guess = []\nfor rows in parts: guess.append(model.predict(rows)[0])",
    ],
    ids=["comprehension", "loop"],
)
def test_batches_are_called_by_what_is_gone_over(
    kernel: Kernel, runs: tuple[TrackedRun, TrackedRun], predict: str
) -> None:
    """A variable of a loop or comprehension stands for what it goes over."""
    kernel.run("parts = [X_test[n : n + 1] for n in range(9)]")
    kernel.run(f"{predict}\naccuracy_score(y_test[:9], guess)")
    assert found(kernel, runs[0]).keys() == {"accuracy_score_parts"}


def test_what_all_folds_predict_together_is_no_ones(kernel: Kernel) -> None:
    """The control: columns of several models' predictions, averaged, are an ensemble's."""
    kernel.run(FOLDS)
    runs = kernel.trained(
        "held = np.zeros((len(X_test), 3))\nfor n, (tr, va) in enumerate(folds()):\n"
        "    m = LogisticRegression().fit(X_train.iloc[tr], y_train.iloc[tr])\n"
        "    held[:, n] = m.predict_proba(X_test)[:, 1]\n"
    )
    kernel.run("roc_auc_score(y_test, held.mean(axis=1))")
    assert not any("oof" in name or "held" in name for run in runs for name in found(kernel, run))


def test_cross_val_predict_is_followed_to_a_metric(kernel: Kernel) -> None:
    """The run of the cross-validation has what is measured on its predictions, cells later."""
    kernel.run(FOLDS)
    (run,) = kernel.trained("oof = cross_val_predict(LogisticRegression(), X_train, y_train, cv=3)")
    kernel.run("value = accuracy_score(y_train, oof)")
    assert found(kernel, run) == {"accuracy_score_X_train": float(kernel.value("value"))}
