"""One scope while it is read: what its names hold, stand for and call."""

from __future__ import annotations

from nbmlops.tracking.inference.values import Value
from nbmlops.tracking.inference.world import Function

__all__ = ["Scope"]


class Scope:
    """The names of a module, loop or function that is read.

    `values` are what names hold; `stands_for` the parameters whose very objects a name is bound to,
    so that ``p -= g`` in ``for p in params`` changes `params`; `objects` the prefix under which an
    object's attributes are known (``self`` within a method of ``net`` is ``net``).
    """

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.values: dict[str, Value] = {}
        self.stands_for: dict[str, frozenset[str]] = {}
        self.functions: dict[str, Function] = {}
        self.objects: dict[str, str] = {}
        self.returned: list[Value] = []
        self.shared: dict[str, int] = {}
        """The names that a function says are the notebook's own, ``global w``, each with how many
        loops stand around: what a loop of the function's moves is a run of the function's own."""

    def value(self, name: str) -> Value | None:
        """What `name` holds here or in a scope around."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.parent
        return None

    def function(self, name: str) -> Function | None:
        """The function that `name` was given here or in a scope around."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.functions:
                return scope.functions[name]
            scope = scope.parent
        return None
