"""What a run holds beside parameters and metrics: outputs, notebook, git, memory, gaps, staleness."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import msgspec
import nbformat
import pytest
from mlflow import MlflowClient
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.records import TrackedRun, decode, digest_bytes, encode
from nbmlops.tracking import MlflowStore, deliver_pending

from .conftest import Kernel

SETUP = """
import numpy as np, pandas as pd
from sklearn.linear_model import Ridge, SGDRegressor
from sklearn.ensemble import RandomForestRegressor
rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
y = X["a"] * 2
"""


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


class Notebook:
    """The notebook file that the kernel's cells stand in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells: list[tuple[str, str]] = []

    def save(self) -> None:
        cells = [new_code_cell(source, id=cell_id) for cell_id, source in self.cells]
        nbformat.write(new_notebook(cells=cells), self.path)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel in a git repository with a module that is committed and one that is not."""
    project = tmp_path_factory.mktemp("project")
    git(project, "init", "-q", "-b", "main")
    (project / "committed.py").write_text("def same(x):\n    return x\n")
    (project / ".gitignore").write_text(".nbmlops\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    kernel = Kernel(project, JPY_SESSION_NAME=str(project / "work.ipynb"))
    kernel.start_tracking()
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def notebook(kernel: Kernel) -> Notebook:
    made = Notebook(kernel.project / "work.ipynb")
    made.cells.append(("setup", SETUP))
    made.save()
    kernel.run(SETUP, cell_id="setup")
    return made


def ran(kernel: Kernel, notebook: Notebook, source: str, cell_id: str) -> TrackedRun:
    """Save a cell in the notebook, run it, and wait for its run to be complete."""
    notebook.cells = [c for c in notebook.cells if c[0] != cell_id] + [(cell_id, source)]
    notebook.save()
    (run,) = kernel.trained(source, cell_id=cell_id)
    return settled(kernel, run)


def settled(kernel: Kernel, run: TrackedRun) -> TrackedRun:
    kernel.run("get_ipython().magics_manager.registry['TrackMagics'].tracker.settle()")
    return kernel.journal.run(run.id)


def delivered(kernel: Kernel) -> MlflowClient:
    """MLflow's client, once MLflow holds all that was settled."""
    store = MlflowStore(kernel.settings)
    deliver_pending(kernel.journal, store)
    return store.client


def why(run: TrackedRun, what: str) -> list[str]:
    return [gap.why for gap in run.gaps if gap.what == what]


def test_text_and_figures_are_kept_and_the_user_sees_them_unaltered(
    kernel: Kernel, notebook: Notebook
) -> None:
    """Text, a matplotlib figure and a table; without their metadata, and in the order shown."""
    source = (
        "%matplotlib inline\nimport matplotlib.pyplot as plt\n"
        "print('fitting', end=' '); print('now')\n"
        "plt.plot([1, 2]); plt.title('losses')\n"
        "plt.savefig('kept.png', metadata={'Author': 'somebody'})\n"
        "Ridge(alpha=0.1).fit(X, y)\nX.head(2)"
    )
    before = kernel.run(
        "import sys; (type(sys.stdout.write).__name__, 'write' in vars(sys.stdout))"
    )
    run = ran(kernel, notebook, source, "figures")
    after = kernel.run("import sys; (type(sys.stdout.write).__name__, 'write' in vars(sys.stdout))")
    assert before.bundles == after.bundles
    assert [o.mime for o in run.outputs] == ["text/plain", "text/html", "image/png"]
    folder = delivered(kernel).download_artifacts(run_id_of(kernel, run), "nbmlops")
    text = Path(folder, "outputs", "text.txt").read_text()
    assert text.startswith("fitting now\n")
    image = next(o for o in run.outputs if o.mime == "image/png")
    content = Path(folder, "outputs", image.name).read_bytes()
    assert digest_bytes(content) == image.digest
    assert content.startswith(b"\x89PNG")
    assert b"tEXt" not in content
    executed = nbformat.read(Path(folder, "executed.ipynb"), as_version=4)
    nbformat.validate(executed)
    assert executed.cells[-1].source == source
    assert executed.cells[-1].execution_count == run.cell.execution_count
    kinds = [o.output_type for o in executed.cells[-1].outputs]
    assert kinds == ["stream", "execute_result", "display_data"]
    assert b64decode(executed.cells[-1].outputs[2].data["image/png"]) == content
    assert run.notebook_digest == digest_bytes(notebook.path.read_bytes())


def run_id_of(kernel: Kernel, run: TrackedRun) -> str:
    found = kernel.journal.run(run.id).mlflow_run_id
    assert found is not None
    return found


def test_secrets_in_outputs_never_reach_the_disk(kernel: Kernel, notebook: Notebook) -> None:
    """Printed, shown as a value, as a figure's title, in an error; the user sees them as they are."""
    source = (
        "api_key = 'zq'+'81-very-secret'\nprint('key is', api_key)\n"
        "print('password:', 'plainly'+'spoken')\n"
        "import plotly.graph_objects as go\n"
        "go.Figure(go.Scatter(y=[1, 2]), layout={'title': {'text': api_key}}).show()\n"
        "Ridge(alpha=0.2).fit(X, y)\nprint(api_key)"
    )
    notebook.cells.append(("secret", source))
    notebook.save()
    reply = kernel.run(source, cell_id="secret")
    assert "zq81-very-secret" in reply.text
    run = settled(kernel, kernel.runs()[-1])
    assert "the value of a variable in the output" in run.redacted
    assert any(o.mime == "application/vnd.plotly.v1+json" for o in run.outputs)
    delivered(kernel)
    for path in kernel.settings.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"zq81-very-secret" not in content, path
            assert b"plainlyspoken" not in content, path


def test_outputs_are_bounded(kernel: Kernel, notebook: Notebook) -> None:
    """A cell that prints without end costs no more than it may."""
    source = "for _ in range(3000):\n    print('x' * 100)\nRidge(alpha=0.3).fit(X, y)"
    run = ran(kernel, notebook, source, "loud")
    (text,) = [o for o in run.outputs if o.name == "text.txt"]
    assert 60_000 < text.nbytes < 70_000


def test_memory_and_seeds_and_where_data_came_from(kernel: Kernel, notebook: Notebook) -> None:
    """What only one look at the running process, and the cells behind an input, can tell."""
    (kernel.project / "table.csv").write_text("a,b,t\n" + "1,2,3\n2,3,4\n5,6,7\n" * 20)
    reading = "table = pd.read_csv('table.csv')"
    notebook.cells.append(("reading", reading))
    reply = kernel.run(reading, cell_id="reading")
    assert reply.status == "ok"
    source = (
        "held = np.ones(30_000_000)\n"
        "model = SGDRegressor(random_state=4).fit(table[['a', 'b']], table['t'])"
    )
    run = ran(kernel, notebook, source, "memory")
    assert run.peak_memory is not None
    assert run.peak_memory > 240_000_000
    assert run.environment.seeds == (
        "np.random.default_rng(0)", "SGDRegressor(random_state=4)",
    )  # fmt: skip
    assert run.inputs[0].files == ("table.csv",)
    (reader,) = [c for c in run.cells if c.source == reading]
    assert reader.execution_count in run.inputs[0].made_by
    assert run.gaps == ()


def test_a_notebook_that_was_not_saved_is_a_gap_until_it_is(
    kernel: Kernel, notebook: Notebook
) -> None:
    """The control is every other test here, whose notebook is saved before it runs."""
    (run,) = kernel.trained("Ridge(alpha=0.4).fit(X, y)", cell_id="unsaved")
    run = settled(kernel, run)
    assert why(run, "notebook") == [
        "The notebook on disk does not hold this cell as it ran: save it."
    ]
    assert run.completeness == 0.9
    notebook.cells.append(("unsaved", "Ridge(alpha=0.4).fit(X, y)"))
    notebook.save()
    run = settled(kernel, run)
    assert run.gaps == ()
    assert run.completeness == 1.0
    assert run.notebook_digest == digest_bytes(notebook.path.read_bytes())


def test_a_local_module_must_be_committed_and_as_it_was_imported(
    kernel: Kernel, notebook: Notebook
) -> None:
    """Committed: no gap. Untracked, changed, or edited since its import: one each, and the diff."""
    run = ran(
        kernel, notebook, "import committed\nRidge(alpha=0.5).fit(committed.same(X), y)", "m1"
    )
    assert list(run.environment.local_modules) == ["committed.py"]
    assert not why(run, "local module")
    assert run.environment.git is not None
    assert not run.environment.git.diff_digest
    (kernel.project / "loose.py").write_text("def plus(x):\n    return x + 1\n")
    run = ran(kernel, notebook, "import loose\nRidge(alpha=0.6).fit(loose.plus(X), y)", "m2")
    assert why(run, "local module") == ["Not as committed: loose.py. Commit before you train."]
    (kernel.project / "committed.py").write_text("token = 'ghp_" + "a1B2" * 10 + "'\n")
    age = "get_ipython().magics_manager.registry['TrackMagics'].tracker._environment.git"
    kernel.run(f"{age}._read_at = float('-inf')")
    run = ran(kernel, notebook, "Ridge(alpha=0.7).fit(committed.same(X), y)", "m3")
    assert "committed.py was edited after it was imported." in why(run, "local module")
    assert run.environment.git is not None
    assert run.environment.git.changed == ("committed.py", "loose.py")
    folder = delivered(kernel).download_artifacts(run_id_of(kernel, run), "nbmlops")
    diff = Path(folder, "git.diff").read_bytes()
    assert digest_bytes(diff) == run.environment.git.diff_digest
    assert b"-def same(x):" in diff
    assert b"ghp_" not in diff


@pytest.mark.parametrize(
    ("source", "what", "said"),
    [
        ("RandomForestRegressor(3).fit(X, y)", "seed", "random_state is None"),
        ("noise = np.random.rand(60)\nRidge().fit(X, y + noise)", "seed", "global generator"),
        ("exec(open('more.py').read())\nRidge().fit(X, y)", "slice", "exec()"),
        ("Ridge().fit(made_up(X), y)", "slice", "No executed cell shows where made_up"),
        (
            "import sqlite3\n"
            "t = pd.read_sql('select 1 as a union select 2', sqlite3.connect(':memory:'))\n"
            "Ridge().fit(t, [1, 2])",
            "remote data",
            "read_sql()",
        ),
        ("class Odd:\n    shape = (3, 1)\n    def __len__(self): return 3\n"
         "class Own:\n    def fit(self, X): return self\nOwn().fit(Odd())", "data", "Odd"),
        ("pd.read_csv('gone.csv'); import os; os.remove('gone.csv')\nRidge().fit(X, y)", "file",
         "gone.csv is no longer there."),
        ("t = pd.read_csv('moved.csv')\nRidge().fit(X, y); t.tail(1).to_csv('moved.csv')", "file",
         "moved.csv has changed since it was read."),
    ],
)  # fmt: skip
def test_what_is_not_captured_is_said(
    kernel: Kernel, notebook: Notebook, source: str, what: str, said: str
) -> None:
    """Each kind of gap, its sentence and its price."""
    (kernel.project / "more.py").write_text("extra = 1\n")
    for name in ("gone.csv", "moved.csv"):
        (kernel.project / name).write_text("a\n1\n2\n")
    kernel.run("get_ipython().user_ns['made_up'] = lambda x: x")
    run = ran(kernel, notebook, source, f"gap-{abs(hash(source))}")
    assert any(said in each for each in why(run, what)), run.gaps
    assert run.completeness < 1


@pytest.mark.parametrize(
    "source",
    [
        "RandomForestRegressor(3, random_state=1).fit(X, y)",
        "from xgboost import XGBRegressor\nXGBRegressor(n_estimators=3).fit(X, y)",
        "noise = np.random.default_rng(1).random(60)\nRidge().fit(X, y + noise)",
        "exec('extra = 1')\nRidge().fit(X, y)",
        "pd.read_csv('table.csv')\nRidge().fit(X, y)",
    ],
)
def test_the_same_without_the_gap(kernel: Kernel, notebook: Notebook, source: str) -> None:
    """The controls."""
    run = ran(kernel, notebook, source, f"whole-{abs(hash(source))}")
    assert not [g for g in run.gaps if g.what != "local module"]


def test_a_run_becomes_stale_and_stays_told(kernel: Kernel, notebook: Notebook) -> None:
    """Edited and run again; made anew above; not by what stands below; and put back."""
    for cell_id, source in (("k", "k = 1.0"), ("w", "w = [k]")):
        notebook.cells.append((cell_id, source))
        kernel.run(source, cell_id=cell_id)
    run = ran(kernel, notebook, "Ridge(alpha=w[0]).fit(X, y)", "uses-w")
    assert run.stale == ()
    notebook.cells.append(("below", "w = [5.0]"))
    notebook.save()
    kernel.run("w = [5.0]", cell_id="below")
    assert settled(kernel, run).stale == ()
    kernel.run("k = 2.0", cell_id="k")
    (edited,) = settled(kernel, run).stale
    assert "was edited and run again" in edited
    kernel.run("k = 1.0", cell_id="k")
    assert settled(kernel, run).stale == ()
    notebook.cells.insert(0, ("above", "w = [7.0]"))
    notebook.save()
    kernel.run("w = [7.0]", cell_id="above")
    (anew,) = settled(kernel, run).stale
    assert "has since made w anew" in anew
    told = kernel.run(f"%track explain {run.id}").text
    assert f"stale: {anew}" in told
    theirs = delivered(kernel).get_run(run_id_of(kernel, run))
    assert theirs.data.tags["nbmlops.stale"] == anew


def test_a_run_out_of_the_notebooks_order_is_stale_at_once(
    kernel: Kernel, notebook: Notebook
) -> None:
    """A cell that uses what a cell below it made."""
    source = "Ridge(alpha=late).fit(X, y)"
    notebook.cells += [("early-cell", source), ("late-cell", "late = 3.0")]
    notebook.save()
    kernel.run("late = 3.0", cell_id="late-cell")
    (run,) = kernel.trained(source, cell_id="early-cell")
    (said,) = settled(kernel, run).stale
    assert "which stands below it in the notebook" in said


def test_old_records_are_still_read(kernel: Kernel) -> None:
    """A record written before these fields were known."""
    plain = json.loads(encode(kernel.runs()[0]))
    for field in ("peak_memory", "outputs", "notebook_digest"):
        del plain[field]
    plain["environment"]["git"] = {"commit": "c", "branch": "b", "dirty": True}
    for item in plain["inputs"]:
        del item["made_by"]
    run = decode(json.dumps(plain), TrackedRun)
    assert run.outputs == ()
    assert msgspec.structs.replace(run, peak_memory=1).peak_memory == 1
