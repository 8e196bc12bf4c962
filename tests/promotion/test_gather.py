"""From a run's cells to a parameterized notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.errors import NotebookError
from nbmlops.promotion import (
    changed_cell,
    check_parameters,
    gather_notebook,
    notebook_parameters,
    read_notebook,
)
from nbmlops.records import CellRecord, TrackedRun, digest_bytes
from nbmlops.testing import EPOCH, make_run


def cell(order: int, source: str) -> CellRecord:
    return CellRecord(
        cell_id=f"c{order}",
        source=source,
        source_digest=digest_bytes(source.encode()),
        execution_count=order,
        order=order,
        started=EPOCH,
        duration=0.0,
        outcome="ok",
    )


def run_of(*cells: CellRecord, metric_cells: tuple[CellRecord, ...] = ()) -> TrackedRun:
    return make_run(cell=cells[-1], cells=cells, metric_cells=metric_cells)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A notebook whose first cell is tagged ``parameters``; its second was edited after it ran."""
    notebook = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "P"}})
    parameters = new_code_cell("month = 7")
    parameters.metadata["tags"] = ["parameters"]
    notebook.cells = [parameters, new_code_cell("model.fit(edited)")]
    path = tmp_path / "source.ipynb"
    nbformat.write(notebook, path)
    return path


def sources(notebook: NotebookNode) -> list[str]:
    return [c.source for c in notebook.cells if c.cell_type == "code"][1:]


def test_what_a_metric_rests_on_is_gathered_too(source: Path) -> None:
    """A test set read elsewhere, and a second model that the same cell judges."""
    run = make_run(
        cell=cell(3, "model.fit(X)"),
        cells=(cell(1, "X = read()"), cell(3, "model.fit(X)")),
        metric_sources=(cell(2, "T = read_test()"), cell(4, "other.fit(X)")),
        metric_cells=(cell(5, "for m in (model, other): auc(m.predict(T))"),),
    )
    assert [c[:8] for c in sources(gather_notebook(run, "m", source))] == [
        "X = read", "T = read", "model.fi", "other.fi", "for m in"
    ]  # fmt: skip


def test_cells_stand_in_the_order_in_which_they_ran_and_as_they_ran(source: Path) -> None:
    """Edits since then do not enter, and metric cells come behind the training."""
    run = run_of(cell(1, "month = 7"), cell(4, "model.fit(X)"), metric_cells=(cell(6, "auc(p)"),))
    gathered = gather_notebook(run, "m", source)
    assert sources(gathered) == ["month = 7", "model.fit(X)", "auc(p)"]
    assert gathered.metadata["kernelspec"]["name"] == "python3"
    nbformat.validate(gathered)


def test_the_gathered_notebook_tracks_itself_once(source: Path) -> None:
    """Its own magics stand first; those of the cells are not repeated."""
    run = run_of(cell(1, "%load_ext nbmlops\n%track\nimport pandas"), cell(2, "model.fit(X)"))
    gathered = gather_notebook(run, "m", source)
    assert gathered.cells[1].source == "%load_ext nbmlops\n%track"
    assert sources(gathered) == ["import pandas", "model.fit(X)"]


def test_a_run_without_a_notebook_is_gathered_for_pythons_kernel() -> None:
    """As nbconvert and bare kernels leave it; a known notebook keeps its own kernel."""
    gathered = gather_notebook(run_of(cell(1, "model.fit(X)")), "late", None)
    assert gathered.metadata["kernelspec"]["name"] == "python3"
    nbformat.validate(gathered)


def test_the_parameters_cell_keeps_its_tag(source: Path) -> None:
    """papermill finds it, and so do we."""
    gathered = gather_notebook(run_of(cell(1, "month = 7"), cell(2, "fit()")), "m", source)
    assert notebook_parameters(gathered) == {"month": 7}


def test_given_parameters_become_the_defaults(source: Path) -> None:
    """A run that papermill gave parameters is gathered so that later ones still override them."""
    run = run_of(cell(1, "month = 7"), cell(2, "# Parameters\nmonth = 9\n"), cell(3, "fit()"))
    gathered = gather_notebook(run, "m", source)
    assert notebook_parameters(gathered) == {"month": 9}
    assert len(sources(gathered)) == 2


def test_parameters_are_read_as_plain_values() -> None:
    """Annotated or not; what is no plain value has no default to show."""
    notebook = new_notebook()
    tagged = new_code_cell("a: int = 1\nb = 'x'\nc = d = -2.5\ne = [1]\nf = None\nprint(a)")
    tagged.metadata["tags"] = ["parameters"]
    notebook.cells = [tagged, new_code_cell("z = 1")]
    expected = {"a": 1, "b": "x", "c": -2.5, "d": -2.5, "e": None, "f": None}
    assert notebook_parameters(notebook) == expected


def test_an_unknown_parameter_is_an_error_and_a_known_one_is_not() -> None:
    """papermill would only warn."""
    check_parameters({"month": 7}, {"month": 8})
    with pytest.raises(NotebookError, match=r"no parameter mnth\. It has month"):
        check_parameters({"month": 7}, {"mnth": 8})


def test_only_what_runs_counts_as_a_change(source: Path) -> None:
    """Text and outputs may change; a cell's code, its tag and the number of cells may not."""
    old = read_notebook(source)
    new = read_notebook(source)
    new.cells.insert(0, nbformat.v4.new_markdown_cell("words"))
    new.cells[2].outputs = [nbformat.v4.new_output("stream", text="hi")]
    assert changed_cell(old, new) is None
    new.cells[2].source += " "
    assert changed_cell(old, new) == 2
    new = read_notebook(source)
    new.cells[0].metadata["tags"] = []
    assert changed_cell(old, new) == 1
    new = read_notebook(source)
    new.cells.append(new_code_cell("more()"))
    assert changed_cell(old, new) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "There is no notebook"),
        (b"not json", "not a notebook"),
        (b'{"a": 1}', "notebook"),
        (b"\xff\xfe", "not a notebook"),
    ],
    ids=["missing", "no JSON", "JSON of something else", "no text"],
)
def test_what_is_no_notebook_is_one_sentence(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    """Naming the file."""
    path = tmp_path / "bad.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotebookError, match=says) as caught:
        read_notebook(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
