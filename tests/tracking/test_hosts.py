"""One notebook, three hosts: JupyterLab's kernel, papermill and plain IPython leave one record."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbmlops.records import TrackedRun
from nbmlops.settings import load_settings
from nbmlops.tracking import Journal

from .conftest import CLEAN, ROOT, Kernel

CELLS = {
    # What is captured is compared, not how it is delivered: nobody delivers.
    "alone": "from nbmlops.tracking.delivery.courier import Courier\n"
    "Courier.wake = Courier.finish = lambda *_: None",
    "start": "%load_ext nbmlops\n%track",
    "imports": "import numpy as np, pandas as pd\nfrom sklearn.linear_model import Ridge\n"
    "from sklearn.metrics import r2_score\nfrom sklearn.model_selection import GridSearchCV",
    "load": "frame = pd.read_csv('data.csv')\nX, y = frame[['a', 'b']], frame['y']",
    "split": "rng = np.random.default_rng(7)\norder = rng.permutation(len(X))\n"
    "X_train, X_test = X.iloc[order[:60]], X.iloc[order[60:]]\n"
    "y_train, y_test = y.iloc[order[:60]], y.iloc[order[60:]]",
    "aside": "print('no part of any model')",
    "fit": "model = Ridge(alpha=0.5).fit(X_train, y_train)",
    "score": "r2 = r2_score(y_test, model.predict(X_test))",
    "search": "search = GridSearchCV(Ridge(), {'alpha': [0.1, 1.0]}, cv=3).fit(X_train, y_train)",
    "by_hand": "A, b = X_train.to_numpy(), y_train.to_numpy()\nw, lr = np.zeros(2), 0.1\n"
    "for epoch in range(50):\n    w -= lr * A.T @ (A @ w - b) / len(b)",
}
PLAIN = """
import json, sys
from IPython.terminal.interactiveshell import TerminalInteractiveShell
shell = TerminalInteractiveShell.instance()
for cell in json.load(open("cells.json")):
    shell.run_cell(cell, store_history=True).raise_error()
shell.magics_manager.registry["TrackMagics"].tracker.settle()
"""
# What a record says of its host and of the time, and what one host alone tells.
OF_THE_HOST = {
    "id", "notebook", "started", "duration", "parent_id", "environment", "peak_memory", "gaps",
    "completeness", "outputs", "tables", "notebook_digest", "cell", "cells", "metric_cells", "metrics",
    "mlflow_run_id", "mlflow_experiment_id", "mlflow_model_uri", "mlflow_tracking_uri",
}  # fmt: skip
OF_THE_CELL = {"cell_id", "started", "duration"}
OF_THE_METRIC = {"cell_id", "at"}


def project(folder: Path) -> Path:
    """A project with data and the notebook."""
    folder.mkdir()
    (folder / "nbmlops.toml").touch()
    rows = [f"{n % 7},{n % 5},{2 * (n % 7) - (n % 5) + n % 3}" for n in range(90)]
    (folder / "data.csv").write_text("\n".join(["a,b,y", *rows]))
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[nbformat.v4.new_code_cell(code, id=name) for name, code in CELLS.items()],
    )
    nbformat.write(notebook, folder / "analysis.ipynb")
    (folder / "cells.json").write_text(json.dumps(list(CELLS.values())))
    return folder


def in_jupyterlab(folder: Path) -> None:
    """Cell by cell, as JupyterLab sends them to the kernel that its server started."""
    kernel = Kernel(folder, JPY_SESSION_NAME=str(folder / "analysis.ipynb"))
    try:
        for name, code in CELLS.items():
            reply = kernel.run(code, cell_id=name)
            assert reply.status == "ok", reply.error
    finally:
        kernel.close()


def in_papermill(folder: Path) -> None:
    """The whole notebook at once."""
    run(folder, "-m", "papermill", "--no-progress-bar", "analysis.ipynb", "executed.ipynb")


def in_ipython(folder: Path) -> None:
    """In the terminal's shell."""
    run(folder, "-c", PLAIN)


def run(folder: Path, *arguments: str) -> None:
    """Python on `arguments`, in `folder`."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env={**CLEAN, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[TrackedRun]]:
    """The runs that each host left, oldest first."""
    hosts = (in_jupyterlab, in_papermill, in_ipython)
    folders = {host: project(tmp_path_factory.mktemp(host.__name__) / "project") for host in hosts}
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(host, folder) for host, folder in folders.items()]:
            done.result()
    return {
        host.__name__: Journal(load_settings(folder, {}).journal_path).runs()[::-1]
        for host, folder in folders.items()
    }


@pytest.mark.parametrize("host", ["in_papermill", "in_ipython"])
def test_the_record_is_the_same_field_by_field(
    told: dict[str, list[TrackedRun]], host: str
) -> None:
    """Parameters, data, metrics, slice, tables and seeds are those of JupyterLab's kernel."""
    expected, found = told["in_jupyterlab"], told[host]
    assert [r.name for r in expected] == ["Ridge", "GridSearchCV of Ridge", "gradient descent (w)"]
    assert [r.name for r in found] == [r.name for r in expected]
    for one, other in zip(expected, found, strict=True):
        for field in set(TrackedRun.__struct_fields__) - OF_THE_HOST:
            assert getattr(other, field) == getattr(one, field), field
        assert plain(other.cells, OF_THE_CELL) == plain(one.cells, OF_THE_CELL)
        assert plain((other.cell,), OF_THE_CELL) == plain((one.cell,), OF_THE_CELL)
        assert plain(other.metric_cells, OF_THE_CELL) == plain(one.metric_cells, OF_THE_CELL)
        assert plain(other.metrics, OF_THE_METRIC) == plain(one.metrics, OF_THE_METRIC)
        assert untimed(other) == untimed(one)
        assert other.environment.seeds == one.environment.seeds
        assert other.environment.local_modules == one.environment.local_modules == {}
        for package in ("numpy", "pandas", "scikit-learn"):
            assert other.environment.packages[package] == one.environment.packages[package]


def test_a_record_is_as_complete_apart_from_what_a_host_does_not_tell(
    told: dict[str, list[TrackedRun]],
) -> None:
    """Only JupyterLab says which notebook it is; that is the one gap of the others."""
    for run in told["in_jupyterlab"]:
        assert run.gaps == ()
        assert run.notebook == "analysis.ipynb"
        assert run.completeness == 1.0
    for host in ("in_papermill", "in_ipython"):
        for run in told[host]:
            assert [gap.what for gap in run.gaps] == ["notebook"], run.gaps
            assert run.completeness == 0.9


def untimed(run: TrackedRun) -> dict[str, list[dict[str, Any]]]:
    """The run's tables, without the columns that hold how long something took."""
    return {
        name: [{k: v for k, v in row.items() if not k.endswith("_time")} for row in rows]
        for name, rows in run.tables.items()
    }


def plain(records: tuple[Any, ...], without: set[str]) -> list[dict[str, Any]]:
    """The records' fields, without some."""
    return [
        {f: getattr(record, f) for f in record.__struct_fields__ if f not in without}
        for record in records
    ]
