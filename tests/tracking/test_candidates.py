"""Numbers that a person works out and names like a metric, in a real kernel."""

from __future__ import annotations

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel
from .run_facts import TWO_CLASSES, only

FIT = "model = LogisticRegression(C=0.5).fit(X_train, y_train)\n"


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(TWO_CLASSES)


def offered(kernel: Kernel, run: TrackedRun) -> dict[str, float | None]:
    return {m.name: m.value for m in kernel.journal.run(run.id).metrics if m.candidate}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("acc = (model.predict(X_test) == y_test).mean()", {"acc"}),
        ("p = model.predict(X_test)\nhits = p == y_test\ntest_acc = hits.mean()", {"test_acc"}),
        ("tp, f1 = 3, np.mean(model.predict(X_test) == y_test)", {"f1"}),
        (
            "report = {'accuracy': float((model.predict(X_test) == y_test).mean()), 'n': 50}",
            {"accuracy"},
        ),
        ("out = {}\nout['recall'] = float((model.predict(X_test) == 1).mean())", {"recall"}),
        ("max_score_threshold = float(model.predict_proba(X_test)[:, 1].max())", set()),
        ("print(f'{(model.predict(X_test) == y_test).mean():.3f}')", set()),
        ("rmse = float(rng.normal())", set()),
    ],
)
def test_a_later_cell_offers_what_it_made_of_the_model(
    kernel: Kernel, code: str, names: set[str]
) -> None:
    """By the code that led to the number; what is not made from the model is not offered."""
    run = only(kernel.trained(FIT))
    assert not kernel.trained(code)
    assert set(offered(kernel, run)) == names


def test_the_training_cell_offers_its_numbers(kernel: Kernel) -> None:
    """They need not be made from the model by name."""
    run = only(kernel.trained(f"{FIT}val_loss = float(rng.random())\nlr = 0.25"))
    assert set(offered(kernel, run)) == {"val_loss"}
    columns = kernel.value("list(__import__('nbmlops').runs().filter(like='val_loss').columns)")
    assert columns == "['candidates.val_loss']"


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (
            "history = {'loss': [], 'val_acc': [], 'lr': []}\n"
            "for part in (X_test, X_train):\n"
            "    history['loss'].append(0.25)\n"
            "    history['val_acc'].append(float(np.mean(model.predict(part) == 1)))\n"
            "    history['lr'].append(0.5)",
            {"loss", "val_acc"},
        ),
        (
            "results = []\nerr = 0.25\n"
            "results.append({'model': 'logit', 'rmse': 0.125, 'mae': 'none', 'n': 3.0})",
            {"err", "rmse"},
        ),
        ("history['val_acc'].append('none')", set()),
    ],
)
def test_what_a_training_cell_collects_is_offered(
    kernel: Kernel, code: str, names: set[str]
) -> None:
    """The latest number under each key that reads as a metric."""
    run = only(kernel.trained(f"{FIT}{code}"))
    assert set(offered(kernel, run)) == names
    if "val_acc" in names:
        latest = kernel.value("history['val_acc'][-1]")
        assert offered(kernel, run)["val_acc"] == float(latest)


def test_what_was_measured_is_not_offered_again(kernel: Kernel) -> None:
    """``acc = accuracy_score(...)`` is one metric, not two."""
    run = only(
        kernel.trained(
            f"{FIT}acc = accuracy_score(y_test, model.predict(X_test))\nscore = model.score(X_test, y_test)"
        )
    )
    assert offered(kernel, run) == {}
    assert {m.name for m in run.metrics} >= {"accuracy_score_X_test"}


def test_two_trainings_share_no_number(kernel: Kernel) -> None:
    """The control: a number that could be either's is nobody's."""
    runs = kernel.trained(f"{FIT}other = LogisticRegression().fit(X_train, y_train)\nmae = 0.25")
    assert [offered(kernel, run) for run in runs] == [{}, {}]


def test_the_best_of_several_is_the_one_s_that_has_it(kernel: Kernel) -> None:
    """Kept under a name of its own in a loop, it is not offered on the loop's last model."""
    runs = kernel.trained(
        "best_score = 0\nfor C in (10.0, 0.0001):\n"
        "    tried = LogisticRegression(C=C).fit(X_train, y_train)\n"
        "    if tried.score(X_test, y_test) > best_score:\n"
        "        best_score, best = tried.score(X_test, y_test), tried\n"
        "mae = float((tried.predict(X_test) != y_test).mean())"
    )
    assert [set(offered(kernel, run)) for run in runs] == [set(), {"mae"}]


def test_a_forecast_is_known_by_its_numbers(kernel: Kernel) -> None:
    """statsmodels hands on another object than its model made."""
    run = only(
        kernel.trained(
            "import pandas as pd\nfrom statsmodels.tsa.holtwinters import ExponentialSmoothing\n"
            "sales = pd.Series(np.arange(60.0) + rng.normal(size=60))\n"
            "smoothed = ExponentialSmoothing(sales[:48], trend='add').fit()\n"
            "other = LogisticRegression().fit(X_train, y_train)\n"
            "forecast = smoothed.forecast(12)"
        )[:1]
    )
    kernel.trained("def off(true, told):\n    return np.mean(np.abs(true - told))")
    kernel.trained("mae_smoothed = off(sales[48:].values, forecast.values)")
    assert set(offered(kernel, run)) == {"mae_smoothed"}


def test_mlflow_keeps_candidates_apart(kernel: Kernel) -> None:
    """In a section of their own, so that they do not pass for measured ones."""
    run = only(kernel.trained(f"{FIT}custom_score = float(rng.random())"))
    store = kernel.store()
    known = store.client.get_run(str(kernel.journal.run(run.id).mlflow_run_id)).data.metrics
    assert "candidate/custom_score" in known
    assert "custom_score" not in known
