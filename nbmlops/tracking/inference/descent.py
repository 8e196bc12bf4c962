"""Rule: parameters that a loop moves by a step made from data and their own value.

Gradient descent in all its forms (plain, stochastic, momentum, Adam, by ``.grad``), perceptrons,
Newton steps, self-organising maps: ``w = w ± f(w, data)``, where `f` compares what `w` makes of
data.
"""

from __future__ import annotations

import ast

from nbmlops.tracking.code.names import called_among, names_among, terminal
from nbmlops.tracking.inference.assignments import assigned_in, expanded, names_in
from nbmlops.tracking.inference.drawing import anneals, draws_anew, wanders
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.loops import LoopReading
from nbmlops.tracking.inference.statements import Update
from nbmlops.tracking.inference.values import Stage
from nbmlops.tracking.inference.words import SIMULATED, is_step

__all__ = ["find_descent", "propagates"]

_SUMMED = {"sum", "dot", "matmul", "inner", "vdot"}
_BOUNDED = {"clip", "maximum", "minimum", "max", "min", "clamp"}
_SOLVING = {"inv", "solve", "pinv", "lstsq", "cho_solve"}


def find_descent(reading: LoopReading) -> Finding | None:
    """The parameters that `reading`'s loop moves, if it does."""
    if any(SIMULATED.match(name) for name in reading.names):
        return None
    moved = [u for u in reading.updates if _moves(u, reading)]
    if not moved and any(is_step(name) for name in reading.names):
        # The prediction of the round before is compared first in this one.
        moved = [u for u in reading.lagged if _moves(u, reading) and u.value.residual]
    dual = not moved
    if dual:
        moved = [u for u in reading.lagged if _is_dual(u, reading)]
    drawn = draws_anew(reading)
    moved = [
        u
        for u in moved
        if not propagates(u.name, reading)
        and u.name not in drawn
        and not wanders(u.name, u.node, reading)
    ]
    moved = [u for u in moved if not _only_gains(u, moved)]
    if not moved or _solves_system({u.name for u in moved}, reading):
        return None
    names = list(dict.fromkeys(u.name for u in moved))
    met = [name for name in names if name in reading.met]
    # What an optimizer keeps count of makes no prediction, and no gradient comes from it.
    judged = {u.name for u in moved if u.name in u.value.held}
    judged |= {n for u in reading.updates if u.name not in names for n in u.value.states}
    fitted = [name for name in met if name in judged] or met or names
    data = frozenset[str]().union(*(u.value.data for u in moved))
    return Finding(
        method="dual ascent" if dual else _method(reading, moved),
        parameters=tuple(fitted),
        data=tuple(sorted(data)),
        node=reading.loop,
        names=reading.names | reading.reached,
        fed=reading.fed,
    )


def _moves(update: Update, reading: LoopReading) -> bool:
    value = update.value
    return (
        update.name in value.own
        and value.rest is Stage.WEIGHED
        and bool(value.data)
        and not update.factor
        and bool(value.held & reading.group(update.name))
    )


def propagates(name: str, reading: LoopReading) -> bool:
    """Whether `name` is a state that a matrix carries on in time, as a Kalman filter's is."""
    return any(
        u.name == name
        and isinstance(u.node, ast.Assign)
        and u.value.rest is Stage.MET
        and u.value.held == {name}
        and bool(u.value.data)
        for u in reading.updates
    )


def _is_dual(update: Update, reading: LoopReading) -> bool:
    """Whether it is a multiplier of a machine's data points: of their weighted sum, and bounded.

    Or counted up where that sum is on the wrong side, as a kernel perceptron's.
    """
    value, node = update.value, update.node
    if update.name not in value.held or len(value.data) < 2:
        return False
    summed = any(
        update.name in names_in(part)
        and (
            (isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult))
            or (isinstance(part, ast.Call) and terminal(part.func) in _SUMMED)
        )
        for part in ast.walk(reading.loop)
    )
    if not summed:
        return False
    if isinstance(node, ast.AugAssign):
        counted = isinstance(node.op, ast.Add) and isinstance(node.value, ast.Constant)
        return counted and update.part and value.rest is Stage.JUDGED
    bounded = isinstance(node, ast.Assign) and called_among(ast.walk(node.value)) & _BOUNDED
    return bool(bounded) and value.rest is Stage.WEIGHED


def _only_gains(update: Update, moved: list[Update]) -> bool:
    """Whether it only says how far to move another, as a recursive estimate's covariance does."""
    return not update.value.residual and any(
        other.value.residual and update.name in other.value.held and update.name != other.name
        for other in moved
        if update.value.states <= {update.name}
    )


def _solves_system(moved: set[str], reading: LoopReading) -> bool:
    """Whether conjugate directions do: ``p = r + beta * p``, where `r` moves by itself."""
    for node in ast.walk(reading.loop):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            left, right, target = node.value.left, node.value.right, node.targets[0]
            if (
                isinstance(node.value.op, ast.Add)
                and isinstance(target, ast.Name)
                and isinstance(left, ast.Name)
                and left.id != target.id
                and target.id in names_in(right)
                and moved & names_among(expanded(left, assigned_in(reading.loop)))
            ):
                return True
    return False


def _method(reading: LoopReading, moved: list[Update]) -> str:
    if reading.words & _SOLVING:
        return "Newton's method"
    if anneals(reading):
        return "simulated annealing"
    tests = [n for n in ast.walk(reading.loop) if isinstance(n, ast.If)]
    guarded = {id(part) for test in tests for part in ast.walk(test)}
    if all(id(u.node) in guarded for u in moved) and not reading.words & {"exp", "sigmoid"}:
        return "perceptron"
    if all(u.deep for u in moved):
        return "stochastic gradient descent"
    return "gradient descent"
