"""The rows of a table that a loop reads, where they are the same ones each time."""

from __future__ import annotations

import ast
from typing import Any

from nbmlops.tracking.instruments.torch_loops import Region
from nbmlops.tracking.instruments.torch_roles import value_at

__all__ = ["part_read"]


def part_read(node: ast.expr, region: Region, made: set[str]) -> tuple[str, slice] | None:
    """``X[:400]``, of which a loop reads the same rows each time; `made` are names that change."""
    around: Any = getattr(node, "parent", None)  # executing sets it
    if not isinstance(around, ast.Subscript) or around.value is not node:
        return None
    rows = around.slice
    if not isinstance(rows, ast.Slice) or rows.step is not None:
        return None
    given = (rows.lower, rows.upper)
    ends = [_number(end, region, made) for end in given]
    told = [end is None or number is not None for end, number in zip(given, ends, strict=True)]
    return (f"[{ast.unparse(rows)}]", slice(*ends)) if all(told) else None


def _number(node: ast.expr | None, region: Region, made: set[str]) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _number(node.operand, region, made)
        return None if number is None else -number
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(node, ast.Name) and node.id not in made:
        value = value_at(node, region)
    return value if type(value) is int else None
