"""Which of several things is meant: a loop's present turn, a dict's entry, a frame's column."""

from __future__ import annotations

import ast
from types import FrameType
from typing import Any

from nbmlops.tracking.code.frames import argument_of
from nbmlops.tracking.code.makers import tree_of

__all__ = ["Turns", "column_of", "entry_of", "turns_of"]

_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Turns:
    """What a variable goes over: `over` as written, `each` where its turns are written out."""

    def __init__(self, over: ast.expr, each: list[ast.expr] | None) -> None:
        self.over, self.each = over, each


def turns_of(frame: FrameType, name: str) -> Turns | None:
    """What the innermost loop around the line that runs gives `name`; None where none does."""
    tree, line = tree_of(frame), frame.f_lineno
    found: Turns | None = None
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.For | ast.AsyncFor | _COMPREHENSIONS):
            continue
        if node.lineno <= line <= (node.end_lineno or line):
            for loop in [node] if isinstance(node, ast.For | ast.AsyncFor) else node.generators:
                found = _bound(loop.target, loop.iter, name) or found
    return found


def entry_of(maker: ast.AST, held: Any, value: Any) -> ast.expr | None:
    """Where a dict, list or tuple is written out, the expression that `value` in it came from."""
    if isinstance(maker, ast.Dict) and type(held) is dict:
        keys = [key for key, other in held.items() if other is value]
        for key, node in zip(maker.keys, maker.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in keys:
                return node
    if isinstance(maker, ast.List | ast.Tuple) and type(held) in (list, tuple):
        places = [number for number, other in enumerate(held) if other is value]
        if places and places[0] < len(maker.elts):
            return maker.elts[places[0]]
    return None


def column_of(maker: ast.AST, key: Any) -> ast.expr | None:
    """What ``DataFrame({"a": ..., "b": ...})`` makes its column `key` from."""
    written = maker.args[0] if isinstance(maker, ast.Call) and maker.args else None
    if isinstance(key, str) and isinstance(written, ast.Dict):
        for name, node in zip(written.keys, written.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                return node
    return None


def _bound(target: ast.expr, over: ast.expr, name: str) -> Turns | None:
    if isinstance(target, ast.Name):
        return Turns(over, _written_out(over)) if target.id == name else None
    if isinstance(target, ast.Tuple | ast.List):
        columns = _columns(over, len(target.elts))
        for number, part in enumerate(target.elts):
            found = _bound(part, columns[number] if columns else over, name)
            if found is not None:
                return found if columns else Turns(over, None)
    return None


def _written_out(over: ast.expr) -> list[ast.expr] | None:
    if isinstance(over, ast.Tuple | ast.List):
        return None if any(isinstance(e, ast.Starred) for e in over.elts) else over.elts
    written = _dict_asked(over, "values")
    return None if written is None else written.values


def _columns(over: ast.expr, count: int) -> list[ast.expr] | None:
    """What each of `count` variables goes over, where rows are written out or joined."""
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Name):
        numbered = argument_of(over, 0, "iterable") if over.func.id == "enumerate" else None
        if numbered is not None and count == 2:
            return [_tuple([]), numbered]
        if over.func.id == "zip" and len(over.args) == count:
            return over.args
    written = _dict_asked(over, "items")
    if written is not None and count == 2:
        return [_tuple([key for key in written.keys if key]), _tuple(written.values)]
    written_out = _written_out(over) or []
    rows = [row.elts for row in written_out if isinstance(row, ast.Tuple | ast.List)]
    if rows and len(rows) == len(written_out) and all(len(row) == count for row in rows):
        return [_tuple(list(column)) for column in zip(*rows, strict=True)]
    return None


def _dict_asked(over: ast.expr, method: str) -> ast.Dict | None:
    """The dict that is written there, if `method` of it is called."""
    if isinstance(over, ast.Call) and isinstance(over.func, ast.Attribute):
        holder = over.func.value
        return holder if isinstance(holder, ast.Dict) and over.func.attr == method else None
    return None


def _tuple(parts: list[ast.expr]) -> ast.Tuple:
    return ast.Tuple(elts=parts, ctx=ast.Load())
