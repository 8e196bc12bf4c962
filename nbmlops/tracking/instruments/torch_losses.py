"""Which losses go backward in a loop, by its code: one, or several that are mixed."""

from __future__ import annotations

import ast
from typing import Any

from nbmlops.tracking.instruments.torch_loops import Region
from nbmlops.tracking.instruments.torch_roles import loss_called

__all__ = ["backward_calls", "losses_of"]


def losses_of(regions: list[Region]) -> list[Any]:
    """The loss modules and functions whose answers go backward, in order, each once.

    Empty where the code does not tell.
    """
    for region in regions:
        backward = backward_calls([region])
        makers = _makers(_root(region.node), max((c.lineno for c in backward), default=0))
        followed = [
            maker for call in backward for maker in _mixed(_owner(call) or "", makers, region)
        ]
        found: list[Any] = []
        seen: set[str] = set()
        while followed:
            node = followed.pop(0)
            found += _losses_in(node, region)
            for name in (n.id for n in ast.walk(node) if isinstance(n, ast.Name)):
                if name not in seen:
                    seen.add(name)
                    followed += _mixed(name, makers, region)
        found = found or _losses_in(region.node, region)[:1]
        if found:
            return list({id(loss): loss for loss in found}.values())
    return []


def _losses_in(node: ast.AST, region: Region) -> list[Any]:
    calls = [part for part in ast.walk(node) if isinstance(part, ast.Call)]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    called = (loss_called(call, region) for call in calls)
    return [loss for loss in called if loss is not None]


def _mixed(name: str, makers: dict[str, list[ast.expr]], region: Region) -> list[ast.expr]:
    """What `name` is made from, by a loss if there is one, and what is added to that later."""
    made = makers.get(name, [])
    first = next((n for n, maker in enumerate(made) if _losses_in(maker, region)), 0)
    return [m for n, m in enumerate(made) if n == first or (n > first and name in _names(m))]


def _makers(code: ast.AST, last: int) -> dict[str, list[ast.expr]]:
    """What each plain name is made from in `code`, in order, up to the line `last`."""
    made: dict[str, list[ast.expr]] = {}
    assigned = [n for n in ast.walk(code) if isinstance(n, ast.Assign | ast.AugAssign)]
    for node in sorted(assigned, key=lambda n: (n.lineno, n.col_offset)):
        if node.lineno > last:
            continue
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    made.setdefault(target.id, []).append(node.value)
        elif isinstance(node.target, ast.Name):
            grown = ast.BinOp(left=node.target, op=node.op, right=node.value)
            made.setdefault(node.target.id, []).append(grown)
    return made


def backward_calls(regions: list[Region]) -> list[ast.Call]:
    """The calls of ``backward`` as they are written."""
    return [
        node
        for region in regions
        for node in ast.walk(region.node)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "backward"
    ]


def _owner(call: ast.Call) -> str | None:
    """``loss`` of ``loss.backward()``, ``(loss / 2).backward()``, ``scale(loss).backward()``."""
    value = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    inner = [part for part in ast.walk(value) if isinstance(part, ast.Name)]
    named = [part.id for part in inner if "loss" in part.id.lower()]
    return next(iter(named or [part.id for part in inner]), None)


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _root(node: Any) -> Any:
    while getattr(node, "parent", None) is not None:
        node = node.parent
    return node
