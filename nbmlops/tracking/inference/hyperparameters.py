"""The settings of a hand-written training: names that it reads, bound to literals in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nbmlops.tracking.code.names import terminal

__all__ = ["CHOSEN", "entries_read", "literals", "read_settings"]


CHOSEN = object()
"""Stands for one of several literals, as ``0.1 if fast else 0.01`` gives: which, its name tells."""

_KEEPING = {"dict": "[{!r}]", "SimpleNamespace": ".{}", "Namespace": ".{}"}


def literals(body: Iterable[ast.AST]) -> dict[str, Any]:
    """The names that statements bind to literal numbers, texts or truth values.

    So are the entries of a dict, ``cfg['lr']``, and the attributes of a class, ``Config.lr``.
    """
    bound: dict[str, Any] = {}
    for node in body:
        for part in ast.walk(node):
            if isinstance(part, ast.AnnAssign) and part.value is not None:
                _take(part.target, part.value, bound)
            elif isinstance(part, ast.Assign):
                for target in part.targets:
                    _take(target, part.value, bound)
            elif isinstance(part, ast.ClassDef):
                own = literals(n for n in part.body if isinstance(n, ast.Assign | ast.AnnAssign))
                bound |= {f"{part.name}.{name}": value for name, value in own.items()}
    return bound


def entries_read(node: ast.AST) -> dict[str, tuple[str, str]]:
    """What code reads under a key or as an attribute of a name: the name and the key, by text."""
    found: dict[str, tuple[str, str]] = {}
    for part in ast.walk(node):
        if not isinstance(part, ast.Subscript | ast.Attribute) or isinstance(part.ctx, ast.Store):
            continue
        key: Any = part.attr if isinstance(part, ast.Attribute) else None
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
            key = part.slice.value
        if isinstance(part.value, ast.Name) and isinstance(key, str):
            found[ast.unparse(part)] = part.value.id, key
    return found


def _take(target: ast.expr, value: ast.expr, bound: dict[str, Any]) -> None:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for place, part in zip(target.elts, value.elts, strict=False):
            _take(place, part, bound)
        return
    if not isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
        return
    name = ast.unparse(target)
    literal = _literal(value)
    if literal is not None:
        bound[name] = literal
    else:
        bound.pop(name, None)
    for entry, part in _entries(value):
        if (literal := _literal(part)) is not None:
            bound[name + entry] = literal


def _entries(value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """What is written into a dict, or into an object that only keeps what it is handed."""
    if isinstance(value, ast.Dict):
        for key, part in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield f"[{key.value!r}]", part
    elif isinstance(value, ast.Call):
        called = terminal(value.func)
        for keyword in value.keywords:
            if called in _KEEPING and keyword.arg:
                yield _KEEPING[called].format(keyword.arg), keyword.value


def _literal(value: ast.expr) -> Any:
    """A number, text or truth value that is written; None where it is not."""
    try:
        literal = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        literal = _arithmetic(value)
    if isinstance(literal, bool | int | float | str):
        return literal
    return CHOSEN if _is_chosen(value) else None


def _is_chosen(value: ast.expr) -> bool:
    """Whether an expression gives one of the literals that stand in it."""
    if isinstance(value, ast.IfExp):
        return all(_literal(part) is not None for part in (value.body, value.orelse))
    if isinstance(value, ast.Subscript) and isinstance(
        value.value, ast.Dict | ast.List | ast.Tuple
    ):
        table = value.value
        parts = table.values if isinstance(table, ast.Dict) else table.elts
        return all(_literal(part) is not None for part in parts)
    return False


def _arithmetic(node: ast.expr) -> Any:
    """``1 / 252`` and ``10 ** -3``, which are written for the number that they are."""
    plain = ast.BinOp | ast.UnaryOp | ast.Constant | ast.operator | ast.unaryop
    names = any(not isinstance(n, plain) for n in ast.walk(node))
    operands = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
    small = all(isinstance(value, int | float) and abs(value) < 1e6 for value in operands)
    if names or not small or not isinstance(node, ast.BinOp):
        return None
    left, right = (
        part.value if isinstance(part, ast.Constant) else _arithmetic(part)
        for part in (node.left, node.right)
    )
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    if isinstance(node.op, ast.Div):
        return left / right if right else None
    return left * right if isinstance(node.op, ast.Mult) else None


def read_settings(
    names: frozenset[str], sources: Sequence[Mapping[str, Any]], fitted: Iterable[str]
) -> dict[str, Any]:
    """Those of `names` that one of `sources`, best first, binds to a literal."""
    own = {name.partition(".")[0] for name in fitted}
    found = {}
    for name in sorted(names - own):
        for source in sources:
            if name in source:
                found[name] = source[name]
                break
    return found
