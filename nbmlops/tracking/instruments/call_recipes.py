"""Functions that train what they are handed by methods of it: read as they are called.

``def train(net, X, y, optimizer)`` shows no step of its own: the layers' and the optimizer's
classes do. Which these are is known when it is called, so it is read then, once for each set of
classes.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from nbmlops.tracking.code.own import definition_of
from nbmlops.tracking.inference import words
from nbmlops.tracking.inference.arguments import arguments_of
from nbmlops.tracking.inference.function import Recipe, read_function
from nbmlops.tracking.inference.namespace import kind_of
from nbmlops.tracking.inference.search import may_train
from nbmlops.tracking.inference.world import Kind
from nbmlops.tracking.trainings.binding import bind

__all__ = ["CallRecipes", "asking_function"]

_ARRAYS = words.PLAIN | words.MULTIPLYING | words.SUMMING | words.BENDING
_ARRAYS |= words.COUNTING | words.ALTERING
_VAIN = 50  # calls after which a function that has trained nothing yet is left alone


def asking_function(function: FunctionType) -> ast.FunctionDef | None:
    """The code of a function whose loops call methods of what it is handed, other than arrays'."""
    definition = definition_of(function)
    if not isinstance(definition, ast.FunctionDef) or inspect.isgeneratorfunction(function):
        return None
    if not may_train(ast.unparse(definition)):
        return None
    taken = {name for name, _ in arguments_of(definition)}
    for loop in (n for n in ast.walk(definition) if isinstance(n, ast.For | ast.While)):
        for node in ast.walk(loop):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            of = node.func.value
            if isinstance(of, ast.Name) and of.id in taken and node.func.attr not in _ARRAYS:
                return definition
    return None


class CallRecipes:
    """How a function trains, by the classes of the user's objects that it is handed."""

    def __init__(self, definition: ast.FunctionDef) -> None:
        self._definition = definition
        self._known: dict[frozenset[tuple[str, type]], Recipe | None] = {}
        self._calls = 0

    @property
    def are_vain(self) -> bool:
        """Whether it has been called often enough, and never trained."""
        return self._calls > _VAIN

    def of(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Recipe | None:
        """How this call trains, if it does."""
        try:
            bound = bind(function, args, kwargs)
        except (TypeError, ValueError):
            return None  # the call itself will say what is wrong with it
        bound.apply_defaults()
        handed = {n: v for n, v in bound.arguments.items() if kind_of(v) is Kind.OBJECT}
        key = frozenset((name, type(value)) for name, value in handed.items())
        if key not in self._known:
            around = {**getattr(function, "__globals__", {}), **handed}
            self._known[key] = read_function(self._definition, around, handed=handed)
        self._calls = 0 if self._known[key] is not None else self._calls + 1
        return self._known[key]
