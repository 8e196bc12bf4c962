"""The settings of a hand-written training: names that it reads, bound to literals in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["literals", "read_settings"]


def literals(body: Iterable[ast.AST]) -> dict[str, Any]:
    """The names that statements bind to literal numbers, texts or truth values."""
    bound: dict[str, Any] = {}
    for node in body:
        for part in ast.walk(node):
            if isinstance(part, ast.AnnAssign) and part.value is not None:
                _take(part.target, part.value, bound)
            elif isinstance(part, ast.Assign):
                for target in part.targets:
                    _take(target, part.value, bound)
    return bound


def _take(target: ast.expr, value: ast.expr, bound: dict[str, Any]) -> None:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for place, part in zip(target.elts, value.elts, strict=False):
            _take(place, part, bound)
        return
    if not isinstance(target, ast.Name):
        return
    try:
        literal = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        literal = _arithmetic(value)
    if isinstance(literal, bool | int | float | str):
        bound[target.id] = literal
    else:
        bound.pop(target.id, None)


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
