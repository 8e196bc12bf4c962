"""What code can know of the names around it: their kinds, and the functions that they name."""

from __future__ import annotations

import ast
from enum import Enum
from typing import Protocol

__all__ = ["Function", "InnerWorld", "Kind", "World"]

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
        """The user's function of that name, which may be dotted as ``Net.step``, as written."""
        ...

    def methods(self, owner: str, name: str) -> tuple[Function, ...]:
        """The method `name` of the user's class that the object `owner` has.

        Of a list of objects, that of each of their classes.
        """
        ...

    def holders(self, name: str) -> frozenset[str]:
        """The lists and dicts of arrays that hold the very object that `name` is bound to."""
        ...


class InnerWorld:
    """Names as code within another sees them: what it does not tell itself is asked `outside`."""

    def __init__(self, outside: World) -> None:
        self._outside = outside

    def kind(self, name: str) -> Kind:
        return self._outside.kind(name)

    def function(self, name: str) -> Function | None:
        return self._outside.function(name)

    def methods(self, owner: str, name: str) -> tuple[Function, ...]:
        return self._outside.methods(owner, name)

    def holders(self, name: str) -> frozenset[str]:
        return self._outside.holders(name)
