"""The kernel and its deliverer: it stays and is asked, finds modules late, heeds new credentials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from nbmlops.tracking.session.executed_notebook import executed_notebook

from .conftest import CLEAN, ROOT, Kernel

COURIER = "get_ipython().magics_manager.registry['TrackMagics'].tracker.courier"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    project = tmp_path_factory.mktemp("project")
    kernel = Kernel(project, NBMLOPS_NOTEBOOK=str(project / "a.ipynb"))
    kernel.start_tracking()
    kernel.run("import os, sys, signal\nfrom sklearn.linear_model import Ridge")
    kernel.run("X, y = [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]")
    yield kernel
    kernel.close()


def deliverer(kernel: Kernel) -> int:
    return int(kernel.value(f"{COURIER}._process.pid"))


def synced(kernel: Kernel, alpha: float) -> None:
    """Train, and have it delivered."""
    (run,) = kernel.trained(f"Ridge(alpha={alpha}).fit(X, y)")
    reply = kernel.run("%track sync")
    assert reply.status == "ok", reply.error
    assert kernel.journal.run(run.id).mlflow_model_uri


def test_the_deliverer_that_stays_is_asked(kernel: Kernel) -> None:
    """`%track sync` starts no other process, which would import MLflow anew."""
    first = deliverer(kernel)
    synced(kernel, 1)
    synced(kernel, 2)
    assert deliverer(kernel) == first


def test_one_that_has_died_is_followed_by_another(kernel: Kernel) -> None:
    """Also where the kernel hears of it only as it asks."""
    first = deliverer(kernel)
    kernel.run(f"os.kill({first}, signal.SIGKILL)")
    synced(kernel, 3)
    assert deliverer(kernel) != first


def test_new_credentials_are_heeded(kernel: Kernel) -> None:
    """What MLflow goes by was set in a cell; the control is a variable that it does not know."""
    first = deliverer(kernel)
    kernel.run("os.environ['PLAIN'] = '1'")
    synced(kernel, 4)
    assert deliverer(kernel) == first
    kernel.run("os.environ['MLFLOW_TRACKING_TOKEN'] = 'new'")
    synced(kernel, 5)
    assert deliverer(kernel) != first


def test_a_model_of_a_module_that_was_found_late_is_filed(kernel: Kernel) -> None:
    """From a folder that `sys.path` had not when the deliverer began."""
    late = kernel.project / "late"
    late.mkdir()
    (late / "own_models.py").write_text(
        "class Own:\n    def fit(self, X, y):\n        self.mean = sum(y) / len(y)\n"
        "        return self\n    def predict(self, X):\n        return [self.mean for _ in X]\n"
    )
    kernel.run("sys.path.append('late')\nfrom own_models import Own")
    (run,) = kernel.trained("own = Own().fit(X, y)")
    kernel.run("%track sync")
    told = kernel.journal.run(run.id)
    assert told.mlflow_model_uri
    assert not [gap for gap in told.gaps if gap.what == "model"]
    assert not (kernel.settings.spool / run.id).exists()


def test_filing_a_scikit_learn_model_imports_no_torch(tmp_path: Path) -> None:
    """skops would, by looking through scikit-learn; the control is a plain import of it."""
    look = "print('torch' in sys.modules)"
    ours = (
        "import sys; from sklearn.linear_model import Ridge; from pathlib import Path\n"
        "from nbmlops.tracking.journal.snapshots import write_snapshot\n"
        "from nbmlops.tracking.delivery.mlflow_models import file_model\n"
        "folder = Path(sys.argv[1])\n"
        "write_snapshot(folder, {'model': Ridge().fit([[1.0], [2.0]], [1, 2]), 'sample': None})\n"
        f"file_model(folder, folder / 'model')\n{look}\n"
        "print((folder / 'model' / 'model.skops').is_file())"
    )
    assert ran(ours, str(tmp_path)) == ["False", "True"]
    assert ran(f"import sys, skops.io; {look}") == ["True"]


def ran(code: str, *arguments: str) -> list[str]:
    env = {**CLEAN, "PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_the_executed_notebook_is_one() -> None:
    """Valid as the format says, with ids of its own for what ran twice."""
    shown = [
        {"output_type": "stream", "name": "stdout", "text": "naïve\n"},
        {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}},
    ]
    ran_once = {"id": "a", "source": "1", "execution_count": 1, "outputs": shown, "error": None}
    again = {**ran_once, "execution_count": 2, "outputs": [], "error": "ValueError: no: luck"}
    odd = {**ran_once, "id": "not an id!", "execution_count": 3}
    text = executed_notebook(json.dumps([ran_once, again, odd]).encode())
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert [cell.id for cell in notebook.cells] == ["a", "a-run-2", "cell-3"]
    assert notebook.cells[0].outputs[0].text == "naïve\n"
    assert notebook.cells[0].outputs[1].execution_count == 1
    assert notebook.cells[1].outputs[0].ename == "ValueError"
    assert notebook.cells[1].outputs[0].evalue == "no: luck"
    assert os.linesep not in notebook.cells[0].source
