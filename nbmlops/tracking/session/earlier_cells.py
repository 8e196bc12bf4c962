"""What earlier cells made the notebook's names from, for values that are measured cells later."""

from __future__ import annotations

import ast
from collections.abc import Callable

from nbmlops.tracking.code.makers import makers_of
from nbmlops.tracking.code.source import parse_cell
from nbmlops.tracking.session.cells import CellHistory

__all__ = ["makers_in_cells"]

_FURTHEST = 50  # cells back that are looked through


def makers_in_cells(history: CellHistory) -> Callable[[str], list[ast.AST]]:
    """Finds the expressions that the latest earlier cell of `history` made a name from."""
    read: dict[str, dict[str, list[ast.AST]]] = {}

    def makers(name: str) -> list[ast.AST]:
        for cell in history.executed[-2 : -2 - _FURTHEST : -1]:
            if cell.source not in read:
                try:
                    read[cell.source] = makers_of(parse_cell(cell.source))
                except (SyntaxError, ValueError, MemoryError):
                    read[cell.source] = {}
            if found := read[cell.source].get(name):
                return found
        return []

    return makers
