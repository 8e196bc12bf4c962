"""What names, and parts of what they hold, stand for in a call's frames, and what makes them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import FrameType
from typing import Any

from nbmlops.tracking.code.makers import assignments, scope_of
from nbmlops.tracking.metrics.filling import is_table

__all__ = ["FrameNames"]


class FrameNames:
    """The names of `frames`, innermost first, each by its depth among them.

    `own` are the variables of comprehensions while they are walked through, by depth and name.
    """

    def __init__(self, frames: Sequence[FrameType], namespace: dict[str, Any]) -> None:
        self._frames, self._namespace = frames, namespace
        self.own: dict[tuple[int, str], Any] = {}
        self._makers: dict[int, dict[str, list[tuple[int, ast.expr]]]] = {}

    def lookup(self, name: str | None, depth: int) -> Any:
        """What a name holds; None for none."""
        if name is None:
            return None
        if (depth, name) in self.own:
            return self.own[(depth, name)]
        frame = self._frames[depth]
        return frame.f_locals.get(name, frame.f_globals.get(name, self._namespace.get(name)))

    def held(self, node: ast.expr, depth: int) -> Any:
        """What a name, or a part of one, holds; no code of the object's own is run."""
        if isinstance(node, ast.Name):
            return self.lookup(node.id, depth)
        if isinstance(node, ast.Subscript):
            return self._entry(node, depth)
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            return None
        owner = self.lookup(node.value.id, depth)
        fields = getattr(type(owner), "_fields", ())
        if issubclass(type(owner), tuple) and node.attr in fields:  # a named tuple's own
            return tuple.__getitem__(owner, fields.index(node.attr))
        try:
            return vars(owner).get(node.attr)
        except TypeError:
            return None

    def _entry(self, node: ast.Subscript, depth: int) -> Any:
        """What stands in a list or dict under a key that is written, or that a name holds."""
        owner = self.held(node.value, depth)
        if type(owner) not in (list, tuple, dict):
            return None
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        key = self.lookup(node.slice.id, depth) if isinstance(node.slice, ast.Name) else key
        try:
            return owner[key] if type(key) in (int, str) else None
        except (LookupError, TypeError):
            return None

    def makers_in(self, depth: int) -> dict[str, list[tuple[int, ast.expr]]]:
        """What is assigned to each name and part in a frame's code, each with its line."""
        if depth not in self._makers:
            scope = scope_of(self._frames[depth])
            self._makers[depth] = assignments(scope) if scope is not None else {}
        return self._makers[depth]

    def spelled(self, node: ast.Attribute | ast.Subscript, depth: int) -> str:
        """A part as the code that makes it spells it: ``table.p`` is made as ``table['p']``."""
        if isinstance(node, ast.Attribute) and is_table(self.held(node.value, depth)):
            return f"{ast.unparse(node.value)}[{node.attr!r}]"
        return ast.unparse(node)
