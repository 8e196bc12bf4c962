"""What can happen to a kernel and its disk: the cell goes on, and each record arrives once."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from nbmlops.records import TrackedRun
from nbmlops.settings import load_settings
from nbmlops.tracking import Journal, MlflowStore, deliver_pending
from nbmlops.tracking.delivery.steps import KERNEL_STEPS
from nbmlops.tracking.runs.writer import RunWriter

from .conftest import CLEAN, ROOT, Kernel, Reply
from .test_delivery import a_run, held, models

SETUP = (
    "import os, nbmlops\nfrom sklearn.linear_model import Ridge\n"
    "from sklearn.metrics import r2_score\nX, y = [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]"
)


def alpha(run: TrackedRun) -> object:
    return {p.name: p.value for p in run.parameters}["alpha"]


# kill -9


def test_a_kernel_killed_at_any_step_leaves_each_record_once(tmp_path: Path) -> None:
    """What was journaled is delivered by the next process, and says what the death has cost."""
    (tmp_path / "nbmlops.toml").touch()
    script = Path(__file__).with_name("killed_shells.py")
    environment = {**CLEAN, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path / "ipython")}
    died = subprocess.run(
        [sys.executable, script],
        env={**environment, "NBMLOPS_NOTEBOOK": str(tmp_path / "a.ipynb")},
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert died.returncode == 0, died.stderr[-2000:]
    settings = load_settings(tmp_path, {})
    journal, store = Journal(settings.journal_path), MlflowStore(settings)
    deliver_pending(journal, store)
    assert journal.pending() == []
    runs = {alpha(run): run for run in journal.runs()}
    steps = {number + 1: step for number, step in enumerate(KERNEL_STEPS)}
    unwritten = {"journal", "journal-commit"}
    assert set(runs) == {number for number, step in steps.items() if step not in unwritten}
    for number, run in runs.items():
        (theirs,) = held(store, run)
        cut_off = "The kernel ended before the cell did." in {gap.why for gap in run.gaps}
        assert run.cell.outcome == ("error" if cut_off else "ok")
        assert theirs.info.status == ("FAILED" if cut_off else "FINISHED")
        assert len(models(store, run)) == (1 if run.mlflow_model_uri else 0)
        gaps = {gap.what for gap in run.gaps}
        # A snapshot is written beside the cell, which may be over by then.
        if not steps[number].startswith("snapshot-"):
            assert ("cell" in gaps) == (steps[number] != "cell-ended"), steps[number]
        assert ("model" in gaps) == (run.mlflow_model_uri is None), steps[number]
    for number, step in steps.items():
        if step == "snapshot-noted":
            assert runs[number].mlflow_model_uri
    assert deliver_pending(journal, store) == 0


# The disk


def whole(kernel: Kernel) -> Callable[[], None]:
    """The disk is full: no file may grow."""
    kernel.run("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1, -1))")
    return lambda: kernel.run("resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))") and None


def locked(kernel: Kernel) -> Callable[[], None]:
    """Another process holds the journal."""
    db = sqlite3.connect(kernel.settings.journal_path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    return db.close


def damaged(kernel: Kernel) -> Callable[[], None]:
    """The journal's file was overwritten."""
    path = kernel.settings.journal_path
    deliver_pending(kernel.journal, MlflowStore(kernel.settings))
    moved = path.with_name("aside.db")
    path.rename(moved)
    for tail in ("-wal", "-shm"):
        Path(f"{path}{tail}").unlink(missing_ok=True)
    path.write_bytes(b"this is no journal " * 500)

    def move_away() -> None:
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()

    return move_away


def unwritable(kernel: Kernel) -> Callable[[], None]:
    """The project's folder of ours cannot be used."""
    home = kernel.settings.home
    deliver_pending(kernel.journal, MlflowStore(kernel.settings))
    aside = home.with_name("aside")
    home.rename(aside)
    home.write_text("no folder")

    def back() -> None:
        home.unlink()
        aside.rename(home)

    return back


@contextmanager
def adversity(kernel: Kernel, kind: Callable[[Kernel], Callable[[], None]]) -> Iterator[None]:
    relieve = kind(kernel)
    try:
        yield
    finally:
        relieve()


@pytest.fixture(scope="module")
def tracked(kernel: Kernel) -> Kernel:
    kernel.let_deliver()
    assert kernel.run(SETUP).status == "ok"
    assert kernel.trained("first = Ridge(alpha=0.5).fit(X, y)")
    return kernel


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (whole, "The disk that holds .* is full. Make room"),
        (locked, "held by another process"),
        (damaged, "is damaged .*Move journal.db"),
        (unwritable, "NBMLOPS_ROOT"),
    ],
)
def test_what_the_disk_refuses_is_kept_and_written_when_it_can_be(
    tracked: Kernel, kind: Callable[[Kernel], Callable[[], None]], sentence: str
) -> None:
    """Cells end as ever, one sentence says what is wrong, the card says what waits."""
    known = {run.id for run in tracked.runs()}
    with adversity(tracked, kind):
        first = tracked.run("model = Ridge(alpha=1.5).fit(X, y); print('mine')", cell_id="c")
        assert first.status == "ok", first.error
        assert "mine" in first.text
        told = [line for line in first.text.splitlines() if line.startswith("nbmlops:")]
        assert len([line for line in told if re.search(sentence, line)]) == 1, first.text
        assert len(told) == 1, first.text
        assert "(pending: " in first.bundles[-1]["text/plain"]
        later = tracked.run("score = r2_score(y, model.predict(X))\nnbmlops.metric('profit', 2.0)")
        assert later.status == "ok", later.error
        if kind is whole:  # elsewhere the journal cannot be asked at all, and that is said
            for verb in ("status", "sync"):
                waits = tracked.run(f"%track {verb}").text
                assert "kept in this kernel's memory alone" in waits
                assert re.search(sentence, waits)
        assert "Traceback" not in first.text + later.text
    assert tracked.run("1 + 1").status == "ok"
    (run,) = [run for run in tracked.runs() if run.id not in known]
    assert {m.name for m in run.metrics} >= {"r2_score_X", "profit"}
    tracked.run("%track sync")
    store = MlflowStore(tracked.settings)
    deliver_pending(tracked.journal, store)
    (theirs,) = held(store, run)
    assert theirs.data.metrics.keys() >= {"r2_score_X", "profit"}
    assert len(models(store, run)) == 1, tracked.journal.run(run.id).gaps
    assert len(tracked.trained("again = Ridge(alpha=1.6).fit(X, y)")) == 1


def test_tracking_begins_where_nothing_can_be_written(tmp_path: Path) -> None:
    """%track itself says what is wrong in a sentence, and the notebook goes on."""
    kernel = Kernel(tmp_path)
    try:
        kernel.settings.home.write_text("no folder")
        reply = kernel.run("%load_ext nbmlops\n%track")
        assert reply.status == "ok", reply.error
        told = [line for line in reply.text.splitlines() if line.startswith("nbmlops:")]
        assert len(told) == 1, reply.text
        assert "cannot be written (a file stands in its place). Move that away, or" in told[0]
        reply = kernel.run(f"{SETUP}\nmodel = Ridge(alpha=3).fit(X, y)")
        assert reply.status == "ok"
        assert "nbmlops:" not in reply.text  # it has been said, and whatever fails is the same
        assert "cannot be written (a file stands" in kernel.run("%track status").text
        kernel.settings.home.unlink()
        assert kernel.run("1").status == "ok"
        assert [alpha(run) for run in kernel.runs()] == [3]
        kernel.run("%track sync")
        assert kernel.runs()[0].mlflow_run_id
    finally:
        kernel.close()


# Others


def test_two_kernels_of_one_notebook_at_once(tmp_path: Path) -> None:
    """Their records stand side by side; each is delivered once."""
    notebook = str(tmp_path / "a.ipynb")
    kernels = [Kernel(tmp_path, NBMLOPS_NOTEBOOK=notebook) for _ in range(2)]
    replies: list[Reply] = []

    def work(kernel: Kernel, base: int) -> None:
        replies.append(kernel.run("%load_ext nbmlops\n%track"))
        replies.append(kernel.run(SETUP))
        replies.extend(
            kernel.run(f"m = Ridge(alpha={base + n}).fit(X, y)", cell_id="fit") for n in range(4)
        )
        replies.append(kernel.run("%track sync"))

    try:
        threads = [
            threading.Thread(target=work, args=(kernel, 10 * number))
            for number, kernel in enumerate(kernels)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [reply.status for reply in replies] == ["ok"] * 14, [r.error for r in replies]
        store = MlflowStore(kernels[0].settings)
        deliver_pending(kernels[0].journal, store)
        runs = kernels[0].runs()
        assert sorted(alpha(run) for run in runs) == [0, 1, 2, 3, 10, 11, 12, 13]  # type: ignore[type-var] # numbers
        assert all(len(held(store, run)) == 1 for run in runs)
    finally:
        for kernel in kernels:
            kernel.close()


def test_a_clock_that_is_set_back_does_not_upset_what_came_before(tmp_path: Path) -> None:
    """The previous run of a cell is the one that was journaled before, whatever its clock said."""
    journal = Journal(tmp_path / "journal.db")
    writer = RunWriter(load_settings(tmp_path, {}), journal, lambda error: None, lambda *_: None)
    runs = [a_run() for _ in range(3)]
    for number, run in enumerate(runs):
        early = msgspec.structs.replace(run, started=run.started - timedelta(days=number))
        writer.write(early, open_=False)
    assert writer.previous(runs[2]) == journal.run(runs[1].id)
    assert writer.previous(runs[0]) is None


def test_all_cells_of_a_long_notebook_are_compared_when_it_runs_again(tmp_path: Path) -> None:
    """However many other cells have trained since, as when all of them are run."""
    journal = Journal(tmp_path / "journal.db")
    writer = RunWriter(load_settings(tmp_path, {}), journal, lambda error: None, lambda *_: None)
    runs = []
    for order in range(80):
        run = a_run()
        cell = msgspec.structs.replace(run.cell, cell_id=f"cell-{order % 40}", order=order)
        runs.append(msgspec.structs.replace(run, cell=cell))
        writer.write(runs[-1], open_=False)
    assert [writer.previous(run) for run in runs] == [None] * 40 + runs[:40]


def test_a_record_that_cannot_be_read_holds_back_no_other(tmp_path: Path) -> None:
    """It stays, with its problem noted."""
    journal = Journal(tmp_path / "journal.db")
    runs = [a_run(), a_run()]
    for run in runs:
        journal.record(run)
    with closing(sqlite3.connect(journal.path)) as db, db:
        db.execute("UPDATE runs SET record = 'no json' WHERE id = ?", (runs[0].id,))
    assert [pending.run.id for pending in journal.pending()] == [runs[1].id]
    assert "damaged" in journal.problems()[runs[0].id]
