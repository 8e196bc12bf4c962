"""A function or method of the user's: does calling it train something by hand?"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec

from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.namespace import NamespaceWorld
from nbmlops.tracking.inference.search import find_trainings
from nbmlops.tracking.inference.statements import StatementReader
from nbmlops.tracking.inference.values import FREE, Value
from nbmlops.tracking.inference.words import is_step
from nbmlops.tracking.inference.world import Function, Kind, World

__all__ = ["Recipe", "read_function"]


_COUNT = re.compile(
    r"^(?:n|k|num|max|min)(?:_\w+)?$|^(?:mini_?)?batch_?size$|.*(?:epochs?|iters?)$"
)


class Recipe(msgspec.Struct, frozen=True):
    """How a function trains: `data` are arguments, globals or attributes.

    `returned` are the names that it returns, in order."""

    method: str
    parameters: tuple[str, ...]
    data: tuple[str, ...]
    returned: tuple[str, ...]
    names: frozenset[str]
    needs_data: bool


class _MethodWorld:
    """A method's names: `self` is an object of the class whose methods are given."""

    def __init__(self, world: World, own: str, methods: Mapping[str, Function]) -> None:
        self._world, self._own, self._methods = world, own, methods

    def kind(self, name: str) -> Kind:
        if name == self._own:
            return Kind.OBJECT
        if name.startswith(f"{self._own}."):
            return Kind.NUMBER if is_step(name.partition(".")[2]) else Kind.UNKNOWN
        return self._world.kind(name)

    def holders(self, name: str) -> frozenset[str]:
        return self._world.holders(name)

    def function(self, name: str) -> Function | None:
        return self._world.function(name)

    def method(self, owner: str, name: str) -> Function | None:
        return self._methods.get(name) if owner == self._own else self._world.method(owner, name)


def read_function(
    function: ast.FunctionDef,
    namespace: Mapping[str, Any],
    methods: Mapping[str, Function] | None = None,
) -> Recipe | None:
    """How `function` trains, if it does. `methods` are those of its class, if it is a method."""
    world: World = NamespaceWorld(namespace)
    spelled = [*function.args.posonlyargs, *function.args.args]
    if methods is not None and spelled:
        world = _MethodWorld(world, spelled.pop(0).arg, methods)
    reader = StatementReader(world, frozenset())
    defaults = [None] * (len(spelled) - len(function.args.defaults)) + list(function.args.defaults)
    taken = [*zip(spelled, defaults, strict=False)]
    taken += list(zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True))
    for argument, default in taken:
        reader.root.values[argument.arg] = _given(argument.arg, default)
    body = function.body
    first = next((n for n, s in enumerate(body) if _has_loop(s)), len(body))
    reader.run_body(body[:first])
    found = find_trainings(body, world, reader.root)
    known = {argument.arg for argument, _ in taken}
    for finding in found:
        if finding.data or not finding.needs_data:
            return _recipe(function, finding, known)
    return None


def _recipe(function: ast.FunctionDef, finding: Finding, arguments: set[str]) -> Recipe:
    bound = {n.id for n in ast.walk(function) if _is_stored(n)} - arguments
    # What stands in a name of the function's own was made from its arguments, any of them.
    made = arguments if bound & set(finding.data) else set()
    return Recipe(
        method=finding.method,
        parameters=finding.parameters,
        data=tuple(sorted((set(finding.data) - bound) | made)),
        returned=_returned(function),
        names=finding.names,
        needs_data=finding.needs_data,
    )


def _is_stored(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _given(name: str, default: ast.expr | None) -> Value:
    number = isinstance(default, ast.Constant) and isinstance(
        default.value, bool | int | float | str
    )
    if number or is_step(name) or _COUNT.match(name):
        return FREE
    return Value(data=frozenset({name}))


def _has_loop(statement: ast.stmt) -> bool:
    return any(isinstance(n, ast.For | ast.AsyncFor | ast.While) for n in ast.walk(statement))


def _returned(function: ast.FunctionDef) -> tuple[str, ...]:
    """What the last return hands back, as names where it is names."""
    last: ast.expr | None = None
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            last = node.value
    if last is None:
        return ()
    parts = last.elts if isinstance(last, ast.Tuple) else [last]
    return tuple(part.id if isinstance(part, ast.Name) else "" for part in parts)
