"""Slices of real sessions, run alone in another kernel: the same model comes of the same data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.records import TrackedRun

from .conftest import Kernel

CELLS = {
    "seeds": "import numpy as np, pandas as pd, torch, os, random\n"
    "np.random.seed(1); torch.manual_seed(1); random.seed(1)",
    "unrelated": "unrelated = 1",
    "layer": "layer = torch.nn.Linear(3, 2)",  # its weights move PyTorch's generator
    "batch": "X = torch.randn(60, 3).numpy()\ny = (X[:, 0] > 0).astype(int)",
    "shuffle": "deck = list(range(9))\nnp.random.rand(3)",
    "folder": "os.makedirs('out/raw', exist_ok=True)",
    "parquet": "pd.DataFrame(X, columns=list('abc')).to_parquet('out/raw/x.parquet')",
    "weights": "torch.save(layer.state_dict(), 'out/layer.pt')",
    "shell": "!printf 'k,v\\n1,2\\n2,3\\n3,5\\n' > out/small.csv",
    "read": "Z = pd.read_parquet('out/raw/x.parquet')",
    "load": "W = torch.load('out/layer.pt')['weight'].numpy()",
    "csv": "small = pd.read_csv('out/small.csv')",
}
TRAININGS = {
    "what a layer draws comes before what is drawn after it": (
        "from sklearn.linear_model import Ridge\nRidge(alpha=2).fit(X, y)",
        ["seeds", "layer", "batch"],
    ),
    "a forest without a seed draws from NumPy": (
        "from sklearn.ensemble import RandomForestClassifier\n"
        "RandomForestClassifier(4).fit(small, [0, 1, 1])",
        ["seeds", "shuffle", "folder", "shell", "csv"],
    ),
    "a forest with one needs nobody's": (
        "from sklearn.ensemble import RandomForestClassifier\n"
        "RandomForestClassifier(4, random_state=0).fit(small, [0, 1, 1])",
        ["seeds", "folder", "shell", "csv"],
    ),
    "Arrow wrote the file": (
        "from sklearn.linear_model import LinearRegression\nLinearRegression().fit(Z, y)",
        ["seeds", "layer", "batch", "folder", "parquet", "read"],
    ),
    "PyTorch wrote the file": (
        "from sklearn.linear_model import Lars\nLars().fit(W, [0, 1])",
        ["seeds", "layer", "folder", "weights", "load"],
    ),
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel in which the cells have run."""
    kernel = _kernel(tmp_path_factory.mktemp("session"))
    for name, source in CELLS.items():
        assert kernel.run(source, cell_id=name).status == "ok"
    yield kernel
    kernel.close()


@pytest.mark.parametrize("name", list(TRAININGS))
def test_the_slice_is_what_it_takes_and_no_more(session: Kernel, tmp_path: Path, name: str) -> None:
    """These cells; alone they train the same on the same, and without one of them they do not."""
    source, expected = TRAININGS[name]
    (run,) = session.trained(source, cell_id=name)
    assert [cell.cell_id for cell in run.cells] == [*expected, name]
    assert _facts(_alone(run, tmp_path / "alone")) == _facts(run)


def test_without_a_cell_it_is_another(session: Kernel, tmp_path: Path) -> None:
    """The control: the comparison can fail."""
    source, _ = TRAININGS["what a layer draws comes before what is drawn after it"]
    (run,) = session.trained(source, cell_id="control")
    again = _alone(run, tmp_path / "alone", without="layer")
    assert _facts(again) != _facts(run)


def _kernel(project: Path) -> Kernel:
    project.mkdir(exist_ok=True)
    kernel = Kernel(project, NBMLOPS_NOTEBOOK=str(project / "analysis.ipynb"))
    kernel.hold_delivery()
    kernel.start_tracking()
    return kernel


def _alone(run: TrackedRun, project: Path, without: str = "") -> TrackedRun:
    kernel = _kernel(project)
    try:
        for cell in run.cells:
            if cell.cell_id != without:
                reply = kernel.run(cell.source, cell_id=cell.cell_id)
                assert reply.status == "ok", reply.error
        return kernel.runs()[-1]
    finally:
        kernel.close()


def _facts(run: TrackedRun) -> object:
    data = [(item.role, item.name, item.fingerprint.digest) for item in run.inputs]
    return run.model_class, data, run.parameters
