"""What earlier cells made the notebook's names from, for values that are measured cells later."""

from __future__ import annotations

import ast
from collections.abc import Callable

from nbmlops.tracking.code.makers import makers_of
from nbmlops.tracking.code.names import names_among
from nbmlops.tracking.code.source import parse_cell
from nbmlops.tracking.session.cells import CellHistory

__all__ = ["makers_in_cells"]

_FURTHEST = 50  # cells back that are looked through


def makers_in_cells(history: CellHistory) -> Callable[[str], list[ast.AST]]:
    """Finds the expressions that the latest earlier cell of `history` made a name from.

    A part such as ``table['p']`` is what it was until its owner is made anew from something else.
    """
    read: dict[str, dict[str, list[ast.AST]]] = {}

    def makers(name: str) -> list[ast.AST]:
        owner = name.partition("[")[0].partition(".")[0]
        for cell in history.executed[-2 : -2 - _FURTHEST : -1]:
            if cell.source not in read:
                try:
                    read[cell.source] = makers_of(parse_cell(cell.source))
                except (SyntaxError, ValueError, MemoryError):
                    read[cell.source] = {}
            if found := read[cell.source].get(name):
                return found
            if owner != name and _is_anew(owner, read[cell.source].get(owner, [])):
                return []
        return []

    return makers


def _is_anew(name: str, makers: list[ast.AST]) -> bool:
    """Whether a cell made `name` of something else than of what it was."""
    return any(name not in names_among(ast.walk(maker)) for maker in makers)
