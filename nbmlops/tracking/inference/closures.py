"""Rule: a function that says that it trains, and gives back a function of what it worked out.

``def fit(X, y): … return predict``, where `predict` reads what the rest has made from the data.
Where it reads the data alone nothing was fitted, as in nearest neighbours; where one table goes in
it may be preparation. What a library trains inside is the library's training.
"""

from __future__ import annotations

import ast
import re

from nbmlops.tracking.code.names import called_among, names_among, terminal
from nbmlops.tracking.inference.arguments import arguments_of, is_setting
from nbmlops.tracking.inference.assignments import expanded, made_in, names_in
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.words import COUNTING, PLAIN
from nbmlops.tracking.inference.world import World

__all__ = ["find_closure", "says_that_it_trains"]

_TRAINS = re.compile(r"^_?(?:fit|train|learn)(?:_|$)", re.IGNORECASE)
_PREPARES = re.compile(r"scal|norm|standard|encod|token|vocab|whiten|impute|split|load|step|batch",
                       re.IGNORECASE)  # fmt: skip
_METHODS = {"fit", "partial_fit", "fit_transform", "fit_predict", "train", "cv", "backward",
            "optimize"}  # fmt: skip
_SOLVERS = {"minimize", "curve_fit", "least_squares", "lstsq", "polyfit", "nnls", "linregress"}
_DEEPEST = 3  # functions of the user's that are looked through for a library's training


def says_that_it_trains(name: str) -> bool:
    """Whether a function is called a training: ``train_forest``, ``fit``."""
    return bool(_TRAINS.match(name)) and not _PREPARES.search(name)


def find_closure(function: ast.FunctionDef, world: World) -> Finding | None:
    """The training that `function` says it is, if its answer reads what it has worked out."""
    taken = [name for name, default in arguments_of(function) if not is_setting(name, default)]
    data = [name for name in taken if world.function(name) is None]
    if len(data) < 2 or not says_that_it_trains(function.name):
        return None
    answer = _answer_of(function)
    if answer is None or _calls_library(function, world, _DEEPEST):
        return None
    outer = ast.Module(body=[s for s in function.body if s is not answer], type_ignores=[])
    made = made_in(outer)
    own = {a.arg for a in ast.walk(answer) if isinstance(a, ast.arg)}
    fitted = [
        name
        for name in sorted((names_in(answer) - own) & made.keys())
        if name not in taken and _is_worked_out(name, made, set(data))
    ]
    if not fitted:
        return None
    return Finding(
        method="training",
        parameters=tuple(fitted),
        data=tuple(sorted(data)),
        node=function,
        names=names_in(function),
        whole=True,
    )


def _answer_of(function: ast.FunctionDef) -> ast.FunctionDef | ast.Lambda | None:
    """The function that a function gives back at last."""
    last = function.body[-1]
    value = last.value if isinstance(last, ast.Return) else None
    if isinstance(value, ast.Lambda):
        return value
    inner = {node.name: node for node in function.body if isinstance(node, ast.FunctionDef)}
    return inner.get(value.id) if isinstance(value, ast.Name) else None


def _is_worked_out(name: str, made: dict[str, list[ast.expr]], data: set[str]) -> bool:
    """Whether it was made from data, by more than copying or taking its size."""
    parts = [n for value in made[name] for n in expanded(value, made)]
    sizes = {
        id(inner)
        for part in parts
        if isinstance(part, ast.Call | ast.Attribute)
        and terminal(part.func if isinstance(part, ast.Call) else part) in COUNTING
        for inner in ast.walk(part)
    }
    names = names_among(n for n in parts if id(n) not in sizes)
    words = called_among(parts)
    works = any(isinstance(n, ast.BinOp | ast.AugAssign) for n in parts)
    return bool(names & data) and (works or bool(words - PLAIN - COUNTING))


def _calls_library(function: ast.AST, world: World, depth: int) -> bool:
    """Whether a library trains in it, or in a function of the user's that it calls."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        method = isinstance(node.func, ast.Attribute)
        if terminal(node.func) in (_SOLVERS | _METHODS if method else _SOLVERS):
            return True
        called = world.function(node.func.id) if isinstance(node.func, ast.Name) else None
        if called is not None and depth and _calls_library(called, world, depth - 1):
            return True
    return False
