"""No byte that we write holds a credential, wherever a person left one; and the record says so."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.records import TrackedRun
from nbmlops.tracking import deliver_pending

from .conftest import Kernel

# Shapes that are published as examples or made up here; each stands in one place only.
PLANTED = {
    "a name in the source": "hunter2-in-the-source",
    "a token in the source": "ghp_" + "a1B2c3D4" * 5,
    "a parameter by its name": "hunter2-as-a-parameter",
    "a parameter by its shape": "hf_" + "Zz9Yy8Xx" * 5,
    "a mapping as a parameter": "hunter2-in-a-mapping",
    "a step of a pipeline": "glpat-" + "q7W8e9R0t1" * 3,
    "what a cell printed": "AKIA" + "QWERTYUIOPASDFGH",
    "what a cell showed": "xoxb-" + "123456789012-abcdefghij",
    "an exception": "hunter2-in-an-exception",
    "an address that was read": "hunter2-in-an-address",
    "a query of an address": "hunter2-in-a-query",
    "the environment": "hunter2-in-the-environment",
    "the remote of git": "hunter2-in-the-remote",
    "the changes in git": "sk-" + "Mn4Bv5Cx6Z" * 4,
    "a tag": "ghp_" + "z9Y8x7W6" * 5,
}
ORDINARY = "an-ordinary-value-that-must-be-kept"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel in a repository with a credential in its remote and in its changes."""
    project = tmp_path_factory.mktemp("project")
    (project / "helpers.py").write_text("x = 1\n")
    for command in (
        ("init", "-q"),
        ("remote", "add", "origin", "https://me:" + PLANTED["the remote of git"] + "@localhost/x"),
        ("add", "helpers.py"),
        ("-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "-qm", "x"),
    ):
        subprocess.run(["git", "-C", str(project), *command], check=True)
    changed = "x = 2\nclient = connect('" + PLANTED["the changes in git"] + "')\n"
    (project / "helpers.py").write_text(changed)
    kernel = Kernel(
        project,
        NBMLOPS_NOTEBOOK=str(project / "analysis.ipynb"),
        DATABASE_PASSWORD=PLANTED["the environment"],
    )
    kernel.start_tracking()
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def runs(kernel: Kernel) -> list[TrackedRun]:
    """What a careless notebook left, delivered."""
    cells = [
        f"""
import os, numpy as np, pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
password = "{PLANTED["a name in the source"]}"
kept = "{ORDINARY}"
client = ["{PLANTED["a token in the source"]}"]
X, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)

class Scorer(BaseEstimator):
    def __init__(self, api_key=None, region=None, options=None):
        self.api_key, self.region, self.options = api_key, region, options
    def fit(self, X, y): return self
    def predict(self, X): return X[:, 0]

class Fetch(BaseEstimator, TransformerMixin):
    def __init__(self, where=None): self.where = where
    def fit(self, X, y=None): return self
    def transform(self, X): return X
""",
        f'Scorer(api_key="{PLANTED["a parameter by its name"]}", region="{ORDINARY}").fit(X, y)',
        f'Scorer(region="{PLANTED["a parameter by its shape"]}").fit(X, y)',
        f'Scorer(options={{"password": "{PLANTED["a mapping as a parameter"]}"}}).fit(X, y)',
        f'make_pipeline(Fetch("{PLANTED["a step of a pipeline"]}"), LinearRegression()).fit(X, y)',
        f'LinearRegression().fit(X, y)\nprint("key", "{PLANTED["what a cell printed"]}")\n'
        f'display(pd.DataFrame({{"a": ["{PLANTED["what a cell showed"]}"]}}))',
        f"""
try:
    pd.read_csv("http://me:{PLANTED["an address that was read"]}@127.0.0.1:9/x.csv?token={PLANTED["a query of an address"]}")
except Exception: pass
LinearRegression().fit(X, y)
""",
        f"%%track --name tagged --tag note={PLANTED['a tag']}\nLinearRegression().fit(X, y)",
    ]
    for code in cells:
        reply = kernel.run(code)
        assert reply.status == "ok", reply.error
    failing = f'LinearRegression().fit(X, y)\nraise ValueError("https://me:{PLANTED["an exception"]}@localhost/")'
    assert kernel.run(failing).status == "error"
    kernel.run("%track sync")
    deliver_pending(kernel.journal, kernel.store())
    return kernel.runs()


@pytest.mark.parametrize("where", PLANTED)
def test_no_byte_that_we_wrote_holds_it(kernel: Kernel, runs: list[TrackedRun], where: str) -> None:
    """Journal, spool, MLflow's database and artifacts, locks and logs alike."""
    assert len(runs) >= 7
    found = [
        str(path)
        for path in _written(kernel.project)
        if PLANTED[where].encode() in path.read_bytes()
    ]
    assert found == []


def test_what_is_no_secret_is_kept(kernel: Kernel, runs: list[TrackedRun]) -> None:
    """The control: the search would find it, in the journal and in MLflow."""
    found = {
        path.suffix for path in _written(kernel.project) if ORDINARY.encode() in path.read_bytes()
    }
    assert ".json" in found
    assert {".db", ".db-wal"} & found
    assert any(p.value == ORDINARY for run in runs for p in run.parameters)


def test_the_record_says_that_it_was_hidden(runs: list[TrackedRun]) -> None:
    """Each training cell that held one."""
    careless = [run for run in runs if run.redacted]
    assert len(careless) >= 7


def _written(project: Path) -> list[Path]:
    return [p for p in (project / ".nbmlops").rglob("*") if p.is_file()]
