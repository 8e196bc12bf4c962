"""The magics, in a real kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from nbmlops.records import TrackedRun
from nbmlops.settings import load_settings
from nbmlops.testing import make_run
from nbmlops.tracking import Journal

ROOT = Path(__file__).parents[2]
HEAVY = "{'mlflow', 'pandas', 'sklearn', 'sqlalchemy'}"


class Notebook:
    """A kernel and its project folder."""

    def __init__(self, project: Path, client: BlockingKernelClient) -> None:
        self.project, self.client = project, client

    def run(self, code: str) -> str:
        """Run a cell; what it printed, and what it raised."""
        told: list[str] = []

        def hear(message: dict) -> None:  # type: ignore[type-arg] # the protocol's own JSON
            content = message["content"]
            if message["msg_type"] == "stream":
                told.append(content["text"])
            elif message["msg_type"] == "execute_result":
                told.append(content["data"]["text/plain"])
            elif message["msg_type"] == "error":
                told.append("\n".join(content["traceback"]))

        self.client.execute_interactive(code, output_hook=hear, timeout=120, allow_stdin=False)
        return "".join(told)

    def runs(self) -> list[TrackedRun]:
        """The project's runs, newest first."""
        return Journal(load_settings(self.project, {}).journal_path).runs()


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    project = tmp_path_factory.mktemp("project")
    (project / "nbmlops.toml").touch()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("NBMLOPS_", "MLFLOW_"))}
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(project), env={**clean, "PYTHONPATH": str(ROOT)})
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Notebook(project, client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_loading_and_tracking_import_nothing_heavy(notebook: Notebook) -> None:
    """The first cell of a fresh kernel; the control is that pandas is seen once imported."""
    seen = f"import sys; print(sorted(set(sys.modules) & {HEAVY}))"
    assert "Tracking into" in notebook.run("%load_ext nbmlops\n%track")
    assert notebook.run(seen).strip() == "[]"
    assert "pandas" in notebook.run("import pandas\n" + seen)


def test_a_verb_that_is_not_known_gets_one_sentence(notebook: Notebook) -> None:
    """No traceback; `status` beside it works."""
    told = notebook.run("%track backwards")
    assert "knows no 'backwards'" in told
    assert "Traceback" not in told
    assert "Tracking is on." in notebook.run("%track status")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%track status now", "%track status takes nothing behind it"),
        ("%track sync now", "%track sync takes nothing behind it"),
        ("%submit", "%submit cannot stand alone: the following arguments are required: promotion"),
        ("%register", "%register cannot stand alone"),
        ("%track runs", "Nothing has been tracked yet."),
        ("nbmlops.runs()[['run', 'name', 'data']].shape", "(0, 3)"),
        ("nbmlops.review('review-none')", "NotFound: There is no review 'review-none' here."),
        ("nbmlops.compare_runs('run-a', 'run-b')", "run-a"),
        ("nbmlops.metric('auc', 0.7)", "there is no run to put a metric on"),
        ("nbmlops.load_model('models:/none@champion')", "no alias 'champion' of a model 'none'"),
    ],
)
def test_a_mistake_is_one_sentence_without_a_traceback(
    notebook: Notebook, line: str, says: str
) -> None:
    """What is wrong, where, and what to do next; the frames that led there help nobody."""
    told = notebook.run(f"import nbmlops\n{line}")
    assert says in told
    assert "Traceback" not in told
    assert "----> " not in told
    assert len(told.strip().splitlines()) == 1


def test_a_forced_cell_becomes_a_run_with_name_and_tags(notebook: Notebook) -> None:
    """Also one that no instrument knows; the cell's names stay with the notebook."""
    told = notebook.run("%%track --name 'by hand' --tag team=blue\nslope = 3 / 2\nslope")
    assert "1.5" in told
    run = notebook.runs()[0]
    assert (run.kind, run.name, run.tags) == ("forced", "by hand", {"team": "blue"})
    assert notebook.run("print(slope)").strip() == "1.5"
    assert "--tag takes KEY=VALUE" in notebook.run("%%track --tag blue\n1")


@pytest.mark.parametrize(
    ("line", "name", "tags"),
    [
        ("--name N --tag k=v", "N", {"k": "v"}),
        ('--name "by hand" --tag note="two words"', "by hand", {"note": "two words"}),
        ("--tag 'note=two words' --tag why=\"it's\"", "cell", {"note": "two words", "why": "it's"}),
        ("--tag empty= --tag both=a=b", "cell", {"empty": "", "both": "a=b"}),
    ],
)
def test_names_and_tags_may_be_quoted_as_in_a_shell(
    notebook: Notebook, line: str, name: str, tags: dict[str, str]
) -> None:
    """Around the value, or around all of it."""
    notebook.run(f"%%track {line}\n1")
    run = notebook.runs()[0]
    assert (run.name, run.tags) == (name, tags)


def test_a_quote_that_is_not_closed_gets_one_sentence(notebook: Notebook) -> None:
    """The cell is not run; those above are the controls."""
    told = notebook.run("%%track --name 'by hand\nprint('it ' 'ran')")
    assert "is not closed" in told
    assert "it ran" not in told
    assert "Traceback" not in told


def test_what_speaks_of_a_cell_is_refused_on_a_line(notebook: Notebook) -> None:
    """It would do nothing; at the head of a cell it does, which the test above holds."""
    assert "begin it with %%track" in notebook.run("%track --name one")
    assert "begin it with %%track" in notebook.run("%track --tag team=risk")
    assert "Tracking into" in notebook.run("%track")


def test_diff_slice_and_explain(notebook: Notebook) -> None:
    """What differs between two runs, what one is made from, and what was captured."""
    notebook.run("from sklearn.linear_model import Ridge\nX, y = [[1.0], [2.0]], [1.0, 2.0]")
    notebook.run("print('no part of it')")
    notebook.run("Ridge(alpha=1.0).fit(X, y)")
    notebook.run("Ridge(alpha=2.0).fit(X, y)")
    new, old = notebook.runs()[:2]
    told = notebook.run(f"%track diff {old.id} {new.id}")
    assert "parameter alpha: 1.0 → 2.0" in told
    assert "data" not in told
    sliced = notebook.run(f"%track slice {new.id}")
    assert "import Ridge" in sliced
    assert "no part of it" not in sliced
    explained = notebook.run("%track explain")
    assert new.id in explained
    assert f"data: X=X (2 rows, {new.inputs[0].fingerprint.digest[:8]})" in explained
    assert "metrics: none yet" in explained
    notebook.run("import nbmlops; nbmlops.metric('profit', 12.5)")
    assert "metrics: profit 12.5" in notebook.run("%track explain")
    assert "Still missing:\n  - It is not promoted" in notebook.run("%review --dry-run")
    assert "two run ids" in notebook.run("%track diff one")
    assert "No tracked run" in notebook.run("%track slice run-ffffffffffff")


def test_off_means_off(notebook: Notebook) -> None:
    """Nothing is tracked while it is off, and again once it is on."""
    notebook.run("%track off")
    count = len(notebook.runs())
    notebook.run("Ridge(alpha=3.0).fit(X, y)")
    assert len(notebook.runs()) == count
    notebook.run("%track")
    notebook.run("Ridge(alpha=4.0).fit(X, y)")
    assert len(notebook.runs()) == count + 1


def test_reloading_ends_tracking_and_leaves_one_tracker(notebook: Notebook) -> None:
    """Said at once; after ``%track`` each training is one run, not one of each tracker."""
    notebook.run("%track")
    assert "Tracking is off." in notebook.run("%reload_ext nbmlops")
    before = len(notebook.runs())
    fit = "from sklearn.linear_model import Ridge\nRidge().fit([[1.0], [2.0]], [1.0, 2.0])"
    notebook.run(fit)
    assert len(notebook.runs()) == before
    notebook.run("%track")
    notebook.run(fit)
    assert len(notebook.runs()) == before + 1


def test_the_table_of_runs_says_what_it_leaves_out(notebook: Notebook) -> None:
    """The latest 50, and where all are."""
    notebook.run("%load_ext nbmlops")
    journal = Journal(load_settings(notebook.project, {}).journal_path)
    for number in range(60):
        journal.record(make_run(id=f"run-{number:012}"))
    count = len(notebook.runs())
    told = notebook.run("print(len(get_ipython().run_line_magic('track', 'runs')))")
    assert told.splitlines() == [
        f"The latest 50 of {count} runs. nbmlops.runs() gives all.",
        "50",
    ]
