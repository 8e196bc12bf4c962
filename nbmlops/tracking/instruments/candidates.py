"""Numbers that people work out themselves and give a metric's name: offered, and marked as such."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.inference.blocks import statements_in
from nbmlops.tracking.inference.cell import parse_cell
from nbmlops.tracking.inference.fitted_values import as_number
from nbmlops.tracking.metrics.drawn_rows import is_on_drawn_rows
from nbmlops.tracking.metrics.names import is_metric_name
from nbmlops.tracking.session.cells import ExecutedCell

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["watch_candidates"]

_CLOSE = 1e-9
_MOST = 50  # of one dict, and of one cell
_MADE = re.compile(r"=|\.append\(")


def watch_candidates(tracker: Tracker) -> None:
    """Look for them when a cell ends that has trained, or works with what was trained."""

    def look(cell: ExecutedCell) -> None:
        if not tracker.trainings.any or not _MADE.search(cell.source):
            return
        tree = parse_cell(cell.source)
        if tree is None:
            return
        makers = _makers(tree)
        backward = _gone_backward(tree)
        for name, value, node in _scalars(tree, tracker.namespace):
            if name in backward or is_on_drawn_rows(node, tree, tracker.namespace.get):
                continue
            run_id = _run_behind(tracker, node, makers) or tracker.trainings.only()
            if run_id is not None and not _is_known(tracker, run_id, name, value):
                tracker.metrics.add(run_id, name, value, candidate=True)

    tracker.before_cell_ends.append(look)


def _scalars(tree: ast.Module, namespace: dict[str, Any]) -> list[tuple[str, float, ast.expr]]:
    """Names that read as metrics and were bound to a number here, with what they were bound to."""
    found: dict[str, tuple[str, float, ast.expr]] = {}
    for node in statements_in(tree.body):
        if isinstance(node, ast.Expr):
            for name, value in _collected(node.value, namespace):
                if is_metric_name(name) and value is not None and math.isfinite(value):
                    found[name] = (name, value, node.value)
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for name, value in _named(target, node.value, namespace):
                if is_metric_name(name) and value is not None:
                    found[name] = (name, value, node.value)
    return list(found.values())[-_MOST:]


def _named(
    target: ast.expr, value: ast.expr, namespace: dict[str, Any]
) -> Iterator[tuple[str, float | None]]:
    if isinstance(target, ast.Name):
        yield target.id, as_number(namespace.get(target.id))
        if isinstance(value, ast.Dict):
            yield from _entries(namespace.get(target.id))
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _named(part, value, namespace)
    elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        holder = namespace.get(target.value.id) if isinstance(target.value, ast.Name) else None
        key = target.slice.value
        if isinstance(holder, dict) and isinstance(key, str):
            yield key, as_number(holder.get(key))


def _collected(node: ast.expr, namespace: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    """The latest of what a list collects: ``history["loss"].append(x)``, a row of ``results``."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return
    holder = node.func.value
    if node.func.attr != "append" or not isinstance(holder, ast.Name | ast.Subscript):
        return
    if isinstance(holder, ast.Name):
        rows = namespace.get(holder.id)
        if type(rows) is list and rows:
            yield from _entries(rows[-1])
    elif isinstance(holder.value, ast.Name) and isinstance(holder.slice, ast.Constant):
        owner, key = namespace.get(holder.value.id), holder.slice.value
        values = dict.get(owner, key) if isinstance(owner, dict) else None
        if isinstance(key, str) and type(values) is list and values:
            yield key, as_number(values[-1])


def _entries(value: Any) -> Iterator[tuple[str, float | None]]:
    if isinstance(value, dict):
        for key, number in list(value.items())[:_MOST]:
            if isinstance(key, str):
                yield key, as_number(number)


def _makers(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """What this cell makes each name from, loops' targets included."""
    made: dict[str, list[ast.expr]] = {}
    for node in statements_in(tree.body):
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AugAssign):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.AsyncFor):
            pairs = [(node.target, node.iter)]
        else:
            continue
        for target, value in pairs:
            for part in ast.walk(target):
                if isinstance(part, ast.Name):
                    made.setdefault(part.id, []).append(value)
    return made


def _run_behind(tracker: Tracker, node: ast.expr, makers: dict[str, list[ast.expr]]) -> str | None:
    """The run whose model, prediction or fitted values a number was made from."""
    provenance, space = tracker.provenance, tracker.namespace
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        for part in ast.walk(waiting.pop(0)):
            if not isinstance(part, ast.Name) or part.id in seen:
                continue
            seen.add(part.id)
            value = space.get(part.id)
            if origin := provenance.origin_of(value):
                return origin.run_id
            if run_id := provenance.run_of_fitted(part.id, value):
                return run_id
            # A library may hand on a copy of what its model predicted.
            behind = {origin.run_id for origin in provenance.origins_by_content(value)}
            if len(behind) == 1:
                return behind.pop()
            waiting += makers.get(part.id, [])
    return None


def _is_known(tracker: Tracker, run_id: str, name: str, value: float) -> bool:
    """Whether the run has the number already, measured or under that name.

    So it is with another run of the cell that has measured it: the best of several is that one's.
    """
    if any(m.name == name and not m.candidate for m in tracker.metrics.of_run(run_id)):
        return True
    runs = dict.fromkeys([run_id, *tracker.trainings.now])
    measured = [m.value for run in runs for m in tracker.metrics.of_run(run)]
    return any(v is not None and math.isclose(v, value, rel_tol=_CLOSE) for v in measured)


def _gone_backward(tree: ast.AST) -> set[str]:
    """The names of losses that go backward: their curve tells more than what they were last."""
    return {
        part.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "backward"
        for part in ast.walk(node)
        if isinstance(part, ast.Name)
    }
