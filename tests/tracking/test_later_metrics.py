"""Metrics that later cells compute: they are on the run whose model they judge, and on no other."""

from __future__ import annotations

import pytest

from .conftest import Kernel
from .run_facts import TWO_CLASSES, metrics, only


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(TWO_CLASSES)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("p = model.predict(X_test)\naccuracy_score(y_test, p)", "accuracy_score_X_test"),
        ("p = model.predict_proba(X_test)[:, 1]\nroc_auc_score(y_test, p)", "roc_auc_score_X_test"),
        ("q = np.array(p)\nlog_loss(y_test, q)", "log_loss"),
        (
            "p = model.predict_proba(X_test)\naccuracy_score(y_test, (p[:, 1] > 0.5).astype(int))",
            "accuracy_score_X_test",
        ),
        (
            "p = model.predict_proba(X_test)\nlabels = p.argmax(axis=1)\n"
            "accuracy_score(y_test, labels)",
            "accuracy_score_X_test",
        ),
        ("accuracy_score(y_test, model.predict(X_test))", "accuracy_score_X_test"),
        ("model.score(X_test, y_test)", "score_X_test"),
        (
            "def judge(m, X, y):\n    return accuracy_score(y, m.predict(X))\n"
            "judge(model, X_test, y_test)",
            "accuracy_score_X_test",
        ),
        ("p = pd.Series(model.predict(X_test)).to_numpy()\naccuracy_score(y_test, p)",
         "accuracy_score_X_test"),
    ],
)  # fmt: skip
def test_a_later_metric_reaches_its_model(kernel: Kernel, code: str, name: str) -> None:
    """The metric is on the run whose model made the prediction, not on a newer one's."""
    run = only(kernel.trained("model = LogisticRegression(C=0.25).fit(X_train, y_train)"))
    if "q = " in code:
        kernel.run("p = model.predict_proba(X_test)[:, 1]")
    newer = only(kernel.trained("other = LogisticRegression(C=4).fit(X_train, y_train)"))
    assert not kernel.trained(code)
    assert any(n.startswith(name.split("_X", maxsplit=1)[0]) for n in metrics(kernel, run)), (
        metrics(kernel, run)
    )
    if name.endswith("X_test"):
        assert name in metrics(kernel, run)
    assert metrics(kernel, newer) == {}
    assert [c.source for c in kernel.journal.run(run.id).metric_cells] == [code]


def test_a_metric_brings_the_cells_that_it_rests_on(kernel: Kernel) -> None:
    """Without them nobody could compute it again; what the training has already is not repeated."""
    run = only(kernel.trained("model = LogisticRegression(C=2).fit(X_train, y_train)"))
    kernel.run("nothing = 1")
    kernel.run("X_new, y_new = X_train[50:90].copy(), y_train[50:90].copy()")
    other = only(kernel.trained("other = LogisticRegression(C=3).fit(X_train, y_train)"))
    judge = "for m in (model, other):\n    accuracy_score(y_new, m.predict(X_new))"
    assert not kernel.trained(judge)
    for judged, needs in ((run, "other = "), (other, "model = ")):
        found = kernel.journal.run(judged.id)
        assert [c.source for c in found.metric_cells] == [judge]
        sources = [c.source for c in found.metric_sources]
        assert len(sources) == 2
        assert any(source.startswith(needs) for source in sources)
        assert any(source.startswith("X_new") for source in sources)


def test_a_metric_on_a_made_up_array_reaches_no_model(kernel: Kernel) -> None:
    """The control: what no model predicted is linked to none."""
    run = only(kernel.trained("model = LogisticRegression().fit(X_train, y_train)"))
    kernel.trained("accuracy_score(y_test, 1 - y_test)")
    assert metrics(kernel, run) == {}


def test_metric_and_runs_by_name(kernel: Kernel) -> None:
    """`nbmlops.metric` lands on the latest run; `nbmlops.runs` lists it."""
    run = only(kernel.trained("import nbmlops\nmodel = LogisticRegression().fit(X_train, y_train)"))
    assert kernel.run("nbmlops.metric('profit', 12.5)").status == "ok"
    assert metrics(kernel, run)["profit"] == 12.5
    assert kernel.value("nbmlops.runs().iloc[0]['run']") == run.id
