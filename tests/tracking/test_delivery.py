"""Delivery to a real MLflow: exactly once, whatever dies at whatever step."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LinearRegression

from nbmlops.errors import Ambiguous, StoreUnreachable
from nbmlops.records import (
    CellRecord,
    DataInput,
    Environment,
    Fingerprint,
    Metric,
    Parameter,
    TrackedRun,
    new_id,
    now,
)
from nbmlops.settings import Settings, load_settings
from nbmlops.steps import FAULT
from nbmlops.tracking import Journal, MlflowStore, deliver_pending
from nbmlops.tracking.delivery.mlflow_cells import CELL_TAG
from nbmlops.tracking.delivery.steps import DELIVERY_STEPS
from nbmlops.tracking.journal.sessions import Session
from nbmlops.tracking.journal.snapshots import write_snapshot

from .conftest import CLEAN, ROOT, Kernel


def a_run(**changes: object) -> TrackedRun:
    cell = CellRecord(
        cell_id="a", source="model.fit(X)", source_digest="d", execution_count=1, order=1,
        started=now(), duration=0.5, outcome="ok",
    )  # fmt: skip
    values: dict[str, object] = {
        "id": new_id("run"), "name": "LinearRegression", "author": "ada", "notebook": "a.ipynb",
        "started": now(), "duration": 0.5, "model_class": "sklearn.LinearRegression", "cell": cell,
        "cells": (cell,), "environment": Environment(python="3.11", platform="x"),
        "parameters": (Parameter(name="alpha", value="1" * 10_000, is_default=False),),
        "metrics": (Metric(name="r2 of/the (test)", value=0.5, at=now()),),
        "inputs": (
            DataInput(role="X", name="X", fingerprint=Fingerprint(kind="table", digest="a" * 64)),
        ),
    }  # fmt: skip
    return TrackedRun(**{**values, **changes})  # type: ignore[arg-type] # each by its name


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    project = tmp_path_factory.mktemp("project")
    (project / "nbmlops.toml").touch()
    return load_settings(project, {})


@pytest.fixture(scope="module")
def store(settings: Settings) -> MlflowStore:
    store = MlflowStore(settings)
    store.open()
    return store


def journaled(settings: Settings) -> TrackedRun:
    """One of several runs of a cell, so that every step of its delivery is taken."""
    run = a_run(parent_id=new_id("cell"))
    model = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])
    write_snapshot(settings.spool / run.id, {"model": model, "sample": None})
    Journal(settings.journal_path).record(run, model="saved")
    return run


def held(store: MlflowStore, run: TrackedRun) -> list[Any]:
    query = f"tags.`nbmlops.run_id` = '{run.id}'"
    return list(store.client.search_runs([store.experiment_id], filter_string=query))


def models(store: MlflowStore, run: TrackedRun) -> list[Any]:
    query = f"tags.`nbmlops.run_id` = '{run.id}'"
    return list(store.client.search_logged_models([store.experiment_id], filter_string=query))


class Died(BaseException):
    """Ends a delivery where it stands; no handler of ours catches it."""


@pytest.mark.parametrize("step", DELIVERY_STEPS)
def test_a_delivery_that_dies_at_any_step_is_done_exactly_once(
    settings: Settings, store: MlflowStore, step: str
) -> None:
    """The next one leaves one MLflow run with one model and one metric."""
    run = journaled(settings)
    journal = Journal(settings.journal_path)

    def die(name: str) -> None:
        if name == step:
            raise Died

    with pytest.raises(Died):
        deliver_pending(journal, store, step=die)
    deliver_pending(journal, store)
    assert_delivered_once(settings, store, run)


@pytest.mark.parametrize("step", ["create", "cell-run-made", "artifacts"])
def test_a_deliverer_process_that_is_killed_delivers_exactly_once(
    settings: Settings, store: MlflowStore, step: str
) -> None:
    """The same with a process that ends without any cleaning up; its lock dies with it."""
    run = journaled(settings)
    died = subprocess.run(
        [sys.executable, "-m", "nbmlops.tracking.delivery.deliverer"],
        env={**CLEAN, "PYTHONPATH": str(ROOT), "NBMLOPS_ROOT": str(settings.root), FAULT: step},
        cwd=settings.root,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    deliver_pending(Journal(settings.journal_path), store)
    assert_delivered_once(settings, store, run)


def assert_delivered_once(settings: Settings, store: MlflowStore, run: TrackedRun) -> None:
    journal = Journal(settings.journal_path)
    assert journal.pending() == []
    (one,) = held(store, run)
    assert one.info.status == "FINISHED"
    (name,) = one.data.metrics
    assert len(store.client.get_metric_history(one.info.run_id, name)) == 1
    assert len(one.inputs.dataset_inputs) == 1
    assert len(models(store, run)) == 1
    query = f"tags.`{CELL_TAG}` = '{run.parent_id}'"
    (above,) = store.client.search_runs([store.experiment_id], filter_string=query)
    assert above.info.status == "FINISHED"
    assert one.data.tags["mlflow.parentRunId"] == above.info.run_id
    (file,) = store.client.list_artifacts(above.info.run_id, "nbmlops")
    assert file.path == "nbmlops/cell.py"
    assert store.load(run.id) == journal.run(run.id)
    assert deliver_pending(journal, store) == 0


def made_by_hand(store: MlflowStore, tags: dict[str, str]) -> str:
    """A run of somebody else's, begun long before."""
    made = store.client.create_run(store.experiment_id, start_time=1, tags=tags)
    return str(made.info.run_id)


@pytest.mark.parametrize("step", ["create", "create-made", "log", "create-model", "log-model"])
def test_what_others_tag_with_our_ids_is_neither_taken_nor_deleted(
    settings: Settings, store: MlflowStore, step: str
) -> None:
    """Whenever it turns up, and whatever it copies; the genuine run and model come whole."""
    run, client = journaled(settings), store.client
    before = made_by_hand(store, {"nbmlops.run_id": run.id, "nbmlops.kind": run.kind})
    above = made_by_hand(store, {CELL_TAG: str(run.parent_id)})

    def die(name: str) -> None:
        if name == step:
            raise Died

    journal = Journal(settings.journal_path)
    with pytest.raises(Died):
        deliver_pending(journal, store, step=die)
    known = [theirs for theirs in held(store, run) if theirs.info.run_id != before]
    copied = made_by_hand(store, known[0].data.tags if known else {"nbmlops.run_id": run.id})
    client.log_metric(copied, "r2", 1.0)
    model = client.create_logged_model(
        store.experiment_id, name="theirs", tags={"nbmlops.run_id": run.id}
    )
    deliver_pending(journal, store)
    assert journal.pending() == []
    genuine = journal.run(run.id)
    assert {theirs.info.run_id for theirs in held(store, run)} == {
        before, copied, genuine.mlflow_run_id,
    }  # fmt: skip
    assert client.get_run(str(genuine.mlflow_run_id)).info.status == "FINISHED"
    assert client.get_run(before).info.status == client.get_run(above).info.status == "RUNNING"
    assert client.get_run(copied).data.metrics == {"r2": 1.0}
    assert {m.model_id for m in models(store, run)} == {
        model.model_id, str(genuine.mlflow_model_uri).rpartition("/")[2],
    }  # fmt: skip
    with pytest.raises(Ambiguous, match="3 runs"):
        store.load(run.id)
    assert store.load(str(genuine.mlflow_run_id)) == genuine


@pytest.mark.parametrize("step", ["create-made", "cell-run-made"])
def test_what_a_lost_answer_left_twice_is_removed(
    settings: Settings, store: MlflowStore, step: str
) -> None:
    """The control: the same request, heard twice while its answer was lost."""
    run = journaled(settings)

    def heard_twice(name: str) -> None:
        if name == step:
            tag, value = (CELL_TAG, run.parent_id) if "cell" in step else ("nbmlops.run_id", run.id)
            query = f"tags.`{tag}` = '{value}'"
            (made,) = store.client.search_runs([store.experiment_id], filter_string=query)
            store.client.create_run(store.experiment_id, made.info.start_time, made.data.tags)
            raise Died

    with pytest.raises(Died):
        deliver_pending(Journal(settings.journal_path), store, step=heard_twice)
    deliver_pending(Journal(settings.journal_path), store)
    assert_delivered_once(settings, store, run)


def test_two_deliverers_at_once_deliver_once(settings: Settings, store: MlflowStore) -> None:
    """The second waits for the first and finds nothing to do."""
    run = journaled(settings)
    counts = []

    def deliver() -> None:
        counts.append(deliver_pending(Journal(settings.journal_path), MlflowStore(settings)))

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 1]
    assert len(held(store, run)) == 1


def test_what_is_written_during_delivery_stays_pending(
    settings: Settings, store: MlflowStore
) -> None:
    """A metric that comes while its run is on its way is delivered next."""
    run = journaled(settings)
    journal = Journal(settings.journal_path)

    def meanwhile(step: str) -> None:
        if step == "artifacts":
            Journal(settings.journal_path).add_metric(
                run.id, Metric(name="late", value=1.0, at=now())
            )

    assert deliver_pending(journal, store, step=meanwhile) == 1
    assert [p.run.id for p in journal.pending()] == [run.id]
    assert deliver_pending(journal, store) == 1
    assert "late" in held(store, run)[0].data.metrics


def test_a_model_that_cannot_be_filed_is_a_gap_and_the_run_arrives(
    settings: Settings, store: MlflowStore
) -> None:
    """A damaged snapshot costs the model, not the record."""
    run = journaled(settings)
    (settings.spool / run.id / "model.pickle").write_bytes(b"not a pickle")
    journal = Journal(settings.journal_path)
    assert deliver_pending(journal, store) == 1
    delivered = journal.run(run.id)
    assert delivered.mlflow_run_id
    assert [g.what for g in delivered.gaps] == ["model"]


def test_a_running_cell_waits_and_a_dead_kernels_is_delivered(
    settings: Settings, store: MlflowStore
) -> None:
    """An open run belongs to its session; when that is gone, it is delivered with the gap said."""
    session = Session(settings.home)
    journal = Journal(settings.journal_path)
    run = a_run()
    journal.record(run, session=session.id, open_=True, model="saving")
    assert deliver_pending(journal, store) == 0
    session.close()
    assert deliver_pending(journal, store) == 1
    assert {g.what for g in journal.run(run.id).gaps} == {"cell", "model"}


def test_an_mlflow_that_is_down_keeps_records_and_delivers_them_later(
    tmp_path: Path, settings: Settings, store: MlflowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost, the problem is noted, and the sentence names the way out."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    run = journaled(settings)
    journal = Journal(settings.journal_path)
    away = MlflowStore(load_settings(settings.root, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}))
    with pytest.raises(StoreUnreachable, match="does not answer"):
        deliver_pending(journal, away)
    assert run.id in journal.problems()
    assert deliver_pending(journal, store) == 1
    assert len(held(store, run)) == 1
    assert journal.problems() == {}


def test_a_killed_kernels_records_are_delivered_exactly_once(tmp_path: Path) -> None:
    """kill -9 in the middle of a cell that has trained; then the next start delivers."""
    kernel = Kernel(tmp_path)
    try:
        kernel.start_tracking()
        kernel.trained(
            "from sklearn.linear_model import Ridge\nX, y = [[1.0], [2.0]], [1.0, 2.0]\n"
            "first = Ridge(alpha=1).fit(X, y)"
        )
        kernel.client.execute(
            "Ridge(alpha=2).fit(X, y)\nimport os, signal\nos.kill(os.getpid(), 9)"
        )
        kernel.manager.provisioner.process.wait(timeout=60)
    finally:
        kernel.client.stop_channels()
        kernel.manager.cleanup_resources()
    store = MlflowStore(kernel.settings)
    deliver_pending(kernel.journal, store)
    runs = kernel.runs()
    assert [{p.name: p.value for p in r.parameters}["alpha"] for r in runs] == [1, 2]
    assert all(len(held(store, run)) == 1 for run in runs)
    assert "cell" in {g.what for g in runs[1].gaps}
    assert runs[0].mlflow_model_uri
