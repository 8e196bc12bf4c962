"""Rule: learners that a loop fits one after the other, each to what those before it got wrong.

AdaBoost weighs the rows anew, ``w *= exp(-alpha * y * prediction)`` with ``alpha`` the log of the
odds of an error; gradient boosting adds to its prediction, ``F += rate * predict(tree, X)``, where
the tree was fitted to ``y - F``. Either way the model is the list of learners: weights and
predictions are of the rows alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from nbmlops.tracking.code.frames import MODULES
from nbmlops.tracking.code.names import names_among, terminal
from nbmlops.tracking.inference.assignments import assigned_in, expanded, names_in, pairs_in
from nbmlops.tracking.inference.blocks import loops_in
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.loops import LoopReading
from nbmlops.tracking.inference.statements import Update
from nbmlops.tracking.metrics.names import is_loss_history, is_metric_name

__all__ = ["find_boosting"]

_PRODUCTS = {"dot", "matmul", "einsum", "inner", "outer", "multiply"}
_EXPONENTIAL = {"exp", "power"}


def find_boosting(reading: LoopReading, body: Sequence[ast.stmt] = ()) -> Finding | None:
    """The learners that `reading`'s loop collects, if it boosts. `body` is the code around it."""
    grown = dict(_grown_in(reading))
    if not grown:
        return None
    made = assigned_in(reading.loop, parts=True)
    for update in reading.updates:
        data = update.value.data
        if _leaves_rest(update):
            data |= _begun_with(update.name, reading.loop, body)
        if update.name in grown or len(data) < 2:
            continue
        if odds := _odds_in(update, made):
            bound = made.keys() | _gone_through(reading)
            kept = [
                name
                for name, part in grown.items()
                if names_in(part) & bound and _is_kept(update.name, part, odds)
            ]
        else:
            kept = [n for n, part in grown.items() if _is_added(update, part, made, reading)]
        if kept:
            return Finding(
                method="boosting",
                parameters=tuple(kept),
                data=tuple(sorted(data)),
                node=reading.loop,
                names=reading.names | reading.reached,
                fed=_features(update.value.data, reading),
                whole=True,
            )
    return None


def _grown_in(reading: LoopReading) -> Iterator[tuple[str, ast.expr]]:
    """The lists and arrays to which each round adds, with what it adds; histories of losses not."""
    for place, added in _added_in(reading):
        name = place.id if isinstance(place, ast.Name) else ""
        if name and not is_loss_history(name) and not is_metric_name(name):
            yield name, added


def _added_in(reading: LoopReading) -> Iterator[tuple[ast.expr, ast.expr]]:
    inner = {id(n) for loop in loops_in(reading.loop.body) for n in ast.walk(loop)}
    counter = names_in(reading.loop.target) if isinstance(reading.loop, ast.For) else frozenset()
    for node in ast.walk(reading.loop):
        if isinstance(node, ast.Assign):
            for place, value in pairs_in(node):
                if isinstance(place, ast.Subscript) and counter & names_in(place.slice):
                    yield place.value, value
        elif id(node) in inner:
            continue
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "append" and node.args:
                yield node.func.value, node.args[0]
        elif isinstance(node, ast.AugAssign) and isinstance(node.value, ast.List):
            yield node.target, node.value


def _value_of(update: Update) -> ast.expr | None:
    node = update.node
    return node.value if isinstance(node, ast.Assign | ast.AugAssign) else None


# -- weights of rows ------------------------------------------------------------------------------
def _odds_in(update: Update, made: dict[str, list[ast.expr]]) -> list[ast.expr]:
    """The odds that say how the rows are weighed: of ``w *= exp(-alpha * y * prediction)``."""
    value = _value_of(update)
    scaled = isinstance(update.node, ast.AugAssign) and isinstance(update.node.op, ast.Mult)
    if value is None or not (scaled or update.name in names_in(value)):
        return []
    for node in ast.walk(value):
        power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
        if power or (isinstance(node, ast.Call) and terminal(node.func) in _EXPONENTIAL):
            for name in sorted(names_in(node)):
                parts = [n for value in made.get(name, []) for n in expanded(value, made)]
                odds = [n for n in parts if _is_odds(n)]
                weighed = update.name in names_among(parts)
                if odds and weighed:
                    return odds
    return []


def _is_odds(node: ast.AST) -> TypeGuard[ast.expr]:
    """``(1 - error) / error``."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) for n in ast.walk(node))
    )


def _gone_through(reading: LoopReading) -> set[str]:
    """The names that loops within the loop bind."""
    inner = [n for n in ast.walk(reading.loop) if isinstance(n, ast.For) and n is not reading.loop]
    return set().union(*(names_in(n.target) for n in inner))


def _is_kept(weights: str, part: ast.expr, odds: list[ast.expr]) -> bool:
    """Whether it is a learner or its say, rather than the error or the weights of a round."""
    picked = {id(n.value) for each in odds for n in ast.walk(each) if isinstance(n, ast.Subscript)}
    errors = {
        n.id
        for each in odds
        for n in ast.walk(each)
        if isinstance(n, ast.Name) and id(n) not in picked
    }
    names = names_in(part)
    return weights not in names and not names <= errors


# -- predictions that are added up ----------------------------------------------------------------
def _leaves_rest(update: Update) -> bool:
    """``r -= rate * predict(learner, X)``: what is left of the target, rather than ``F``."""
    value = _value_of(update)
    if isinstance(update.node, ast.AugAssign):
        return isinstance(update.node.op, ast.Sub)
    return (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.Sub)
        and isinstance(value.left, ast.Name)
        and value.left.id == update.name
    )


def _begun_with(name: str, loop: ast.AST, body: Sequence[ast.stmt]) -> frozenset[str]:
    """What `name` was made from before the loop: ``y`` of ``r = y - y.mean()``."""
    before = [s for s in body if s.lineno < getattr(loop, "lineno", 0)]
    values = [
        value
        for node in before
        for place, value in pairs_in(node)
        if isinstance(place, ast.Name) and place.id == name
    ]
    called = {id(n.func) for v in values for n in ast.walk(v) if isinstance(n, ast.Call)}
    return frozenset(
        node.id
        for value in values[-1:]
        for node in ast.walk(value)
        if isinstance(node, ast.Name) and id(node) not in called and node.id not in MODULES
    )


def _is_added(
    update: Update, part: ast.expr, made: dict[str, list[ast.expr]], reading: LoopReading
) -> bool:
    """``F += rate * predict(learner, X)``: `part` is fitted to what `F` leaves, and applied."""
    value, name = _value_of(update), update.name
    if value is None or update.part or name in names_in(part):
        return False
    added = (
        isinstance(update.node.op, ast.Add)
        if isinstance(update.node, ast.AugAssign)
        else _is_sum_with(value, name)
    )
    if not added and not _leaves_rest(update):
        return False
    learners = {
        n
        for n in names_in(part) & made.keys()
        if any(name in names_among(expanded(maker, made)) for maker in made[n])
    }
    without = {n: values for n, values in made.items() if n not in learners}
    term = names_among(expanded(value, without))
    features = (term & update.value.data) - {name}
    if not added:  # a product with what is left is a projection, as in Gram and Schmidt's
        learners = {n for n in learners if any(_fits(v, name, features) for v in made[n])}
    fits = {id(n) for learner in learners for v in made[learner] for n in ast.walk(v)}
    applied = _is_applied(name, features, reading, set() if added else fits)
    return bool(learners & term and features) and not applied


def _fits(maker: ast.expr, name: str, features: frozenset[str]) -> bool:
    """Whether a function is handed what is left beside the data: ``fit_stump(X, r)``."""
    if not isinstance(maker, ast.Call) or terminal(maker.func) in _PRODUCTS:
        return False
    given = {n for argument in maker.args for n in names_in(argument)}
    return name in given and bool(features & given)


def _is_sum_with(value: ast.expr, name: str) -> bool:
    if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add)):
        return False
    return name in names_among((value.left, value.right))


def _is_applied(name: str, features: frozenset[str], reading: LoopReading, fits: set[int]) -> bool:
    """Whether `name` is a model's own weight: multiplied with something, or called on the data.

    What `fits` a learner is handed what is left of the target beside the data.
    """
    for node in ast.walk(reading.loop):
        if id(node) in fits:
            continue
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult):
            sides = [s.value if isinstance(s, ast.Subscript) else s
                     for s in (node.left, node.right)]  # fmt: skip
            if name in names_among(sides):
                return True
        elif isinstance(node, ast.Call):
            given = names_among(node.args)
            if name in given and (features & given or terminal(node.func) in _PRODUCTS):
                return True
    return False


def _features(data: frozenset[str], reading: LoopReading) -> frozenset[str]:
    """The data that columns are picked from, or that learners are applied to."""
    picked = {
        node.value.id
        for node in ast.walk(reading.loop)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
        and isinstance(node.slice, ast.Tuple)
    }  # fmt: skip
    return frozenset(data & (picked | reading.fed))
