"""Notebooks on disk: read, written, and compared by their code.

nbformat is imported where a notebook is touched: with its schemas it takes a second, which every
command would wait for, also ``nbmlops --help``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.errors import NotebookError
from nbmlops.whole_files import write_whole

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["changed_cell", "code_cells", "has_tag", "read_notebook", "write_notebook"]


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook in the current format.

    :raises NotebookError: if the file is missing or is not a notebook.
    """
    import nbformat
    from nbformat.reader import NotJSONError

    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError as error:
        raise NotebookError(f"There is no notebook {path}.") from error
    except (NotJSONError, nbformat.ValidationError, UnicodeDecodeError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotebookError(f"{path} is not a notebook that can be read: {reason}") from error
    except (AttributeError, KeyError, TypeError) as error:
        # nbformat meets JSON that is no notebook with whatever its conversion trips over.
        raise NotebookError(f"{path} is JSON, but not a notebook.") from error


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    import nbformat

    write_whole(path, f"{nbformat.writes(notebook)}\n".encode())


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that run, in order, without empty ones."""
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def has_tag(cell: NotebookNode, tag: str) -> bool:
    """Whether a cell carries `tag`."""
    return tag in cell.metadata.get("tags", [])


def changed_cell(old: NotebookNode, new: NotebookNode) -> int | None:
    """The number, from 1, of the first code cell in which two notebooks differ; None if none.

    Only what runs counts: outputs, text and layout may change freely.
    """
    before, after = (
        [(c.source, has_tag(c, "parameters")) for c in code_cells(n)] for n in (old, new)
    )
    for number, (a, b) in enumerate(zip(before, after, strict=False), start=1):
        if a != b:
            return number
    return min(len(before), len(after)) + 1 if len(before) != len(after) else None
