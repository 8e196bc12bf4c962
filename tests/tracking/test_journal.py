"""The journal's file: what has changed since, and files of an earlier version."""

from __future__ import annotations

import gc
import pickle
import sqlite3
import sys
import weakref
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from nbmlops.records import Metric, encode, now
from nbmlops.surfaces.wording import told_waiting
from nbmlops.testing import make_run
from nbmlops.tracking import Journal
from nbmlops.tracking.delivery.mlflow_active_run import active_mlflow_run
from nbmlops.tracking.journal import snapshots
from nbmlops.tracking.journal.place import Place
from nbmlops.tracking.journal.snapshots import SNAPSHOT_FILE, SnapshotWriter

from .test_delivery import a_run


def test_changes_name_each_run_once_after_a_number(tmp_path: Path) -> None:
    """A reader learns what is new without reading what it knows; a note of ours is no change."""
    journal = Journal(tmp_path / "journal.db")
    first, second = a_run(), a_run()
    assert journal.changes() == (0, ())
    journal.record(first)
    journal.record(second)
    latest, ids = journal.changes()
    assert ids == (first.id, second.id)
    assert journal.changes(latest) == (latest, ())
    journal.claim(first.id, "here")
    assert journal.changes(latest) == (latest, ())
    for value in (0.1, 0.2):
        journal.add_metric(first.id, Metric(name="auc", value=value, at=now()))
    later, ids = journal.changes(latest)
    assert ids == (first.id,)
    journal.mark_delivered(first.id, Place("m", "1"), revision=3)
    journal.note_problem(second.id, "MLflow sleeps.")
    assert journal.changes(later)[1] == (first.id, second.id)


def test_a_number_of_another_file_means_all_runs(tmp_path: Path) -> None:
    """The journal was deleted and begun anew: its numbers are, too."""
    journal = Journal(tmp_path / "journal.db")
    run = a_run()
    journal.record(run)
    assert journal.changes(since=99)[1] == (run.id,)


def test_a_journal_of_the_first_version_is_continued(tmp_path: Path) -> None:
    """Its runs are there, and count as changed."""
    path = tmp_path / "journal.db"
    run = a_run()
    Journal(path).record(run)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "DROP TRIGGER run_added; DROP TRIGGER run_changed; DROP TABLE changes;"
            "PRAGMA user_version = 1;"
        )
        (stored,) = db.execute("SELECT record FROM runs").fetchone()
        assert stored == encode(run)
    journal = Journal(path)
    assert journal.runs() == [run]
    assert journal.changes()[1] == (run.id,)


def test_a_user_s_own_mlflow_run_is_journaled_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address of the run to join goes to disk; who may enter there does not."""
    mlflow = SimpleNamespace(
        active_run=lambda: SimpleNamespace(info=SimpleNamespace(run_id="theirs")),
        get_tracking_uri=lambda: "https://ada:sesame99@mlflow.example/team",
    )
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    assert active_mlflow_run() == ("https://mlflow.example/team", "theirs")
    monkeypatch.setattr(mlflow, "get_tracking_uri", lambda: "sqlite:////data/mlflow.db")
    assert active_mlflow_run() == ("sqlite:////data/mlflow.db", "theirs")


class Model:
    """It may change."""

    weight = 1


class Unpicklable:
    """It fails as a disk does, but of its own accord."""

    def __reduce__(self) -> str:
        raise OSError("of my own")


def test_a_snapshot_that_the_disk_refuses_waits_and_is_written_as_it_was(tmp_path: Path) -> None:
    """Also when its model was trained anew meanwhile; the model itself is not kept alive."""
    spool = tmp_path / "spool"
    done: dict[str, str | None] = {}
    refused: list[str] = []
    spool.write_text("no folder")
    writer = SnapshotWriter(
        spool, done.__setitem__, lambda error: refused.append(str(error)), lambda *_: None
    )
    model = Model()
    alive = weakref.ref(model)
    writer.write("run-a", {"model": model})
    writer.finish_all()
    model.weight = 2
    del model
    gc.collect()
    assert alive() is None
    writer.retry()
    writer.finish_all()
    assert done == {}
    assert len(refused) == 2
    spool.unlink()
    writer.retry()
    writer.finish_all()
    assert done == {"run-a": None}
    assert pickle.loads((spool / "run-a" / SNAPSHOT_FILE).read_bytes())["model"].weight == 1
    writer.retry()
    writer.finish_all()
    assert done == {"run-a": None}


def test_a_snapshot_that_cannot_wait_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too large for memory, and what is not the disk's fault."""
    spool = tmp_path / "spool"
    done: dict[str, str | None] = {}
    refused: list[str] = []
    spool.write_text("no folder")
    writer = SnapshotWriter(
        spool, done.__setitem__, lambda error: refused.append(str(error)), lambda *_: None
    )
    monkeypatch.setattr(snapshots, "_MOST_KEPT", 10)
    writer.write("run-large", {"model": SimpleNamespace(weight=1)})
    writer.write("run-odd", {"model": Unpicklable()})
    writer.finish_all()
    assert set(done) == {"run-large", "run-odd"}
    assert all(done.values())
    assert refused == []


def test_a_value_of_a_later_cell_comes_after_the_last_step(tmp_path: Path) -> None:
    """MLflow shows the value of the highest step; each later cell has one, however often it runs."""
    journal = Journal(tmp_path / "journal.db")
    run = a_run()
    journal.record(run)

    def measure(value: float, step: int, cell: str) -> None:
        metric = Metric(name="recall", value=value, at=now(), step=step, cell_id=cell)
        later = msgspec.structs.replace(run.cell, cell_id=cell, order=9)
        journal.add_metric(run.id, metric, None if cell == run.cell.cell_id else later)

    for step in range(3):
        measure(step / 10, step, str(run.cell.cell_id))
    measure(0.7, 0, "report")
    measure(0.8, 0, "report")
    measure(0.9, 0, "again")
    told = [(m.step, m.value) for m in journal.run(run.id).metrics if m.name == "recall"]
    assert told == [(0, 0.0), (1, 0.1), (2, 0.2), (3, 0.8), (4, 0.9)]
    journal.add_metric(run.id, Metric(name="mcc", value=0.5, at=now()), run.cell)
    assert journal.run(run.id).metrics[-1].step == 0


def test_what_waits_is_told_by_why_it_does(tmp_path: Path) -> None:
    """A record's own problem, or that MLflow is away; what is delivered does not wait."""
    journal = Journal(tmp_path / "journal.db")
    runs = [make_run(id=f"run-{n}") for n in range(3)]
    for run in runs:
        journal.record(run)
    assert journal.waiting() == {"": ("run-0", "run-1", "run-2")}
    journal.note_problem("run-1", "It cannot be filed.")
    journal.note_outage("MLflow does not answer.")
    assert list(told_waiting(journal.waiting())) == [
        "2 records wait (run-0, run-2): MLflow does not answer.",
        "1 record waits (run-1): It cannot be filed.",
    ]
    journal.mark_delivered("run-0", Place("m", "1", None, "here"), revision=1)
    assert "run-0" not in str(journal.waiting())
