"""Whose prediction is it? A metric's arguments, followed through the code that made them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import Any

from nbmlops.tracking.code.frames import argument_of, call_node, data_root, name_of, root_name
from nbmlops.tracking.code.makers import assignments, data_beside, is_part, scope_of, tree_of
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.inference.search import names_worked_out
from nbmlops.tracking.metrics.provenance import Origin, Provenance

__all__ = [
    "FORECASTING",
    "CodeWalk",
    "caller_name",
    "data_called",
    "names_behind",
    "origins_of",
]

PREDICTING = ("predict", "decision", "score_", "forecast", "get_forecast", "get_prediction")
# These go on from where a training ended, whatever they are handed: their data is what is to come.
FORECASTING = ("forecast", "get_forecast")
_DEEPEST = 40


def origins_of(
    provenance: Provenance,
    values: Sequence[tuple[Any, int, str]],
    frames: Sequence[FrameType],
    namespace: dict[str, Any],
) -> list[Origin]:
    """The predictions that `values` (each with its position and keyword in the call) came from.

    By identity; else by the code that made them, up through the functions that they were handed
    to; else by content. More than one run means that it cannot be told; of one run's predictions
    the first is what the value is about, as ``p`` is of ``p > threshold``.
    """
    found = _each_once(provenance.origin_of(value) for value, _, _ in values)
    if found or not values:
        return found
    call = call_node(frames[0]) if frames else None
    nodes = [argument_of(call, position, keyword) for _, position, keyword in values]
    by_code = _follow(CodeWalk(provenance, frames, namespace), nodes)
    if len({o.run_id for o in by_code}) == 1:
        return by_code
    # A cell that is run again works the same values out anew; its model is not known yet.
    if not (frames and _is_worked_out(frames[0])):
        for value, _, _ in values:
            found = _each_once([*found, *sorted(provenance.origins_by_content(value), key=str)])
    if by_code:
        known = {o.run_id for o in by_code}
        return [o for o in found if o.run_id in known] or by_code
    # Less telling than the content: a frame made there may hold several models' predictions.
    found = found or _follow(CodeWalk(provenance, frames, namespace, back=True), nodes)
    if found or call is not None:
        return found
    near = provenance.nearest([value for value, _, _ in values])
    return [near] if near else []


def _each_once(origins: Iterable[Origin | None]) -> list[Origin]:
    return list(dict.fromkeys(origin for origin in origins if origin is not None))


def _follow(walk: CodeWalk, nodes: Iterable[ast.expr | None]) -> list[Origin]:
    for node in nodes:
        if node is not None:
            walk.visit(node, 0)
    return _each_once(walk.found)


def _is_worked_out(frame: FrameType) -> bool:
    """Whether a cell's own hand-written training makes what its metric is handed."""
    tree = tree_of(frame)
    worked_out = names_worked_out(tree) if tree is not None else set()
    return bool(worked_out and worked_out & names_behind(frame).keys())


class CodeWalk:
    """Follows expressions down to predictions and models; `found` are their origins, in order."""

    def __init__(
        self,
        provenance: Provenance,
        frames: Sequence[FrameType],
        namespace: dict[str, Any],
        *,
        back: bool = False,
    ) -> None:
        """`back` says that the code of earlier cells is followed, too."""
        self.found: list[Origin] = []
        self._back = back
        self._provenance, self._frames, self._namespace = provenance, frames, namespace
        self._seen: set[tuple[int, str]] = set()
        self._makers: dict[int, dict[str, list[tuple[int, ast.expr]]]] = {}

    def visit(self, node: ast.AST, depth: int) -> None:
        """Follow `node`, which stands in frame `depth`."""
        if len(self._seen) > _DEEPEST:
            return
        if isinstance(node, ast.Call):
            if self._predicts(node, depth):
                return
            parts: Iterable[ast.AST] = [*node.args, *(k.value for k in node.keywords)]
            if isinstance(node.func, ast.Attribute):
                parts = [node.func.value, *parts]
        elif isinstance(node, ast.Name):
            self._name(node, node.id, depth)
            return
        elif isinstance(node, ast.Attribute | ast.Subscript):
            if self._part(node, depth):
                return
            parts = [node.value]
        else:
            parts = ast.iter_child_nodes(node)
        for part in parts:
            if isinstance(part, ast.Name):
                self._name(node, part.id, depth)
            else:
                self.visit(part, depth)

    def _predicts(self, node: ast.Call, depth: int) -> bool:
        """Whether a call asks a model: ``model.predict(X)``, or ``net(X)``."""
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr.startswith(PREDICTING):
            model = self._lookup(root_name(function.value), depth)
        else:
            model = self._held(function, depth)
        run_id = self._provenance.run_of(model) or self._provenance.run_behind(model)
        run_id = run_id or self._run_inside(model)
        if run_id is None:
            return False
        data = None
        if not (isinstance(function, ast.Attribute) and function.attr in FORECASTING):
            data = caller_name(self._frames[depth:], argument_of(node, 0, "X"), self._namespace)
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
        value = self._lookup(name, depth)
        if origin := self._provenance.origin_of(value):
            self.found.append(origin)
            return
        makers = self._makers_in(depth)
        # Equal numbers are the same model only where this code has not made them anew.
        anew = name in makers
        provenance = self._provenance
        run = provenance.run_of(value) if anew else provenance.run_of_fitted(name, value)
        run = run or provenance.run_behind(value)
        if run is not None:
            beside = data_beside(around, name)
            node = ast.Name(id=beside, ctx=ast.Load()) if beside else None
            data = caller_name(self._frames[depth:], node, self._namespace)
            self.found.append(Origin(run, data))
            return
        if anew:
            self._follow(name, depth)
        elif (handed := _handed(self._frames, depth, name)) is not None:
            self.visit(handed, depth + 1)
        elif self._back:
            for maker in self._provenance.earlier(name):
                self.visit(maker, depth)

    def _part(self, node: ast.Attribute | ast.Subscript, depth: int) -> bool:
        """``self.p`` and ``table["p"]``: by the object, else by what the code put there."""
        key = ast.unparse(node)
        if (depth, key) in self._seen:
            return True
        self._seen.add((depth, key))
        if origin := self._provenance.origin_of(self._held(node, depth)):
            self.found.append(origin)
            return True
        self._follow(key, depth)
        return key in self._makers_in(depth)

    def _held(self, node: ast.expr, depth: int) -> Any:
        """What a name, or an attribute of one, holds; no code of the object's own is run."""
        if isinstance(node, ast.Name):
            return self._lookup(node.id, depth)
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            return None
        owner = self._lookup(node.value.id, depth)
        fields = getattr(type(owner), "_fields", ())
        if issubclass(type(owner), tuple) and node.attr in fields:  # a named tuple's own
            return tuple.__getitem__(owner, fields.index(node.attr))
        try:
            return vars(owner).get(node.attr)
        except TypeError:
            return None

    def _follow(self, key: str, depth: int) -> None:
        """Follow what was assigned to `key` last before the line that is being run."""
        makers = self._makers_in(depth).get(key, [])
        line = self._frames[depth].f_lineno
        before = [maker for at, maker in makers if at <= line]
        for maker in reversed(before or [maker for _, maker in makers]):
            self.visit(maker, depth)
            # Made from itself, as in ``p = p[:, 1]``: what it was before counts too.
            if before and not any(ast.unparse(n) == key for n in ast.walk(maker) if is_part(n)):
                return

    def _makers_in(self, depth: int) -> dict[str, list[tuple[int, ast.expr]]]:
        if depth not in self._makers:
            scope = scope_of(self._frames[depth])
            self._makers[depth] = assignments(scope) if scope is not None else {}
        return self._makers[depth]

    def _lookup(self, name: str | None, depth: int) -> Any:
        if name is None:
            return None
        frame = self._frames[depth]
        return frame.f_locals.get(name, frame.f_globals.get(name, self._namespace.get(name)))


def caller_name(
    frames: Sequence[FrameType], node: ast.expr | None, namespace: dict[str, Any]
) -> str | None:
    """The name under an expression of the innermost of `frames`, as the cell itself calls it.

    What a loop goes over stands for its batches.
    """
    name = data_root(node)
    for depth, frame in enumerate(frames):
        if name is None:
            return None
        name = _gone_through(frame, name)
        inside = frame.f_globals is not frame.f_locals
        if inside and (own := name_of(frame.f_locals.get(name), namespace, [])):
            return own
        handed = _handed(frames, depth, name)
        above = data_root(handed) if handed is not None else None
        if above is None:
            return name
        name = above
    return name


def _gone_through(frame: FrameType, name: str) -> str:
    """What a loop's variable comes from: the loop around the call, or the last one before it."""
    scope = scope_of(frame)
    loops = [
        node
        for node in (ast.walk(scope) if scope is not None else ())
        if isinstance(node, ast.For)
        and node.lineno <= frame.f_lineno
        and name in {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)}
    ]
    if not loops:
        return name
    nearest = max(loops, key=lambda n: ((n.end_lineno or 0) >= frame.f_lineno, n.lineno))
    return root_name(nearest.iter) or name


def names_behind(frame: FrameType) -> dict[str, str | None]:
    """The names that the values in a frame's call were made from, each with the data beside."""
    call, scope = call_node(frame), scope_of(frame)
    makers = assignments(scope) if scope is not None else {}
    found: dict[str, str | None] = {}
    waiting: list[ast.AST] = [*call.args, *(k.value for k in call.keywords)] if call else []
    while waiting:
        node = waiting.pop(0)
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id not in found:
                found[part.id] = data_beside(node, part.id)
                waiting += [maker for _, maker in makers.get(part.id, [])]
    return found


def data_called(
    value: Any, node: ast.expr | None, frames: Sequence[FrameType], namespace: dict[str, Any]
) -> str | None:
    """What data is called: the notebook's own name for it, else what the caller has written."""
    return (
        name_of(value, namespace, [])
        or caller_name(frames, node, namespace)
        or name_of(value, namespace, list(frames))
    )


def _handed(frames: Sequence[FrameType], depth: int, name: str) -> ast.expr | None:
    """What the caller of frame `depth` handed to its parameter `name`, as written."""
    code = frames[depth].f_code
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_name == "<module>" or name not in parameters or depth + 1 >= len(frames):
        return None
    position = parameters.index(name)
    call = call_node(frames[depth + 1])
    if call is not None and isinstance(call.func, ast.Attribute) and parameters[0] == "self":
        position -= 1
    return argument_of(call, position, name) if position >= 0 else None
