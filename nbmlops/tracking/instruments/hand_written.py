"""Trainings that call no library: found in a cell's code when it has run, kept as inferred runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.records import Gap, now
from nbmlops.tracking.brevity import plain_number
from nbmlops.tracking.code.frames import root_name
from nbmlops.tracking.code.makers import data_beside
from nbmlops.tracking.code.names import terminal
from nbmlops.tracking.code.written_out import is_written_out
from nbmlops.tracking.inference.assignments import bound_in, grown_in
from nbmlops.tracking.inference.blocks import statements_in
from nbmlops.tracking.inference.cell import parse_cell, trainings_in_cell
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.fitted_values import as_number, curve_of, kept, last_losses
from nbmlops.tracking.inference.hyperparameters import CHOSEN, literals, read_settings
from nbmlops.tracking.inference.namespace import NamespaceWorld
from nbmlops.tracking.inference.search import may_train
from nbmlops.tracking.inference.shape import shape_of
from nbmlops.tracking.instruments.hand_written_data import data_of
from nbmlops.tracking.instruments.held_settings import held_settings, literals_handed, with_helpers
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.moved_objects import is_trained_object, module_owning, settings_of
from nbmlops.tracking.session.cells import ExecutedCell
from nbmlops.tracking.trainings.examples import example_of
from nbmlops.tracking.trainings.inputs import Argument, input_of
from nbmlops.tracking.trainings.parameters import named_parameters
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

_PLAIN = (bool, int, float, str)

__all__ = ["is_dismissed", "is_exercise", "watch_hand_written"]


def watch_hand_written(tracker: Tracker) -> None:
    """Look at each cell once more before it ends."""

    def look(cell: ExecutedCell) -> None:
        _remember_made(tracker, cell)
        if not may_train(cell.source):
            return
        found = trainings_in_cell(cell.source, tracker.namespace)
        if found and is_dismissed(tracker):
            return
        for finding in found:
            if not is_exercise(tracker, finding.method, finding.data):
                _take(tracker, cell, finding)

    tracker.before_cell_ends.append(look)


def _take(tracker: Tracker, cell: ExecutedCell, finding: Finding) -> None:
    world = NamespaceWorld(tracker.namespace)
    fitted = {name: world.value(name) for name in finding.parameters}
    holders = {name.partition(".")[0] for name in finding.parameters if "." in name}
    owner = module_owning(tracker, next(iter(fitted.values()))) if len(fitted) == 1 else None
    if owner is not None:
        fitted = dict([owner])
    elif len(holders) == 1 and all("." in name for name in finding.parameters):
        (holder,) = holders
        fitted = {holder: world.value(holder)}
    if any(tracker.trainings.of(value) is not None for value in fitted.values()):
        return
    data, names = data_of(finding, cell, world)
    parameters, hidden = named_parameters(_settings(tracker, cell, finding))
    if len(fitted) == 1 and is_trained_object(_first(fitted)):
        own, more_hidden = settings_of(tracker, _first(fitted))
        parameters, hidden = (*own, *parameters), (*hidden, *more_hidden)
    helpers = {n: v for n, v in tracker.namespace.items() if n not in {*fitted, *finding.data}}
    parameters = with_helpers(tracker, finding.node, helpers, parameters)
    measured = _measured_in(finding.node, tracker.namespace)
    model = kept(fitted)
    training = Training(
        kind="inferred",
        model=model,
        model_class=class_path(_first(fitted)),
        name=f"{finding.method} ({', '.join(fitted if owner else finding.parameters)})"[:100],
        started=cell.started,
        duration=(now() - cell.started).total_seconds(),
        parameters=parameters,
        redacted=list(hidden),
        metrics=last_losses(measured),
        gaps=_changed(cell, finding),
        data_name=finding.data[0] if finding.data else None,
        sample=example_of(data[names["X"]]) if "X" in names else None,
    )
    if curve := curve_of(measured):
        training.tables["curve"] = curve
    training.inputs = [input_of(Argument(role, data[name], name)) for role, name in names.items()]
    tracker.trainings.add(training)
    for name, value in fitted.items():
        tracker.provenance.remember_fitted(name, value, training.id)
    tracker.metrics.link(training.id, fitted)


def _remember_made(tracker: Tracker, cell: ExecutedCell) -> None:
    """Remember what a cell has made from fitted values: a prediction, to be judged later."""
    provenance, space = tracker.provenance, tracker.namespace
    if not any(name in cell.source for name in provenance.fitted_names):
        return
    tree = parse_cell(cell.source)
    for node in tree.body if tree else ():
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        made = space.get(node.targets[0].id)
        if provenance.run_of(made) is not None or provenance.origin_of(made) is not None:
            continue
        for name in (n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)):
            value = space.get(name)
            run_id = (
                provenance.run_of_fitted(name, value) if name in provenance.fitted_names else None
            )
            origin = provenance.origin_of(value)
            if run_id is not None:
                provenance.remember_prediction(made, run_id, data_beside(node.value, name))
                break
            if origin is not None:
                provenance.remember_prediction(made, origin.run_id, origin.data)
                break


def is_exercise(tracker: Tracker, method: str, data: Iterable[str]) -> bool:
    """Whether an iteration is linear algebra on matrices that stand in the code."""
    if method != "power iteration":
        return False
    cells = [executed.source for executed in reversed(tracker.history.executed)]
    return all(is_written_out(name, cells) for name in data)


def _first(fitted: Mapping[str, Any]) -> Any:
    """What was fitted, as its class is told: an array sooner than a number."""
    pairs = [(value, _first_within(value)) for value in fitted.values()]
    # What is held beside numbers and names of features is told by what holds it.
    values = [held if isinstance(first, int | str) else first for held, first in pairs]
    return next((v for v in values if not isinstance(v, float)), values[0])


def _first_within(value: Any) -> Any:
    """The first array of a list or dict of them."""
    while type(value) in (list, tuple, dict) and value:
        value = next(iter(value.values() if isinstance(value, dict) else value))
    return value


def _settings(tracker: Tracker, cell: ExecutedCell, finding: Finding) -> dict[str, Any]:
    """Literals of this cell, then of the cells before it, latest first."""
    tree = parse_cell(cell.source)
    here = literals(tree.body if tree else [])
    wanted = finding.names - here.keys() - _bound_at_top(tree)
    earlier: dict[str, Any] = {}
    for executed in reversed(tracker.history.executed[:-1]):
        if not wanted:
            break
        if not any(re.search(rf"\b{re.escape(n)}\b[^=\n]*=", executed.source) for n in wanted):
            continue
        before = parse_cell(executed.source)
        for name, value in literals(before.body if before else []).items():
            if name in wanted:
                earlier.setdefault(name, value)
        wanted = wanted - earlier.keys() - _bound_at_top(before)
    current = tracker.namespace
    written = read_settings(finding.names, [here, earlier], finding.parameters)
    chosen = {name for name, value in written.items() if value is CHOSEN}
    found = {
        name: value
        for name, value in written.items()
        # What the loop itself counts or keeps is no setting of it.
        if name not in bound_in(finding.node) and type(current.get(name)) is type(value)
    }
    tried = _tried(tree, finding) if tree else set()
    tried |= chosen - bound_in(finding.node)
    now_there = {name: plain_number(current.get(name)) for name in sorted(tried)}
    found |= {n: v for n, v in now_there.items() if type(v) in _PLAIN}
    handed = literals_handed(finding.node, current, finding.parameters)
    return handed | held_settings(tracker, finding.node, finding.parameters) | found


def _tried(tree: ast.Module, finding: Finding) -> set[str]:
    """The settings that a loop around a training goes through: ``for s in (0.1, 1.0): w = …``."""
    line = getattr(finding.node, "lineno", 0)
    tried: set[str] = set()
    for loop in (n for n in ast.walk(tree) if isinstance(n, ast.For)):
        inside = any(isinstance(n, ast.stmt) and n.lineno == line for n in ast.walk(loop))
        if not inside or loop.lineno == line:
            continue
        over, target = loop.iter, loop.target
        word = terminal(over.func) if isinstance(over, ast.Call) else ""
        if word == "enumerate" and isinstance(target, ast.Tuple):
            target = target.elts[-1]
        if word != "range":  # which only counts
            tried |= bound_in(target) & finding.names
    return tried - {name.partition(".")[0] for name in finding.parameters}


def _bound_at_top(tree: ast.Module | None) -> set[str]:
    """The names that a cell binds in the notebook, to whatever."""
    bound: set[str] = set()
    for node in statements_in(tree.body if tree else []):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            bound |= bound_in(node)
    return bound


def _measured_in(node: ast.AST, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The scalars that a loop binds and the lists or arrays that it adds to, by name."""
    bound = bound_in(node)
    grown = grown_in(node)
    return {
        name: value
        for name, value in namespace.items()
        if name in grown or (name in bound and as_number(value) is not None)
    }


def _changed(cell: ExecutedCell, finding: Finding) -> list[Gap]:
    """The data is named when the cell is over; what the cell may have changed since is said."""
    tree = parse_cell(cell.source)
    start = getattr(finding.node, "lineno", 0)
    changed = set()
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.Name | ast.Subscript) or node.lineno < start:
            continue
        if isinstance(node.ctx, ast.Store | ast.Del) and (root := root_name(node)):
            changed.add(root)
    return [
        Gap(what="data", why=f"{name} was named after its cell, which may have changed it.")
        for name in finding.data
        if name in changed
    ]


def is_dismissed(tracker: Tracker) -> bool:
    """Whether a run of a cell of this shape, in this notebook, was dismissed."""
    shape = shape_of(tracker.history.executed[-1].source)
    return any(
        run.kind == "inferred"
        and run.dismissed_by is not None
        and shape_of(run.cell.source) == shape
        for run in tracker.journal.runs(tracker.notebook)
    )
