"""Whether an array was written out by hand, as the matrices of a textbook's examples are."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from nbmlops.tracking.code.makers import makers_of
from nbmlops.tracking.code.names import terminal
from nbmlops.tracking.code.source import parse_cell

__all__ = ["is_written_out"]

# What may be done to numbers that stand in the code without making data of them.
_SHAPING = {
    "array", "asarray", "matrix", "mat", "float", "astype", "reshape", "sum", "diag", "eye",
    "identity", "ones", "zeros", "tensor", "transpose", "copy", "tolist", "list", "dtype",
    "float32", "float64", "normalize",
}  # fmt: skip
_DEEPEST = 6


def is_written_out(expression: str, sources: Iterable[str]) -> bool:
    """Whether `expression` comes from numbers in the code alone.

    `sources` are the cells that have run, the latest first; of each name its latest maker counts.
    """
    trees = []
    for source in sources:
        try:
            trees.append(makers_of(parse_cell(source)))
        except (SyntaxError, ValueError, RecursionError):
            continue
    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError):
        return False
    return _is_literal(node, trees, 0)


def _is_literal(node: ast.AST, trees: list[dict[str, list[ast.AST]]], depth: int) -> bool:
    if depth > _DEEPEST or not all(map(_only_shapes, ast.walk(node))):
        return False
    functions = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    modules = {
        id(n.value)
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and (id(n) in functions or n.attr in _SHAPING)
    }
    for part in ast.walk(node):
        if not isinstance(part, ast.Name) or id(part) in functions:
            continue
        made = next((found[part.id][0] for found in trees if part.id in found), None)
        if made is None:
            if id(part) in modules:
                continue  # a library's name
            return False
        if not _is_literal(made, trees, depth + 1):
            return False
    return True


def _only_shapes(part: ast.AST) -> bool:
    """Whether it computes nothing: no loop, no function, and no call but of what shapes arrays."""
    if isinstance(part, ast.Call):
        return terminal(part.func) in _SHAPING
    return not isinstance(part, ast.comprehension | ast.Lambda)
