"""Runs as MLflow and its users see them: tags, parents, tables, and the user's own MLflow beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from nbmlops.records import TrackedRun
from nbmlops.tracking import MlflowStore, deliver_pending

from .conftest import Kernel

SETUP = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, classification_report
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(80, 2)), columns=["a", "b"])
y = (X["a"] > 0).astype(int)
import mlflow
mlflow.set_tracking_uri("{uri}")
mlflow.set_experiment("{experiment}")
"""


@pytest.fixture(scope="module")
def store(kernel: Kernel) -> MlflowStore:
    """MLflow's database made before the kernel asks for it, and the kernel set up to use it."""
    store = MlflowStore(kernel.settings)
    store.open()
    settings = kernel.settings
    reply = kernel.run(SETUP.format(uri=settings.tracking_uri, experiment=settings.experiment))
    assert reply.status == "ok", reply.error
    return store


@pytest.fixture(autouse=True)
def _no_run_left_open(kernel: Kernel) -> Iterator[None]:
    yield
    kernel.run("while mlflow.active_run(): mlflow.end_run()\nmlflow.autolog(disable=True)")


def deliver(kernel: Kernel, store: MlflowStore, runs: list[TrackedRun]) -> list[Run]:
    kernel.run("get_ipython().magics_manager.registry['TrackMagics'].tracker.settle()")
    deliver_pending(kernel.journal, store)
    ids = [kernel.journal.run(run.id).mlflow_run_id for run in runs]
    return [store.client.get_run(str(run_id)) for run_id in ids]


def children(client: MlflowClient, parent: str, experiment: str) -> list[Any]:
    return list(
        client.search_runs([experiment], filter_string=f"tags.mlflow.parentRunId = '{parent}'")
    )


def test_a_cell_that_trains_several_models_is_the_run_above_them(
    kernel: Kernel, store: MlflowStore
) -> None:
    """The parent holds the cell, once, however often it is delivered; the children the models."""
    source = "for c in (1.0, 2.0, 3.0):\n    LogisticRegression(C=c).fit(X, y)"
    runs = kernel.trained(source, cell_id="several")
    theirs = deliver(kernel, store, runs)
    (parent_id,) = {run.data.tags["mlflow.parentRunId"] for run in theirs}
    parent = store.client.get_run(parent_id)
    assert parent.info.run_name == f"analysis [{runs[0].cell.execution_count}]"
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["nbmlops.cell_id"] == "several"
    assert source in parent.data.tags["mlflow.note.content"]
    folder = store.client.download_artifacts(parent_id, "nbmlops")
    assert Path(folder, "cell.py").read_text() == source
    kernel.journal.change(runs[1].id, lambda run: msgspec.structs.replace(run, name="again"))
    deliver(kernel, store, runs)
    assert len(children(store.client, parent_id, parent.info.experiment_id)) == 3
    assert store.find(limit=100)  # the parent is no training, and not read as one
    (alone,) = deliver(kernel, store, kernel.trained("LogisticRegression(C=4.0).fit(X, y)"))
    assert "mlflow.parentRunId" not in alone.data.tags


def test_tables_are_artifacts(kernel: Kernel, store: MlflowStore) -> None:
    """As CSV, which MLflow shows as a table."""
    runs = kernel.trained(
        "model = LogisticRegression(C=0.3).fit(X, y)\n"
        "print(classification_report(y, model.predict(X)))"
    )
    (theirs,) = deliver(kernel, store, runs)
    folder = store.client.download_artifacts(theirs.info.run_id, "nbmlops")
    text = Path(folder, "tables", "classification_report_X.csv").read_text()
    assert set(text.splitlines()[0].split(",")) == {
        "label", "precision", "recall", "f1-score", "support",
    }  # fmt: skip


def test_the_models_own_page_shows_what_the_run_does(kernel: Kernel, store: MlflowStore) -> None:
    """Parameters and metrics, each once however often it is delivered; later ones, too."""
    runs = kernel.trained(
        "model = LogisticRegression(C=0.25).fit(X, y)\naccuracy_score(y, model.predict(X))"
    )
    deliver(kernel, store, runs)
    kernel.run(f"import nbmlops\nnbmlops.metric('profit', 12.5, run_id='{runs[0].id}')")
    deliver(kernel, store, runs)
    run = kernel.journal.run(runs[0].id)
    model = store.client.get_logged_model(str(run.mlflow_model_uri).rpartition("/")[2])
    assert model.params["C"] == "0.25"
    assert len(model.params) == len(run.parameters)
    told = sorted((metric.key, metric.dataset_name) for metric in model.metrics)
    assert told == [("accuracy_score_X", "X"), ("profit", None)]
    (digest,) = {i.fingerprint.digest for i in run.inputs if i.name == "X"}
    assert {metric.dataset_digest for metric in model.metrics} == {digest[:36], None}


def test_the_tags_of_the_contract(kernel: Kernel, store: MlflowStore) -> None:
    """All of them, and MLflow's own that its views go by."""
    runs = kernel.trained("LogisticRegression(C=0.4).fit(X, y)", cell_id="tags")
    (theirs,) = deliver(kernel, store, runs)
    tags, run = theirs.data.tags, runs[0]
    assert {
        "nbmlops.kind": "training",
        "nbmlops.model": "sklearn.linear_model.LogisticRegression",
        "nbmlops.notebook": "analysis.ipynb",
        "nbmlops.cell_id": "tags",
        "nbmlops.cell_digest": run.cell.source_digest,
        "nbmlops.execution_count": str(run.cell.execution_count),
        "nbmlops.data_digest": run.data_digest,
        "nbmlops.completeness": f"{run.completeness:.2f}",
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.name": "analysis.ipynb",
    }.items() <= tags.items()


def test_in_a_users_run_the_first_model_joins_and_the_next_stand_below(
    kernel: Kernel, store: MlflowStore
) -> None:
    """What the user logs stays his; no model overwrites another's numbers."""
    runs = kernel.trained(
        "with mlflow.start_run(run_name='mine') as mine:\n"
        "    mlflow.log_param('C', 'as I say')\n"
        "    mlflow.log_metric('own', 1.5)\n"
        "    first = LogisticRegression(C=5.0).fit(X, y)\n"
        "    second = LogisticRegression(C=6.0).fit(X, y)\n"
        "print(mine.info.run_id)"
    )
    first, second = deliver(kernel, store, runs)
    mine = kernel.value("mine.info.run_id")
    assert first.info.run_id == mine
    assert first.info.run_name == "mine"
    assert first.data.params["C"] == "as I say"
    assert first.data.metrics["own"] == 1.5
    assert first.data.tags["nbmlops.run_id"] == runs[0].id
    assert second.info.run_id != mine
    assert second.data.tags["mlflow.parentRunId"] == mine
    assert second.data.params["C"] == "6.0"
    kernel.run("accuracy_score(y, second.predict(X))")
    assert deliver(kernel, store, runs)[1].info.run_id == second.info.run_id


def test_nested_runs_of_the_user_each_take_their_model(kernel: Kernel, store: MlflowStore) -> None:
    """The innermost active run is the one that is joined."""
    runs = kernel.trained(
        "ids = []\n"
        "with mlflow.start_run(run_name='outer'):\n"
        "    for c in (7.0, 8.0):\n"
        "        with mlflow.start_run(nested=True) as inner:\n"
        "            ids.append(inner.info.run_id)\n"
        "            LogisticRegression(C=c).fit(X, y)"
    )
    theirs = deliver(kernel, store, runs)
    assert [run.info.run_id for run in theirs] == kernel.value("*ids").split()
    assert [run.data.params["C"] for run in theirs] == ["7.0", "8.0"]


def test_autologging_beside_it_fails_nothing_and_conflicts_with_nothing(
    kernel: Kernel, store: MlflowStore
) -> None:
    """Both record; a parameter stands once, as whoever came first has written it."""
    reply = kernel.run("mlflow.sklearn.autolog(silent=True, log_models=False)")
    assert reply.status == "ok", reply.error
    runs = kernel.trained("LogisticRegression(C=9.0).fit(X, y)\nmlflow.flush_async_logging()")
    (theirs,) = deliver(kernel, store, runs)
    assert theirs.data.params["C"] == "9.0"
    assert theirs.info.status == "FINISHED"
    runs = kernel.trained(
        "with mlflow.start_run() as both:\n    LogisticRegression(C=10.0).fit(X, y)"
    )
    (theirs,) = deliver(kernel, store, runs)
    assert theirs.info.run_id == kernel.value("both.info.run_id")
    assert theirs.data.params["C"] in ("10.0", "10")
    assert "training_accuracy_score" in theirs.data.metrics
    assert not kernel.journal.problems()
