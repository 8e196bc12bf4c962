"""Every executor keeps the same promises: fresh kernel, whole notebook, failures in a sentence."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.errors import CellFailed, KernelMissing, NotebookError
from nbmlops.records import NotebookJob
from nbmlops.scheduling import Executor
from nbmlops.scheduling.executors.papermill_local import LocalExecutor

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@pytest.fixture(params=["local"])
def executor(request: pytest.FixtureRequest) -> Executor:
    return {"local": LocalExecutor}[request.param]()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name papermill would take for a format string."""
    folder = tmp_path / "a {month} folder"
    folder.mkdir()
    return folder


def job(
    folder: Path, *sources: str, kernel: dict[str, str] | None = None, **fields: object
) -> NotebookJob:
    notebook = new_notebook(metadata={"kernelspec": kernel or KERNEL})
    notebook.cells = [new_code_cell(source) for source in sources]
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, folder / "in.ipynb")
    return NotebookJob(
        notebook=str(folder / "in.ipynb"),
        output=str(folder / "outputs" / "out.ipynb"),
        working_directory=str(folder),
        **fields,  # type: ignore[arg-type] # a job's own fields
    )


def test_the_whole_notebook_runs_with_its_parameters_and_surroundings(
    executor: Executor, folder: Path
) -> None:
    """Parameters, environment and folder reach the kernel; progress reaches the caller."""
    (folder / "data.txt").write_text("here")
    seen: list[tuple[int, int]] = []
    executor.run(
        job(
            folder,
            "month = 1",
            "import os; print(month, os.environ['PLACE'], open('data.txt').read())",
            parameters={"month": 8},
            environment={"PLACE": "moon"},
        ),
        lambda done, total: seen.append((done, total)),
    )
    executed = nbformat.read(folder / "outputs" / "out.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text == "8 moon here\n"
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_kernel_hears_each_cells_id(executor: Executor, folder: Path) -> None:
    """As JupyterLab tells it, so that a run knows its cell."""
    asked = job(folder, "1", "print(get_ipython().kernel.get_parent()['metadata']['cellId'])")
    executor.run(asked)
    executed = nbformat.read(asked.output, as_version=4)
    assert executed.cells[-1].outputs[0].text.strip() == executed.cells[-1].id


def test_a_cell_that_raises_is_named_and_what_ran_is_kept(executor: Executor, folder: Path) -> None:
    """The sentence has the error; the output notebook has everything until there."""
    with pytest.raises(CellFailed, match="raised ZeroDivisionError: division by zero") as caught:
        executor.run(job(folder, "print('one')", "1 / 0", "print('never')"))
    assert str(folder / "outputs" / "out.ipynb") in str(caught.value)
    executed = nbformat.read(folder / "outputs" / "out.ipynb", as_version=4)
    assert any("one" in str(c.get("outputs")) for c in executed.cells)
    assert not any("never" in str(c.get("outputs")) for c in executed.cells)


def test_a_kernel_that_is_not_installed_is_named(executor: Executor, folder: Path) -> None:
    """And the sentence says how to list those that are."""
    kernel = {"name": "cobol", "display_name": "COBOL", "language": "cobol"}
    with pytest.raises(KernelMissing, match=r"'cobol'.*jupyter kernelspec list"):
        executor.run(job(folder, "1", kernel=kernel))


@pytest.mark.parametrize("content", [None, "not json", "{}"])
def test_what_is_no_notebook_is_one_sentence(
    executor: Executor, folder: Path, content: str | None
) -> None:
    """Missing, no JSON, or JSON of something else."""
    bad = job(folder, "1")
    path = Path(bad.notebook)
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(NotebookError) as caught:
        executor.run(bad)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_kernel_that_dies_is_an_error(executor: Executor, folder: Path) -> None:
    """Not a hang, and not a success."""
    with pytest.raises(NotebookError):
        executor.run(job(folder, "import os; os._exit(1)"))
