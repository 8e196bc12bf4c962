"""A cell's shape: its code without layout, comments and constants, as one digest."""

from __future__ import annotations

import ast

from nbmlops.records import digest_bytes
from nbmlops.tracking.inference.cell import parse_cell

__all__ = ["shape_of"]


def shape_of(source: str) -> str:
    """The digest that a cell keeps when only its numbers, texts, comments or layout change."""
    tree = parse_cell(source)
    if tree is None:
        return digest_bytes(source.encode())
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = type(node.value).__name__
    return digest_bytes(ast.dump(tree).encode())
