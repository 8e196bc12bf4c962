"""What an element of a collection was made from: at a loop's present turn, an entry, a column."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from nbmlops.tracking.code.data_names import handed
from nbmlops.tracking.code.makers import is_part
from nbmlops.tracking.code.names import names_among
from nbmlops.tracking.metrics.asked_models import is_predicting
from nbmlops.tracking.metrics.frame_names import FrameNames
from nbmlops.tracking.metrics.one_of_several import column_of, entry_of, turns_of

__all__ = ["Elements", "Steps"]

Steps = list[tuple[ast.AST, int]]  # expressions to go on with, each with the depth of its frame


class Elements:
    """Finds in the code of `frames`, innermost first, where elements came from.

    `earlier` gives what a name was made from in earlier cells. An answer is what to go on with,
    which may be nothing; None where it cannot be told.
    """

    def __init__(
        self,
        frames: Sequence[FrameType],
        namespace: dict[str, Any],
        names: FrameNames,
        earlier: Callable[[str], list[ast.AST]],
    ) -> None:
        self._frames, self._namespace = frames, namespace
        self._names, self._earlier = names, earlier

    def at_turn(self, name: str, value: Any, depth: int) -> Steps | None:
        """What a loop's variable stands for at this turn, and at none of the others."""
        if (depth, name) in self._names.own:
            return []  # a comprehension's own, which is walked through turn by turn
        if isinstance(value, str) or not hasattr(type(value), "__len__"):
            return None
        turns = turns_of(self._frames[depth], name)
        if turns is None:
            return None
        code = self._frames[depth].f_code
        inner = code.co_name.startswith("<") and depth + 1 < len(self._frames)
        place = depth + 1 if inner and code.co_name != "<module>" else depth
        if turns.each is not None:
            same = [n for n in turns.each if is_part(n) and self._names.held(n, place) is value]
            meant = same[:1] or [n for n in turns.each if not self._is_another(n, place)]
            return [(node, place) for node in meant]
        cell = len(self._frames) - 1
        for other, held in list(self._namespace.items()):
            if held is value and other != name and other[0] != "_":
                makers = [maker for _, maker in self._names.makers_in(cell).get(other, [])]
                # What the loop itself has kept leads back to it.
                if not any(name in names_among(ast.walk(maker)) for maker in makers):
                    return [(ast.Name(id=other, ctx=ast.Load()), cell)]
        holders = [node.id for node in ast.walk(turns.over) if isinstance(node, ast.Name)]
        entries = (self.entry(holder, value, place) for holder in holders)
        return next((entry for entry in entries if entry is not None), None)

    def entry(self, name: str, value: Any, depth: int) -> Steps | None:
        """What `value` was made from where the dict or list `name` that holds it is written out."""
        held = self._names.lookup(name, depth)
        if type(held) not in (dict, list, tuple):
            return None
        while name not in self._names.makers_in(depth):
            given = handed(self._frames, depth, name)
            if not isinstance(given, ast.Name):
                break
            name, depth = given.id, depth + 1
        for maker in self._last_makers(name, depth):
            if (entry := entry_of(maker, held, value)) is not None:
                return [] if self._is_another(entry, depth) else [(entry, depth)]
        return None

    def column(self, name: str, key: ast.expr, depth: int) -> Steps | None:
        """What a column was made from where the columns of its frame `name` are written out."""
        called = self._names.lookup(key.id, depth) if isinstance(key, ast.Name) else None
        called = key.value if isinstance(key, ast.Constant) else called
        for maker in self._last_makers(name, depth):
            if (column := column_of(maker, called)) is not None:
                return [(column, depth)]
        return None

    def _last_makers(self, name: str, depth: int) -> list[ast.AST]:
        written = self._names.makers_in(depth).get(name, [])
        made: list[ast.AST] = [maker for _, maker in written[-1:]]
        return made or self._earlier(name)[:1]

    def _is_another(self, node: ast.expr, depth: int) -> bool:
        """Whether an element is known to be another than the one whose origin is looked for."""
        if is_part(node):
            return self._names.held(node, depth) is not None
        # What a model answers is known by itself.
        return isinstance(node, ast.Call) and is_predicting(node.func)
