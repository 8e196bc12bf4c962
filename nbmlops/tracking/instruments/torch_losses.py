"""Which losses go backward in a loop, by its code: one, or several that are mixed."""

from __future__ import annotations

import ast
from types import FunctionType, SimpleNamespace
from typing import Any

from nbmlops.tracking.code.own import definition_of, is_own
from nbmlops.tracking.inference.assignments import names_in
from nbmlops.tracking.instruments.torch_loops import Region
from nbmlops.tracking.instruments.torch_roles import loss_called, value_at

__all__ = ["backward_calls", "losses_of"]


def losses_of(regions: list[Region]) -> list[Any]:
    """The loss modules and functions whose answers go backward, in order, each once.

    Empty where the code does not tell.
    """
    for region in regions:
        backward = backward_calls([region])
        makers = _makers(_root(region.node), max((c.lineno for c in backward), default=0))
        owners = [_owner(call, region) or "" for call in backward]
        followed = [maker for owner in owners for maker in _mixed(owner, makers, region)]
        made = bool(followed)
        found: list[Any] = []
        seen: set[str] = set()
        while followed:
            node = followed.pop(0)
            found += _losses_in(node, region)
            for name in (n.id for n in ast.walk(node) if isinstance(n, ast.Name)):
                if name not in seen:
                    seen.add(name)
                    followed += _mixed(name, makers, region)
        if not made:  # what is made by none of the code's losses is the model's own
            found = _losses_in(region.node, region)[:1]
        if found:
            return list({id(loss): loss for loss in found}.values())
    return []


def _losses_in(node: ast.AST, region: Region, *, deeper: bool = True) -> list[Any]:
    """The losses called in `node`, or by what is called there and was written by the user."""
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    found = [loss for call in calls if (loss := loss_called(call, region)) is not None]
    if found or not deeper:
        return found
    inner = (_inside(value_at(call.func, region)) for call in calls)
    return [loss for code in inner if code for loss in _losses_in(code.node, code, deeper=False)]


def _inside(called: Any) -> Region | None:
    """The code of a function or of a module's ``forward`` that the user wrote."""
    function = getattr(type(called), "forward", called)
    if not isinstance(function, FunctionType) or not is_own(function):
        return None
    definition = definition_of(function)
    if definition is None:
        return None
    names = {"self": called} if function is not called else {}
    frame = SimpleNamespace(f_locals=names, f_globals=function.__globals__)
    return Region(frame, definition)


def _mixed(name: str, makers: dict[str, list[ast.expr]], region: Region) -> list[ast.expr]:
    """What `name` is made from, by a loss if there is one, and what is added to that later."""
    made = makers.get(name, [])
    first = next((n for n, maker in enumerate(made) if _losses_in(maker, region)), 0)
    return [m for n, m in enumerate(made) if n == first or (n > first and name in names_in(m))]


def _makers(code: ast.AST, last: int) -> dict[str, list[ast.expr]]:
    """What each plain name is made from in `code`, in order, up to the line `last`."""
    made: dict[str, list[ast.expr]] = {}
    assigned = [n for n in ast.walk(code) if isinstance(n, ast.Assign | ast.AugAssign)]
    for node in sorted(assigned, key=lambda n: (n.lineno, n.col_offset)):
        if node.lineno > last:
            continue
        if isinstance(node, ast.Assign):
            for name in [name for target in node.targets for name in _bound(target)]:
                made.setdefault(name, []).append(node.value)
        elif isinstance(node.target, ast.Name):
            grown = ast.BinOp(left=node.target, op=node.op, right=node.value)
            made.setdefault(node.target.id, []).append(grown)
    return made


def _bound(target: ast.expr) -> list[str]:
    """The names that a target binds: both of ``logits, loss = model(x, y)``."""
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def backward_calls(regions: list[Region]) -> list[ast.Call]:
    """The calls of ``backward`` as they are written."""
    return [
        node
        for region in regions
        for node in ast.walk(region.node)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", None) in ("backward", "manual_backward")
    ]


def _owner(call: ast.Call, region: Region) -> str | None:
    """``loss`` of ``loss.backward()``, ``(loss / 2).backward()``, ``scale(loss).backward()``.

    So it is of ``accelerator.backward(loss)``, where a library has its own way.
    """
    from torch import Tensor

    value = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    owner = value_at(value, region)
    if call.args and owner is not None and not isinstance(owner, Tensor):
        value = call.args[0]
    inner = [part for part in ast.walk(value) if isinstance(part, ast.Name)]
    named = [part.id for part in inner if "loss" in part.id.lower()]
    return next(iter(named or [part.id for part in inner]), None)


def _root(node: Any) -> Any:
    while getattr(node, "parent", None) is not None:
        node = node.parent
    return node
