"""Arrays that a cell made from predictions keep their origin in the cells after it.

Looked at when a cell ends, and only where its code names a prediction or predicts.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.frames import root_name
from nbmlops.tracking.code.source import parse_cell
from nbmlops.tracking.inference.assignments import names_in
from nbmlops.tracking.metrics.measured_rows import rows_of
from nbmlops.tracking.metrics.provenance import Origin
from nbmlops.tracking.session.cells import ExecutedCell
from nbmlops.tracking.trainings.inputs import is_data

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["watch_derived"]

_MAKING = (ast.Assign, ast.AnnAssign, ast.AugAssign)


def watch_derived(tracker: Tracker) -> None:
    """Follow predictions into what the notebook makes of them."""

    def ended(cell: ExecutedCell) -> None:
        names = tracker.provenance.names_of_predictions(tracker.namespace)
        if not any(name in cell.source for name in names):
            return
        try:
            tree = parse_cell(cell.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return  # it could not be run either
        for node in ast.walk(tree):
            if isinstance(node, _MAKING) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    _derive(tracker, target, node.value)

    tracker.before_cell_ends.append(ended)


def _derive(tracker: Tracker, target: ast.expr, value: ast.expr) -> None:
    space = tracker.namespace
    made = _value_of(target, space)
    if made is None or not is_data(made) or tracker.provenance.origin_of(made):
        return
    found: set[Origin] = set()
    for part in ast.walk(value):
        if isinstance(part, ast.Name | ast.Subscript):
            origin = tracker.provenance.origin_of(_value_of(part, space))
            found |= {origin} if origin else set()
    if len({origin.run_id for origin in found}) == 1:
        origin = next(iter(found))
        if not any(_is_anothers(tracker, part, made, origin) for part in ast.walk(value)):
            tracker.provenance.remember_derived(made, origin)


def _is_anothers(tracker: Tracker, part: ast.AST, made: Any, origin: Origin) -> bool:
    """Whether an array of an earlier cell beside a prediction is another model's, as in a blend."""
    if not isinstance(part, ast.Name):
        return False
    rows, array = rows_of(made), tracker.namespace.get(part.id)
    if rows is None or rows_of(array) != rows or tracker.provenance.origin_of(array):
        return False
    makers = tracker.provenance.earlier(part.id)
    named = {name for maker in makers for name in names_in(maker)}
    held = [tracker.namespace.get(name) for name in named]
    runs = {run for value in held for run in tracker.provenance.runs_held(value)}
    runs |= {run for value in held if (run := tracker.provenance.run_of(value)) is not None}
    return bool(runs - {origin.run_id})


def _value_of(node: ast.expr, space: dict[str, Any]) -> Any:
    """What a name, or a column or entry under a literal key, is bound to now."""
    if isinstance(node, ast.Name):
        return space.get(node.id)
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
        return None
    owner = space.get(root_name(node.value) or "") if isinstance(node.value, ast.Name) else None
    pandas = sys.modules.get("pandas")
    plain = isinstance(owner, dict) or (pandas and isinstance(owner, pandas.DataFrame))
    try:
        return owner[node.slice.value] if plain and owner is not None else None
    except (KeyError, TypeError):
        return None
