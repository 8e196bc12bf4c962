"""Training cells in a real kernel: what is found, and what each run holds."""

from __future__ import annotations

import pytest

from nbmlops.data import fingerprint

from .conftest import Kernel
from .run_facts import TWO_CLASSES, metrics, only, told


@pytest.fixture(scope="module", autouse=True)
def _data(kernel: Kernel) -> None:
    assert not kernel.trained(TWO_CLASSES)


def test_a_fit_is_one_run_with_parameters_data_and_cell(kernel: Kernel) -> None:
    """The plain case, whole."""
    code = "model = LogisticRegression(C=0.5).fit(X_train, y_train)"
    run = only(kernel.trained(code, cell_id="cell-1"))
    assert run.model_class == "sklearn.linear_model.LogisticRegression"
    assert told(run) == {"C": 0.5}
    assert any(p.name == "max_iter" and p.is_default for p in run.parameters)
    assert [(i.role, i.name) for i in run.inputs] == [("X", "X_train"), ("y", "y_train")]
    assert [i.fingerprint.rows for i in run.inputs] == [200, 200]
    assert run.cell.source == code
    assert run.cell.cell_id == "cell-1"
    assert run.notebook == "analysis.ipynb"
    assert run.gaps == ()
    assert run.completeness == 1.0
    assert run.environment.packages["scikit-learn"]
    assert [c.source for c in run.cells] == [TWO_CLASSES, code]


def test_the_digest_is_that_of_the_data_itself(kernel: Kernel) -> None:
    """What the record says was trained on is what `fingerprint` says of the same content."""
    import numpy as np
    import pandas as pd

    run = only(kernel.trained("LogisticRegression().fit(X_train, y_train)"))
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=["a", "b", "c"])
    assert run.inputs[0].fingerprint.digest == fingerprint(table).digest
    other = only(kernel.trained("LogisticRegression().fit(X_train + 1, y_train)"))
    assert other.inputs[0].fingerprint.digest != run.inputs[0].fingerprint.digest
    assert other.data_digest != run.data_digest


def test_a_pipeline_is_one_training_and_a_transformer_none(kernel: Kernel) -> None:
    """Steps are inside the pipeline's training; a scaler alone is preparation."""
    run = only(
        kernel.trained(
            "from sklearn.pipeline import make_pipeline\n"
            "from sklearn.preprocessing import StandardScaler\n"
            "pipe = make_pipeline(StandardScaler(), LogisticRegression(C=2)).fit(X_train, y_train)"
        )
    )
    assert run.model_class == "sklearn.pipeline.Pipeline"
    assert told(run)["logisticregression__C"] == 2
    assert not kernel.trained("scaled = StandardScaler().fit_transform(X_train)")


def test_a_search_is_one_training_with_its_candidates(kernel: Kernel) -> None:
    """A grid search tells its best parameters, its score and every candidate."""
    run = only(
        kernel.trained(
            "from sklearn.model_selection import GridSearchCV\n"
            "grid = GridSearchCV(LogisticRegression(), {'C': [0.1, 1.0]}, cv=3)\n"
            "grid.fit(X_train, y_train)"
        )
    )
    assert run.model_class.endswith("GridSearchCV")
    assert told(run)["best_C"] in (0.1, 1.0)
    assert [row["param_C"] for row in run.tables["candidates"]] == [0.1, 1.0]
    kernel.run("accuracy_score(y_test, grid.best_estimator_.predict(X_test))")
    assert set(metrics(kernel, run)) == {"best_cv_score", "accuracy_score_X_test"}


def test_cross_validation_is_one_training(kernel: Kernel) -> None:
    """The folds are inside it, with two workers as with one."""
    code = (
        "from sklearn.model_selection import cross_val_score, cross_validate\n"
        "scores = cross_val_score(LogisticRegression(), X_train, y_train, cv=3, n_jobs={})"
    )
    for jobs in (1, 2):
        run = only(kernel.trained(code.format(jobs)))
        assert run.kind == "cross-validation"
        assert run.model_class == "sklearn.linear_model.LogisticRegression"
        expected = float(kernel.value("scores.mean()"))
        assert metrics(kernel, run)["score_cv_mean"] == pytest.approx(expected)
    run = only(
        kernel.trained(
            "cross_validate(LogisticRegression(), X_train, y_train, scoring=['f1', 'accuracy'])"
        )
    )
    assert {"f1_cv_mean", "accuracy_cv_mean"} <= set(metrics(kernel, run))
    assert len(run.tables["folds"]) == 5


def test_own_classes_count_like_a_librarys(kernel: Kernel) -> None:
    """A class that subclasses nothing, defined and trained in one cell."""
    run = only(
        kernel.trained(
            "class Mean:\n"
            "    def __init__(self, shrink=0.0, extra=1):\n"
            "        self.shrink, self.extra = shrink, extra\n"
            "    def fit(self, X, y, epochs=3):\n"
            "        LogisticRegression().fit(X, y)\n"
            "        self.mean_ = float(np.mean(y)) * (1 - self.shrink)\n"
            "        return self\n"
            "    def predict(self, X):\n"
            "        return np.full(len(X), round(self.mean_))\n"
            "mean = Mean(shrink=0.1).fit(X_train, y_train, epochs=5)"
        )
    )
    assert run.model_class == "__main__.Mean"
    assert told(run) == {"shrink": 0.1, "epochs": 5}
    assert [i.name for i in run.inputs] == ["X_train", "y_train"]
    kernel.run("accuracy_score(y_test, mean.predict(X_test))")
    assert "accuracy_score_X_test" in metrics(kernel, run)


def test_partial_fits_in_a_loop_are_one_training(kernel: Kernel) -> None:
    """One run, on the whole table that the batches were cut from."""
    run = only(
        kernel.trained(
            "from sklearn.linear_model import SGDClassifier\n"
            "sgd = SGDClassifier(random_state=0)\n"
            "for start in range(0, 200, 50):\n"
            "    stop = start + 50\n"
            "    sgd.partial_fit(X_train[start:stop], y_train[start:stop], classes=[0, 1])"
        )
    )
    assert [(i.name, i.fingerprint.rows) for i in run.inputs][:2] == [
        ("X_train", 200), ("y_train", 200),
    ]  # fmt: skip


def test_trainings_in_functions_loops_and_threads_are_found(kernel: Kernel) -> None:
    """One run per trained model, joined by a parent."""
    runs = kernel.trained(
        "models = [LogisticRegression(C=c).fit(X_train, y_train) for c in (1, 2, 3)]"
    )
    assert [told(r).get("C", 1.0) for r in runs] == [1.0, 2, 3]
    assert len({r.parent_id for r in runs}) == 1
    assert runs[0].parent_id is not None
    runs = kernel.trained(
        "from joblib import Parallel, delayed\n"
        "def train(c):\n    return LogisticRegression(C=c).fit(X_train, y_train)\n"
        "_ = Parallel(n_jobs=2, backend='threading')(delayed(train)(c) for c in (1.5, 2.5))"
    )
    assert sorted(told(r)["C"] for r in runs) == [1.5, 2.5]
    run = only(
        kernel.trained(
            "import asyncio\nawait asyncio.sleep(0)\n"
            "late = LogisticRegression(C=7).fit(X_train, y_train)"
        )
    )
    assert told(run) == {"C": 7}
    (kernel.project / "helpers_local.py").write_text(
        "from sklearn.linear_model import Ridge\n"
        "def build(table, target):\n    return Ridge(alpha=3).fit(table, target)\n"
    )
    run = only(kernel.trained("import helpers_local\nhelpers_local.build(X_train, y_train)"))
    assert [i.name for i in run.inputs] == ["X_train", "y_train"]
    assert list(run.environment.local_modules) == ["helpers_local.py"]


def test_a_training_that_raises_leaves_no_run_and_the_next_one_does(kernel: Kernel) -> None:
    """The user's error comes through as it is."""
    before = len(kernel.runs())
    reply = kernel.run("LogisticRegression().fit(X_train, y_train[:5])")
    assert "inconsistent numbers of samples" in reply.error
    assert len(kernel.runs()) == before
    assert len(kernel.trained("LogisticRegression().fit(X_train, y_train)")) == 1


def test_a_cell_is_known_by_the_number_beside_it(kernel: Kernel) -> None:
    """In[7] is 7 on the record, whether IPython counts on before a cell or after it."""
    reply = kernel.run("LogisticRegression(C=7).fit(X_train, y_train)\nprint(len(In) - 1)")
    assert reply.status == "ok", reply.error
    run = kernel.runs()[-1]
    assert run.cell.execution_count == int(reply.text)
    assert run.cells[-1].execution_count == int(reply.text)


def test_the_card_stands_below_the_output_and_is_updated(kernel: Kernel) -> None:
    """Four lines at most, with the record; a later metric changes the same card."""
    reply = kernel.run("print('mine')\nmodel = LogisticRegression().fit(X_train, y_train)")
    # MLflow may have taken the run before the cell is told to have ended.
    assert [kind for kind in reply.order if kind != "update_display_data"][-1] == "display_data"
    card = reply.bundles[-1]
    assert len(card["text/plain"].splitlines()) <= 4
    assert card["application/vnd.nbmlops.run+json"]["model_class"].endswith("LogisticRegression")
    reply = kernel.run("accuracy_score(y_test, model.predict(X_test))")
    assert "accuracy_score_X_test" in reply.updates[-1]["text/html"]


def test_an_instrument_that_fails_harms_nothing_and_says_so_once(kernel: Kernel) -> None:
    """A model whose own methods raise is trained all the same; the record tells."""
    reply = kernel.run(
        "class Nasty:\n"
        "    def __init__(self, c=1): self.c = c\n"
        "    def get_params(self, deep=True): raise RuntimeError('no')\n"
        "    def __repr__(self): raise RuntimeError('no')\n"
        "    def fit(self, X, y): self.done_ = True; return self\n"
        "nasty = Nasty(); nasty.fit(X_train, y_train); print(nasty.done_)"
    )
    assert reply.status == "ok", reply.error
    assert "True" in reply.text
    run = kernel.runs()[-1]
    assert run.model_class == "__main__.Nasty"
    assert [g.what for g in run.gaps] == ["parameters"]
    assert run.completeness < 1


def test_secrets_are_hidden_before_anything_is_written(kernel: Kernel) -> None:
    """By name and by pattern; neither the journal nor MLflow's folder holds them."""
    runs = kernel.trained(
        "api_key = 'zq81-very-secret'\ntoken = 'ghp_" + "a1B2" * 10 + "'\n"
        "class Remote:\n"
        "    def __init__(self, password='x', url=''): self.password, self.url = password, url\n"
        "    def fit(self, X, y): return self\n"
        "remote = Remote(password='hunter2hunter2', url='postgres://me:sesame99@host/db')\n"
        "remote.fit(X_train, y_train)"
    )
    run = only(runs)
    assert run.redacted
    assert "«redacted»" in run.cell.source
    kernel.store()
    for path in kernel.settings.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in (b"zq81-very-secret", b"ghp_a1B2", b"hunter2hunter2", b"sesame99"):
                assert secret not in content, path


def test_the_runs_are_ordinary_mlflow_runs(kernel: Kernel) -> None:
    """Parameters, metrics, inputs, tags, artifacts and a model that loads and predicts."""
    import mlflow
    import pandas as pd

    run = only(kernel.trained("model = LogisticRegression(C=9).fit(X_train, y_train)"))
    kernel.run("accuracy_score(y_test, model.predict(X_test))")
    store = kernel.store()
    delivered = kernel.journal.run(run.id)
    theirs = store.client.get_run(delivered.mlflow_run_id)
    assert theirs.info.status == "FINISHED"
    assert theirs.data.params["C"] == "9"
    assert set(theirs.data.metrics) == {"accuracy_score_X_test"}
    assert theirs.data.tags["nbmlops.kind"] == "training"
    assert theirs.data.tags["nbmlops.data_digest"] == run.data_digest
    assert {i.dataset.name for i in theirs.inputs.dataset_inputs} == {"X_train", "y_train"}
    assert store.load(run.id) == delivered
    mlflow.set_tracking_uri(kernel.settings.tracking_uri)
    model = mlflow.pyfunc.load_model(delivered.mlflow_model_uri)
    answer = model.predict(pd.DataFrame({"a": [5.0, -5.0], "b": [0.0, 0.0], "c": [0.0, 0.0]}))
    assert list(answer) == [1, 0]


def test_past_fifty_trainings_the_rest_are_rows(kernel: Kernel) -> None:
    """Summarised, never dropped. Last in this file, for nothing waits for their delivery."""
    runs = kernel.trained(
        "for n in range(60):\n    LogisticRegression(C=n + 1).fit(X_train, y_train)"
    )
    assert len(runs) == 50
    rows = runs[0].tables["trainings"]
    assert [row["C"] for row in rows] == list(range(51, 61))


def test_a_run_is_compared_with_the_execution_before_never_with_its_siblings(
    kernel: Kernel,
) -> None:
    """Three trainings of a cell, run again: each card says what has changed at its own place."""
    code = "for C in ({}):\n    LogisticRegression(C=C).fit(X_train, y_train)"
    first, again, edited = (
        [
            bundle["text/plain"].splitlines()[1].partition("changed: ")[2]
            for bundle in kernel.run(code.format(values), cell_id="loop").bundles
        ]
        for values in ("0.1, 1.0, 10.0", "0.1, 1.0, 10.0", "0.1, 2.0, 30.0, 40.0")
    )
    assert first == ["", "", ""]
    assert again == ["nothing"] * 3
    assert edited == [
        "code",
        "code, C 1.0 → 2.0",
        "code, C 10.0 → 30.0",
        "code, C 10.0 → 40.0",
    ]
    # Of more than four only the last has a card; it stands beside the last of as many, too.
    (many,) = kernel.run(code.format("1, 2, 3, 4, 5"), cell_id="many").bundles
    assert "changed" not in many["text/plain"]
    (later,) = kernel.run(code.format("1, 2, 3, 4, 6"), cell_id="many").bundles
    assert "changed: code, C 5 → 6" in later["text/plain"]


def test_a_loop_that_is_edited_and_run_again_rests_on_nothing_of_its_earlier_self(
    kernel: Kernel,
) -> None:
    """What a loop's body binds and then uses is its own; what it uses first is from before."""
    code = "for C in {}:\n    fresh = LogisticRegression(C=C)\n    fresh.fit(X_train, y_train)"
    kernel.run(code.format("(0.1,)"), cell_id="own")
    (run,) = kernel.trained(code.format("(0.2,)"), cell_id="own")
    assert [c.source for c in run.cells] == [TWO_CLASSES, run.cell.source]
    assert run.stale == ()
    kernel.run("kept = LogisticRegression(warm_start=True)")
    (run,) = kernel.trained("for C in (0.3,):\n    kept.fit(X_train, y_train)\n    kept = kept")
    assert "kept = LogisticRegression(warm_start=True)" in [c.source for c in run.cells]
