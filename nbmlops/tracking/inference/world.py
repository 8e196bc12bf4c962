"""What code can know of the names around it: their kinds, and the functions that they name."""

from __future__ import annotations

import ast
from enum import Enum
from typing import Protocol

__all__ = ["Function", "Kind", "SourceWorld", "World"]

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Kind(Enum):
    """What a name from outside is bound to. An object has a class of the user's."""

    DATA = "data"
    NUMBER = "number"
    OBJECT = "object"
    OTHER = "other"
    UNKNOWN = "unknown"


class World(Protocol):
    """Answers for the names around a piece of code."""

    def kind(self, name: str) -> Kind:
        """What `name`, which may be dotted as ``self.X``, is bound to."""
        ...

    def function(self, name: str) -> Function | None:
        """The user's function of that name, as written."""
        ...

    def method(self, owner: str, name: str) -> Function | None:
        """The method `name` of the user's class that the object `owner` has."""
        ...


class SourceWorld:
    """Knows only a module's own source: its functions, and the methods of `self_class`."""

    def __init__(self, tree: ast.AST, self_class: ast.ClassDef | None = None) -> None:
        self._functions: dict[str, Function] = {}
        self._classes: dict[str, ast.ClassDef] = {}
        self._objects: dict[str, ast.ClassDef] = {}
        for node in getattr(tree, "body", []):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                self._functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                self._classes[node.name] = node
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            name, made = node.targets[0].id, node.value
            if isinstance(made, ast.Lambda):
                self._functions[name] = made
            elif isinstance(made, ast.Call) and isinstance(made.func, ast.Name):
                known = self._classes.get(made.func.id)
                if known is not None and not known.bases:
                    self._objects[name] = known
        if self_class is not None:
            self._objects["self"] = self_class

    def kind(self, name: str) -> Kind:
        """An object of the source's own classes, or not known."""
        if name in self._objects:
            return Kind.OBJECT
        if name in self._functions or name in self._classes:
            return Kind.OTHER
        return Kind.UNKNOWN

    def function(self, name: str) -> Function | None:
        """A function of the source."""
        return self._functions.get(name)

    def method(self, owner: str, name: str) -> Function | None:
        """A method of a class of the source."""
        known = self._objects.get(owner)
        for node in known.body if known else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                return node
        return None
