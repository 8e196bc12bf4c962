"""A function or method of the user's: does calling it train something by hand?"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from nbmlops.tracking.code.names import names_among
from nbmlops.tracking.inference.arguments import arguments_of, is_setting
from nbmlops.tracking.inference.assignments import assigned_in, bound_in, expanded, pairs_in
from nbmlops.tracking.inference.closures import find_closure
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.namespace import NamespaceWorld
from nbmlops.tracking.inference.search import find_in_function
from nbmlops.tracking.inference.trees import find_tree
from nbmlops.tracking.inference.words import is_step
from nbmlops.tracking.inference.world import Function, InnerWorld, Kind, World

__all__ = ["Recipe", "read_function"]


_TRAINS = re.compile(r"(?:^|_)(?:fit|train|learn|build)|stump", re.IGNORECASE)


class Recipe(msgspec.Struct, frozen=True):
    """How a function trains: `data` are arguments, globals or attributes.

    `returned` are the names that it returns, in order. With `whole` its answer is the model,
    whatever it holds.
    """

    method: str
    parameters: tuple[str, ...]
    data: tuple[str, ...]
    returned: tuple[str, ...]
    names: frozenset[str]
    needs_data: bool
    signs: bool = False
    whole: bool = False


class _MethodWorld(InnerWorld):
    """A method's names: `self` is an object of the class whose methods are given."""

    def __init__(self, world: World, own: str, methods: Mapping[str, Function]) -> None:
        super().__init__(world)
        self._own, self._methods = own, methods
        self._numbers = _numbers_kept(methods.get("__init__"))

    def kind(self, name: str) -> Kind:
        if name == self._own:
            return Kind.OBJECT
        if name.startswith(f"{self._own}."):
            attribute = name.partition(".")[2]
            plain = is_step(attribute) or attribute in self._numbers
            return Kind.NUMBER if plain else Kind.UNKNOWN
        return super().kind(name)

    def methods(self, owner: str, name: str) -> tuple[Function, ...]:
        if owner != self._own:
            return super().methods(owner, name)
        return (self._methods[name],) if name in self._methods else ()


def read_function(
    function: ast.FunctionDef,
    namespace: Mapping[str, Any],
    methods: Mapping[str, Function] | None = None,
    handed: Collection[str] = (),
) -> Recipe | None:
    """How `function` trains, if it does. `methods` are those of its class, if it is a method.

    `handed` are those of its arguments that stand in `namespace`, as the objects of one call.
    """
    world: World = NamespaceWorld(namespace)
    taken = arguments_of(function)
    if methods is not None and taken:
        own, _ = taken.pop(0)
        world = _MethodWorld(world, own, methods)
    known = {name for name, _ in taken}
    taken = [(name, default) for name, default in taken if name not in handed]
    tree = find_tree(function, world) if methods is None else None
    closure = find_closure(function, world) if methods is None else None
    for finding in (tree, *find_in_function(function, world, taken), closure):
        if finding is None:
            continue
        if finding.method == "decision stump" and not _TRAINS.search(function.name):
            continue  # a tree looks for its best split so, at each of its nodes
        if finding.data or not finding.needs_data:
            return _recipe(function, finding, known)
    return None


def _recipe(function: ast.FunctionDef, finding: Finding, arguments: set[str]) -> Recipe:
    bound = bound_in(function) - arguments
    # What stands in a name of the function's own was made from its arguments, any of them.
    made = arguments if bound & set(finding.data) else _behind(function, finding) & arguments
    return Recipe(
        method=finding.method,
        parameters=finding.parameters,
        data=tuple(sorted((set(finding.data) - bound) | made)),
        returned=_returned(function),
        names=finding.names,
        needs_data=finding.needs_data,
        signs=finding.signs,
        whole=finding.whole,
    )


def _behind(function: ast.FunctionDef, finding: Finding) -> frozenset[str]:
    """The names that its data was made from: ``time`` of ``X = X[np.argsort(time)]``."""
    made = assigned_in(function)
    data = ast.Tuple([ast.Name(name, ast.Load()) for name in finding.data], ast.Load())
    return names_among(expanded(data, made)) - set(finding.parameters)


def _numbers_kept(constructor: Function | None) -> frozenset[str]:
    """The attributes in which a constructor keeps arguments that are numbers by their default."""
    if not isinstance(constructor, ast.FunctionDef):
        return frozenset()
    taken = arguments_of(constructor)
    numbers = {name for name, default in taken if is_setting(name, default)}
    return frozenset(
        place.attr
        for node in ast.walk(constructor)
        if isinstance(node, ast.Assign)
        for place, value in pairs_in(node)
        if isinstance(place, ast.Attribute) and isinstance(value, ast.Name) and value.id in numbers
    )


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
