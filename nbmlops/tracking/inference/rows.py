"""What of an array goes into a training: the rows that its code picks once, or the whole of it."""

from __future__ import annotations

import ast
import operator
from typing import Any

from nbmlops.tracking.inference.assignments import bound_in
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.namespace import NamespaceWorld

__all__ = ["rows_used"]

_ARRAYS = ("numpy", "torch")


def rows_used(name: str, value: Any, finding: Finding, world: NamespaceWorld) -> dict[str, Any]:
    """The part of an array that a training reads, as written: ``X[:400]``.

    Empty where the code uses it otherwise, too, or picks by what the training itself binds.
    """
    if type(value) is not list and type(value).__module__.partition(".")[0] not in _ARRAYS:
        return {}
    nodes = list(ast.walk(finding.node))
    bound = bound_in(finding.node)
    loads = {id(n) for n in nodes if isinstance(n, ast.Name) and n.id == name}
    picked = [n for n in nodes if isinstance(n, ast.Subscript) and id(n.value) in loads]
    if len(picked) != len(loads) or len({ast.unparse(n) for n in picked}) != 1:
        return {}
    try:
        key = _key(picked[0].slice, world, bound)
        return {ast.unparse(picked[0]): value[key]}
    except (ValueError, TypeError, IndexError):
        return {}


def _key(node: ast.expr, world: NamespaceWorld, bound: frozenset[str]) -> Any:
    """The rows that are picked; :raises ValueError: where that is not plain to see."""
    if isinstance(node, ast.Slice):
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else _bound_of(part, world, bound) for part in parts))
    if isinstance(node, ast.Tuple) and any(isinstance(part, ast.Slice) for part in node.elts):
        return tuple(_key(part, world, bound) for part in node.elts)
    if isinstance(node, ast.Name) and node.id not in bound:
        value = world.value(node.id)
        if type(value) is list or getattr(value, "ndim", 0) == 1:
            return value
    raise ValueError


def _bound_of(node: ast.expr, world: NamespaceWorld, bound: frozenset[str]) -> int:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_bound_of(node.operand, world, bound)
    if isinstance(node, ast.Name) and node.id not in bound:
        return operator.index(world.value(node.id))
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    raise ValueError
