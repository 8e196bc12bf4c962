"""What code makes its names from, and what stands beside a name in an expression."""

from __future__ import annotations

import ast
from types import FrameType
from typing import Any

from nbmlops.tracking.frames import MODULES

__all__ = ["data_beside", "makers_in", "makers_of", "tree_of"]

_COLLECTING = ("append", "extend")


def tree_of(frame: FrameType) -> ast.AST | None:
    """The whole syntax tree of a frame's code; None where it cannot be read."""
    try:
        import executing

        tree: ast.AST | None = executing.Source.for_frame(frame).tree
    except Exception:  # noqa: BLE001 - foreign code that cannot be read; the caller guesses less
        return None
    return tree


def makers_in(frame: FrameType) -> tuple[dict[str, list[ast.AST]], set[str]]:
    """What the code around a frame makes each name from, and all names that it binds."""
    tree = tree_of(frame)
    if tree is None:
        return {}, set()
    names = (n for n in ast.walk(tree) if isinstance(n, ast.Name))
    return makers_of(tree), {n.id for n in names if isinstance(n.ctx, ast.Store)}


def makers_of(tree: ast.AST) -> dict[str, list[ast.AST]]:
    """What each name is made from: assigned, gone through by a loop, or collected."""
    made: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        targets: list[ast.AST] = []
        source: Any = None
        if isinstance(node, ast.Assign):
            targets, source = list(node.targets), node.value
        elif isinstance(node, ast.AugAssign | ast.NamedExpr):
            targets, source = [node.target], node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _COLLECTING
            and node.args
        ):
            targets, source = [node.func.value], node.args[0]
        for part in (part for target in targets for part in ast.walk(target)):
            if isinstance(part, ast.Name):
                made.setdefault(part.id, []).insert(0, source)
    return made


def data_beside(node: ast.AST, fitted: str) -> str | None:
    """What `fitted` is applied to in an expression: ``X_test`` of ``X_test @ w + b``."""
    called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    modules = {
        id(n.value) for n in ast.walk(node) if isinstance(n, ast.Attribute) and id(n) in called
    }
    names = [
        n.id
        for n in ast.walk(node)
        if isinstance(n, ast.Name)
        and n.id != fitted
        and id(n) not in called
        and (id(n) not in modules or n.id not in MODULES)
    ]
    return min(names, key=_unlike_data) if names else None


def _unlike_data(name: str) -> int:
    """How little a name is like that of the data that a model is applied to."""
    if name.startswith(("X", "x")):
        return 0
    return 2 if len(name) == 1 else 1
