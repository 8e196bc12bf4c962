"""Follows a metric's arguments through the code that made them, to predictions and models."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from types import FrameType, ModuleType
from typing import Any

from nbmlops.tracking.code.data_names import caller_name, handed
from nbmlops.tracking.code.frames import root_name
from nbmlops.tracking.code.makers import data_beside, is_part
from nbmlops.tracking.metrics.asked_models import asked_about, run_asked
from nbmlops.tracking.metrics.elements import Elements, Steps
from nbmlops.tracking.metrics.filling import is_table
from nbmlops.tracking.metrics.frame_names import FrameNames
from nbmlops.tracking.metrics.measured_rows import rows_of
from nbmlops.tracking.metrics.provenance import Origin, Provenance

__all__ = ["CodeWalk"]

_DEEPEST = 40
_MOST_MEMBERS = 20  # of a list that a comprehension goes over
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class CodeWalk:
    """Follows expressions down to predictions and models; `found` are their origins, in order."""

    def __init__(
        self,
        provenance: Provenance,
        frames: Sequence[FrameType],
        namespace: dict[str, Any],
        *,
        back: bool = False,
        rows: int | None = None,
    ) -> None:
        """`back` says that the code of earlier cells is followed, too.

        With `rows` only that of arrays of as many rows: what is joined to a prediction, perhaps.
        """
        self.found: list[Origin] = []
        self._back, self._rows = back, rows
        self._provenance, self._frames, self._namespace = provenance, frames, namespace
        self._seen: set[tuple[int, str]] = set()
        self._names = FrameNames(frames, namespace)
        self._earlier = provenance.earlier if back else _not_followed
        self._elements = Elements(frames, namespace, self._names, self._earlier)
        self._alone: set[int] = set()  # which of `found` stand beside no data where they are named

    def visit(self, node: ast.AST, depth: int, within: ast.AST | None = None) -> None:
        """Follow `node`, which stands in frame `depth`, as a part of the expression `within`."""
        if len(self._seen) > _DEEPEST:
            return
        around = node
        if isinstance(node, ast.Call):
            if self._predicts(node, depth):
                return
            parts: Iterable[ast.AST] = [*node.args, *(k.value for k in node.keywords)]
            if isinstance(node.func, ast.Attribute):
                if not node.args:  # ``X @ w.numpy()``: the data stands beside the call
                    around = within or node
                parts = [node.func.value, *parts]
        elif isinstance(node, ast.Name):
            self._name(node, node.id, depth)
            return
        elif isinstance(node, ast.Attribute | ast.Subscript):
            if self._part(node, depth, within or node):
                return
            parts = [node.value]
            around = within or node  # ``X @ params["W"]``: the data stands beside the part
        else:
            own = isinstance(node, _COMPREHENSIONS)
            parts = self._comprehension(node, depth) if own else ast.iter_child_nodes(node)
        for part in parts:
            if isinstance(part, ast.Name):
                self._name(around, part.id, depth)
            else:
                self.visit(part, depth, around)

    def _comprehension(self, node: Any, depth: int) -> list[ast.expr]:
        """Its variables are its own, whatever the code around it calls by their names.

        One stands for each thing in turn that a list or tuple holds. Where they lead nowhere, what
        the comprehension goes over is left to be followed.
        """
        loop, known, before = node.generators[0], len(self.found), dict(self._names.own)
        over = self._names.held(loop.iter, depth)
        plain = isinstance(loop.target, ast.Name) and type(over) in (list, tuple)
        for generator in node.generators:
            for part in ast.walk(generator.target):
                if isinstance(part, ast.Name):
                    self._names.own[(depth, part.id)] = None
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        seen = set(self._seen)
        for member in over if plain and 0 < len(over) <= _MOST_MEMBERS else [None]:
            if plain:
                self._names.own[(depth, loop.target.id)] = member
            self._seen = set(seen)
            for element in elements:
                self.visit(element, depth, element)
        self._names.own = before
        return [] if len(self.found) > known else [each.iter for each in node.generators]

    def _predicts(self, call: ast.Call, depth: int) -> bool:
        """Whether a call asks a model."""
        run_id = run_asked(call, depth, self._names, self._provenance)
        if run_id is None:
            return False
        data = caller_name(self._frames[depth:], asked_about(call), self._namespace)
        self.found.append(Origin(run_id, data))
        return True

    def _name(self, around: ast.AST, name: str, depth: int) -> None:
        if (depth, name) in self._seen:
            return
        self._seen.add((depth, name))
        value = self._names.lookup(name, depth)
        if origin := self._provenance.origin_of(value):
            self.found.append(origin)
            return
        makers = self._names.makers_in(depth)
        # Equal numbers are the same model only where this code has not made them anew.
        anew = name in makers
        provenance = self._provenance
        run = provenance.run_of(value) if anew else provenance.run_of_fitted(name, value)
        run = run or provenance.run_behind(value)
        if run is None and len(several := provenance.runs_held(value)) > 1:
            self.found += [Origin(each, None) for each in several]
            return
        if run is not None:
            data = self._beside(around, name, depth)
            if data is None:
                self._alone.add(len(self.found))
            self.found.append(Origin(run, data))
            return
        known = len(self.found)
        if self._go_on(self._elements.at_turn(name, value, depth)):
            return
        if anew:
            self._follow(name, depth)
        elif (given := handed(self._frames, depth, name)) is not None:
            self.visit(given, depth + 1)
        elif self._back or (self._rows is not None and rows_of(value) == self._rows):
            for maker in self._provenance.earlier(name):
                self.visit(maker, depth)
        # ``best = w.copy()``, then ``X @ best``: the data stands beside the copy.
        for number in self._alone.intersection(range(known, len(self.found))):
            if (data := self._beside(around, name, depth)) is not None:
                self.found[number] = Origin(self.found[number].run_id, data)
                self._alone.discard(number)

    def _go_on(self, steps: Steps | None) -> bool:
        """Follow each of `steps`; False where nothing was told."""
        for node, depth in steps or ():
            self.visit(node, depth)
        return steps is not None

    def _beside(self, around: ast.AST, name: str, depth: int) -> str | None:
        """What a fitted name is applied to, as the notebook calls it."""

        def is_module(other: str) -> bool:
            return isinstance(self._names.lookup(other, depth), ModuleType)

        beside = data_beside(around, name, is_module)
        node = ast.Name(id=beside, ctx=ast.Load()) if beside else None
        return caller_name(self._frames[depth:], node, self._namespace)

    def _part(self, node: ast.Attribute | ast.Subscript, depth: int, around: ast.AST) -> bool:
        """``self.p`` and ``table["p"]``: by the object, else by what the code put there."""
        key = ast.unparse(node)
        if (depth, key) in self._seen:
            return True
        self._seen.add((depth, key))
        held = self._names.held(node, depth)
        origin = self._provenance.origin_of(held)
        if origin is None and isinstance(node, ast.Subscript):
            # ``predict(params["w"], X)``: fitted by a function, in the dict that it gave back.
            run = self._provenance.run_of(held)
            beside = self._beside(around, root_name(node) or "", depth) if run else None
            origin = Origin(run, beside) if run else None
        if origin is not None:
            self.found.append(origin)
            return True
        self._follow(key, depth)
        if key in self._names.makers_in(depth):
            return True
        makers = self._earlier(self._names.spelled(node, depth))
        for maker in makers:
            self.visit(maker, depth)
        if makers or not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
            return bool(makers and self.found)
        if is_table(self._names.lookup(node.value.id, depth)):
            return self._go_on(self._elements.column(node.value.id, node.slice, depth))
        held = self._names.held(node, depth)
        return held is not None and self._go_on(self._elements.entry(node.value.id, held, depth))

    def _follow(self, key: str, depth: int) -> None:
        """Follow what was assigned to `key` last before the line that is being run."""
        makers = self._names.makers_in(depth).get(key, [])
        line = self._frames[depth].f_lineno
        before = [maker for at, maker in makers if at <= line]
        for maker in reversed(before or [maker for _, maker in makers]):
            self.visit(maker, depth)
            # Made from itself, as in ``p = p[:, 1]``: what it was before counts too.
            if before and not any(ast.unparse(n) == key for n in ast.walk(maker) if is_part(n)):
                return


def _not_followed(_name: str) -> list[ast.AST]:
    return []
