"""Does code tell a class by what it worked out of each: the nearest, the likeliest?"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nbmlops.tracking.code.names import names_among, terminal
from nbmlops.tracking.inference.assignments import expanded, names_in

__all__ = ["decides_by"]

_CHOOSING = {"argmin", "argmax", "min", "max", "idxmin", "idxmax", "sorted"}
_JOINING = {"norm", "pdf", "logpdf", "pmf", "logpmf", "dot", "cdist", "dist", "log",
            "euclidean_distances", "pairwise_distances", "pairwise_distances_argmin"}  # fmt: skip
_ORDERED = ast.Lt | ast.LtE | ast.Gt | ast.GtE


def decides_by(module: ast.Module, known: set[str], made: dict[str, list[ast.expr]]) -> bool:
    """Whether something is chosen by how new rows meet what is `known` of each class."""
    for choice in _choices_in(module):
        for node in expanded(choice, made):
            if isinstance(node, ast.BinOp) and isinstance(
                node.op, ast.Sub | ast.Mult | ast.MatMult
            ):
                sides = [node.left, node.right]
            elif isinstance(node, ast.Call) and terminal(node.func) in _JOINING:
                sides = list(node.args)
            else:
                continue
            told = [bool(names_among(expanded(side, made)) & known) for side in sides]
            new = [
                bool(names_in(side) - known) and not t for side, t in zip(sides, told, strict=True)
            ]
            if any(told) and any(new):
                return True
    return False


def _choices_in(module: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and terminal(node.func) in _CHOOSING:
            yield node
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
            kept = any(isinstance(inner, ast.Assign) for inner in node.body)
            if kept and isinstance(node.test.ops[0], _ORDERED):
                yield node.test
