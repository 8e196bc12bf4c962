"""The user's functions and methods that code calls, written in the names of the code itself.

``agent.update(s, a, r)`` of ``def update(self, s, a, r): self.q[s][a] += r`` becomes
``agent.q[s][a] += r``. A method that only gives back what it holds stands for that.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from nbmlops.tracking.inference.assignments import bound_in
from nbmlops.tracking.inference.world import Function, World

__all__ = ["functions_called", "with_called"]

_DEEPEST = 3  # functions that call each other


def functions_called(code: ast.AST, world: World) -> list[Function]:
    """The user's functions that `code` calls, and those that they call."""
    found: list[Function] = []
    waiting = [(code, "", _DEEPEST)]
    while waiting:
        node, own, deeper = waiting.pop()
        for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            function, owner = _function_of(call, world, own)
            if function is not None and deeper and function not in found:
                found.append(function)
                waiting.append((function, owner, deeper - 1))
    return found


def with_called(code: ast.AST, world: World) -> list[ast.AST]:
    """`code`, and the bodies of the functions that it calls, in its own names."""
    return [_PutIn(world, {}).visit(copy.deepcopy(code)), *_bodies(code, world, _DEEPEST)]


def _bodies(code: ast.AST, world: World, deeper: int) -> list[ast.AST]:
    found: list[ast.AST] = []
    for call in (n for n in ast.walk(code) if isinstance(n, ast.Call)):
        function, owner = _function_of(call, world)
        if function is None or isinstance(function, ast.Lambda):
            continue
        body = ast.Module(body=copy.deepcopy(function.body), type_ignores=[])
        written = _PutIn(world, _handed(function, call, owner)).visit(body)
        found.append(written)
        if deeper:
            found += _bodies(written, world, deeper - 1)
    return found


def _function_of(call: ast.Call, world: World, own: str = "") -> tuple[Function | None, str]:
    """The user's function that `call` is of, and the object whose method it is."""
    if isinstance(call.func, ast.Name):
        return world.function(call.func.id), ""
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        written = call.func.value.id
        owner = own if written == "self" and own else written
        methods = world.methods(owner, call.func.attr)
        return (methods[0] if len(methods) == 1 else None), owner
    return None, ""


def _handed(function: Function, call: ast.Call, owner: str) -> dict[str, ast.expr]:
    """What the arguments of `function` stand for in `call`."""
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    values: Sequence[ast.expr] = call.args
    if owner:
        values = [ast.Name(id=owner, ctx=ast.Load()), *values]
    given = dict(zip(names, values, strict=False))
    given |= {k.arg: k.value for k in call.keywords if k.arg}
    bound = bound_in(function)
    return {name: value for name, value in given.items() if name not in bound}


class _PutIn(ast.NodeTransformer):
    """Puts in what arguments stand for, and what methods of a single line give back."""

    def __init__(self, world: World, given: dict[str, ast.expr], deeper: int = 2) -> None:
        self._world, self._given, self._deeper = world, given, deeper

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self._given.get(node.id, node))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        call = self.generic_visit(node)
        if not isinstance(call, ast.Call) or not self._deeper:
            return call
        function, owner = _function_of(call, self._world)
        body = [] if function is None or isinstance(function, ast.Lambda) else function.body
        lines = [line for line in body if not _is_docstring(line)]
        if function is None or len(lines) != 1 or not isinstance(lines[0], ast.Return):
            return call
        answer = lines[0].value
        if answer is None:
            return call
        inner = _PutIn(self._world, _handed(function, call, owner), self._deeper - 1)
        written: ast.AST = inner.visit(copy.deepcopy(answer))
        return written


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
