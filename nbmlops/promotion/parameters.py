"""A notebook's parameters: the cell tagged ``parameters``, as papermill reads it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbmlops.errors import NotebookError
from nbmlops.promotion.notebook import code_cells, has_tag
from nbmlops.records import Scalar

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["check_parameters", "notebook_parameters"]


def notebook_parameters(notebook: NotebookNode) -> dict[str, Scalar]:
    """Each parameter's default; None stands where the default is not a plain value.

    :raises NotebookError: if the cell is not Python that can be parsed.
    """
    parameters: dict[str, Scalar] = {}
    for cell in code_cells(notebook):
        if not has_tag(cell, "parameters"):
            continue
        try:
            statements = ast.parse(cell.source).body
        except SyntaxError as error:
            raise NotebookError(f"The parameters cell cannot be read: {error}.") from error
        for statement in statements:
            for name, value in _assignments(statement):
                parameters[name] = _plain(value)
    return parameters


def check_parameters(known: Mapping[str, Scalar], given: Mapping[str, Scalar]) -> None:
    """papermill only warns of a parameter that the notebook does not have; here it is an error.

    :raises NotebookError: naming the unknown ones.
    """
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        has = f"It has {', '.join(sorted(known))}." if known else "It has none."
        raise NotebookError(f"The notebook has no parameter {', '.join(unknown)}. {has}")


def _assignments(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            return [(t.id, value) for t in targets if isinstance(t, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return [(name, value)]
        case _:
            return []


def _plain(value: ast.expr) -> Scalar:
    try:
        literal = ast.literal_eval(value)
    except (ValueError, TypeError):
        return None
    return literal if isinstance(literal, bool | int | float | str) else None
