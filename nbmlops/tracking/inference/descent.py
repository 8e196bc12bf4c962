"""Rule: parameters that a loop moves by a step made from data and their own value.

Gradient descent in all its forms (plain, stochastic, momentum, Adam, by ``.grad``), perceptrons,
Newton steps, self-organising maps: ``w = w ± f(w, data)``, where `f` compares what `w` makes of
data.
"""

from __future__ import annotations

import ast

from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.loops import LoopReading
from nbmlops.tracking.inference.statements import Update
from nbmlops.tracking.inference.values import Stage
from nbmlops.tracking.inference.words import SIMULATED, is_step

__all__ = ["find_descent", "propagates"]

_SOLVING = {"inv", "solve", "pinv", "lstsq", "cho_solve"}


def find_descent(reading: LoopReading) -> Finding | None:
    """The parameters that `reading`'s loop moves, if it does."""
    if any(SIMULATED.match(name) for name in reading.names):
        return None
    moved = [u for u in reading.updates if _moves(u, reading)]
    if not moved and any(is_step(name) for name in reading.names):
        # The prediction of the round before is compared first in this one.
        moved = [u for u in reading.lagged if _moves(u, reading) and u.value.residual]
    moved = [u for u in moved if not propagates(u.name, reading)]
    if not moved:
        return None
    names = list(dict.fromkeys(u.name for u in moved))
    met = [name for name in names if name in reading.met]
    # What an optimizer keeps count of makes no prediction, and no gradient comes from it.
    judged = {u.name for u in moved if u.name in u.value.held}
    judged |= {n for u in reading.updates if u.name not in names for n in u.value.states}
    fitted = [name for name in met if name in judged] or met or names
    data = frozenset[str]().union(*(u.value.data for u in moved))
    return Finding(
        method=_method(reading, moved),
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


def _method(reading: LoopReading, moved: list[Update]) -> str:
    if reading.words & _SOLVING:
        return "Newton's method"
    tests = [n for n in ast.walk(reading.loop) if isinstance(n, ast.If)]
    guarded = {id(part) for test in tests for part in ast.walk(test)}
    if all(id(u.node) in guarded for u in moved) and not reading.words & {"exp", "sigmoid"}:
        return "perceptron"
    if all(u.deep for u in moved):
        return "stochastic gradient descent"
    return "gradient descent"
