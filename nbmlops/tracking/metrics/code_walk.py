"""Follows a metric's arguments through the code that made them, to predictions and models."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from types import FrameType, ModuleType
from typing import Any

from nbmlops.tracking.code.data_names import caller_name, handed
from nbmlops.tracking.code.frames import argument_of, root_name
from nbmlops.tracking.code.makers import data_beside, is_part
from nbmlops.tracking.code.names import names_among
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.metrics.filling import is_table
from nbmlops.tracking.metrics.frame_names import FrameNames
from nbmlops.tracking.metrics.one_of_several import column_of, entry_of, turns_of
from nbmlops.tracking.metrics.provenance import Origin, Provenance

__all__ = ["FORECASTING", "CodeWalk", "rows_of"]

PREDICTING = (
    "predict",
    "fit_predict",
    "decision",
    "score_",
    "forecast",
    "get_forecast",
    "get_prediction",
)
# These go on from where a training ended, whatever they are handed: their data is what is to come.
FORECASTING = ("forecast", "get_forecast")
_READYING = ("eval", "train", "to", "cpu", "cuda", "float", "double", "requires_grad_")
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

    def _predicts(self, node: ast.Call, depth: int) -> bool:
        """Whether a call asks a model: ``model.predict(X)``, ``net(X)`` or ``net.eval()(X)``."""
        function = _unready(node.func)
        if isinstance(function, ast.Attribute) and function.attr.startswith(PREDICTING):
            model = self._names.held(function.value, depth)
            model = self._names.lookup(root_name(function.value), depth) if model is None else model
        else:
            model = self._names.held(function, depth)
        run_id = self._provenance.run_behind_model(model) or self._provenance.run_behind(model)
        run_id = run_id or self._run_inside(model)
        if run_id is None:
            return False
        data = None
        if not (isinstance(function, ast.Attribute) and function.attr in FORECASTING):
            data = caller_name(self._frames[depth:], _fed(node), self._namespace)
        self.found.append(Origin(run_id, data))
        return True

    def _run_inside(self, holder: Any) -> str | None:
        """The run of the one model that an object of the user's holds, as a trainer does."""
        if not is_own(type(holder)):
            return None
        try:
            parts = list(vars(holder).values())
        except Exception:  # noqa: BLE001 - a user's own `__dict__` may raise anything
            return None
        runs = {self._provenance.run_of(part) for part in parts} - {None}
        return runs.pop() if len(runs) == 1 else None

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
        if (depth, name) in self._names.own or self._turn(name, value, depth):
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

    def _turn(self, name: str, value: Any, depth: int) -> bool:
        """Follow a loop's variable to what it stands for at this turn, and to none of the others.

        Whether that could be told.
        """
        if isinstance(value, str) or not hasattr(type(value), "__len__"):
            return False
        turns = turns_of(self._frames[depth], name)
        if turns is None:
            return False
        inner = self._frames[depth].f_code.co_name.startswith("<") and depth + 1 < len(self._frames)
        place = depth + 1 if inner and self._frames[depth].f_code.co_name != "<module>" else depth
        if turns.each is not None:
            same = [n for n in turns.each if is_part(n) and self._names.held(n, place) is value]
            for node in same[:1] or [n for n in turns.each if not self._is_another(n, place)]:
                self.visit(node, place)
            return True
        cell = len(self._frames) - 1
        for other, held in list(self._namespace.items()):
            if held is value and other != name and other[0] != "_":
                makers = [maker for _, maker in self._names.makers_in(cell).get(other, [])]
                # What the loop itself has kept leads back to it.
                if not any(name in names_among(ast.walk(maker)) for maker in makers):
                    self._name(ast.Name(id=other, ctx=ast.Load()), other, cell)
                    return True
        return self._entry_at_turn(turns.over, value, place)

    def _is_another(self, node: ast.expr, depth: int) -> bool:
        """Whether an element is known to be another than the one whose origin is looked for."""
        if is_part(node):
            return self._names.held(node, depth) is not None
        # What a model answers is known by itself.
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr.startswith(PREDICTING)
        )

    def _entry_at_turn(self, over: ast.expr, value: Any, depth: int) -> bool:
        """Follow the entry of a dict or list that a loop is at; whether that could be told."""
        held = [node for node in ast.walk(over) if isinstance(node, ast.Name)]
        return any(self._entry_of(node.id, value, depth) for node in held)

    def _entry_of(self, name: str, value: Any, depth: int) -> bool:
        """Follow `value` where the dict or list `name` that holds it is written out."""
        held = self._names.lookup(name, depth)
        if type(held) not in (dict, list, tuple):
            return False
        while name not in self._names.makers_in(depth):
            given = handed(self._frames, depth, name)
            if not isinstance(given, ast.Name):
                break
            name, depth = given.id, depth + 1
        for maker in self._last_makers(name, depth):
            if (entry := entry_of(maker, held, value)) is not None:
                if not self._is_another(entry, depth):
                    self.visit(entry, depth)
                return True
        return False

    def _column_of(self, name: str, key: ast.expr, depth: int) -> bool:
        """Follow a column where its frame's columns are written out."""
        called = self._names.lookup(key.id, depth) if isinstance(key, ast.Name) else None
        called = key.value if isinstance(key, ast.Constant) else called
        for maker in self._last_makers(name, depth):
            if (column := column_of(maker, called)) is not None:
                self.visit(column, depth)
                return True
        return False

    def _last_makers(self, name: str, depth: int) -> list[ast.AST]:
        written = self._names.makers_in(depth).get(name, [])
        made: list[ast.AST] = [maker for _, maker in written[-1:]]
        return made or (self._provenance.earlier(name)[:1] if self._back else [])

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
        makers = self._provenance.earlier(self._names.spelled(node, depth)) if self._back else []
        for maker in makers:
            self.visit(maker, depth)
        if makers or not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
            return bool(makers and self.found)
        if is_table(self._names.lookup(node.value.id, depth)):
            return self._column_of(node.value.id, node.slice, depth)
        held = self._names.held(node, depth)
        return held is not None and self._entry_of(node.value.id, held, depth)

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


def _fed(call: ast.Call) -> ast.expr | None:
    """What a model is asked about: ``X`` of ``net(X)``, ``net(input_ids=X)`` and ``net(**X)``."""
    named = (k.value for k in call.keywords if not isinstance(k.value, ast.Constant))
    return argument_of(call, 0, "X") or next(named, None)


def _unready(function: ast.expr) -> ast.expr:
    """What is called, without the methods that make a network ready and give it back."""
    while (
        isinstance(function, ast.Call)
        and isinstance(function.func, ast.Attribute)
        and function.func.attr in _READYING
    ):
        function = function.func.value
    return function


def rows_of(value: Any) -> int | None:
    """How many rows an array has; None for what is none."""
    shape = getattr(value, "shape", None)
    return shape[0] if isinstance(shape, tuple) and shape and type(shape[0]) is int else None
