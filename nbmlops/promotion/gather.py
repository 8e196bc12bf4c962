"""From a tracked run to a notebook that does just that: its slice, parameterized."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.promotion.notebook import code_cells, has_tag, read_notebook
from nbmlops.records import CellRecord, TrackedRun

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["gather_notebook"]

_PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}
_TRACKING = "%load_ext nbmlops\n%track"


def gather_notebook(run: TrackedRun, model_name: str, source: Path | None) -> NotebookNode:
    """The executed cells that `run` depends on, in the order in which they ran.

    `source` is the notebook that it came from: it says which cell is tagged ``parameters`` and
    which kernel is meant. Cells are taken as they ran, whatever has been edited there since.

    :raises NotebookError: if `source` cannot be read.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    original = read_notebook(source) if source else None
    notebook = new_notebook()
    if original is not None:
        for key in ("kernelspec", "language_info"):
            if key in original.metadata:
                notebook.metadata[key] = original.metadata[key]
    # A run that no notebook is known of (nbconvert, a kernel by itself) was one of Python's kernel.
    notebook.metadata.setdefault("kernelspec", dict(_PYTHON))
    notebook.metadata["nbmlops"] = {"run_id": run.id, "model_name": model_name}
    notebook.cells = [
        new_markdown_cell(f"# {model_name}\n\nGathered from run `{run.id}`."),
        new_code_cell(_TRACKING),
        *_gathered(run, _parameter_sources(original)),
    ]
    return notebook


def _gathered(run: TrackedRun, parameter_sources: set[str]) -> list[NotebookNode]:
    from nbformat.v4 import new_code_cell

    cells: list[NotebookNode] = []
    for record in run.code:
        source = _without_tracking(record)
        if not source.strip():
            continue
        if cells and has_tag(cells[-1], "parameters") and _is_injected(source):
            # The run was given parameters: they become the defaults, in the same cell, so that
            # whatever production injects comes behind them.
            cells[-1].source += "\n" + source.split("\n", 1)[1]
            continue
        cell = new_code_cell(source)
        if record.source in parameter_sources:
            cell.metadata["tags"] = ["parameters"]
        cells.append(cell)
    return cells


def _parameter_sources(original: NotebookNode | None) -> set[str]:
    if original is None:
        return set()
    return {c.source for c in code_cells(original) if has_tag(c, "parameters")}


def _without_tracking(record: CellRecord) -> str:
    """The cell without its nbmlops magics: the gathered notebook has its own."""
    magics = ("%load_ext nbmlops", "%track")
    lines = [
        line
        for line in record.source.split("\n")
        if not any(line.strip() == m or line.strip().startswith(m + " ") for m in magics)
    ]
    return "\n".join(lines)


def _is_injected(source: str) -> bool:
    """Whether papermill wrote this cell: its comment, then nothing but assignments."""
    if not source.startswith("# Parameters\n"):
        return False
    return all(isinstance(node, ast.Assign) for node in ast.parse(source).body)
