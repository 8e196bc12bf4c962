"""What code makes its names from, and what stands beside a name in an expression."""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import FrameType
from typing import Any

from nbmlops.tracking.code.compiled import source_lent
from nbmlops.tracking.code.frames import MODULES

__all__ = [
    "COLLECTING",
    "Scope",
    "assignments",
    "data_beside",
    "is_part",
    "makers_of",
    "parts_filled",
    "scope_of",
    "tree_of",
]

COLLECTING = ("append", "extend")
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def makers_of(tree: ast.Module) -> dict[str, list[ast.AST]]:
    """What each name of a cell is made from, the last first."""
    return {name: [m for _, m in reversed(found)] for name, found in assignments(tree).items()}


def tree_of(frame: FrameType) -> ast.AST | None:
    """The whole syntax tree of a frame's code; None where it cannot be read."""
    try:
        import executing

        with source_lent(frame.f_code):
            tree: ast.AST | None = executing.Source.for_frame(frame).tree
    except Exception:  # noqa: BLE001 - foreign code that cannot be read; the caller guesses less
        return None
    return tree


def scope_of(frame: FrameType) -> Scope | None:
    """The function or module that a frame runs, as written; None where Python cannot tell."""
    tree: Any = tree_of(frame)
    code = frame.f_code
    for node in ast.walk(tree) if tree is not None and code.co_name != "<module>" else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    return tree if isinstance(tree, ast.Module) else None


def assignments(scope: Scope) -> dict[str, list[tuple[int, ast.expr]]]:
    """What each name, and each part such as ``table["p"]``, is made from in a scope, by line."""
    made: dict[str, list[tuple[int, ast.expr]]] = {}
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _pair(made, target, node.value, node.lineno)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            _pair(made, node.target, node.value, node.lineno)
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            line = getattr(node, "lineno", node.iter.lineno)
            _pair(made, node.target, node.iter, line)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in COLLECTING
            and node.args
        ):
            holder = node.func.value
            both: ast.expr = ast.Tuple(elts=[_loaded(holder), node.args[0]], ctx=ast.Load())
            _pair(made, holder, both, node.lineno)
        elif isinstance(node, ast.AugAssign):
            joined = ast.BinOp(left=_loaded(node.target), op=node.op, right=node.value)
            _pair(made, node.target, joined, node.lineno)
        waiting += ast.iter_child_nodes(node)
    return {name: sorted(entries, key=lambda entry: entry[0]) for name, entries in made.items()}


def parts_filled(scope: Scope) -> list[tuple[ast.Subscript, ast.expr]]:
    """What a scope puts into parts of what it has, as ``x[rows] = value`` does."""
    filled = []
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [p for t in targets for p in (t.elts if isinstance(t, ast.Tuple) else [t])]
            filled += [(part, node.value) for part in parts if isinstance(part, ast.Subscript)]
    return filled


def is_part(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


def _loaded(target: ast.expr) -> ast.expr:
    """A target as the expression that reads it."""
    return ast.parse(ast.unparse(target), mode="eval").body


def _pair(
    made: dict[str, list[tuple[int, ast.expr]]], target: ast.expr, value: ast.expr, line: int
) -> None:
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        for number, part in enumerate(target.elts):
            paired = len(values) == len(target.elts)
            _pair(made, part, values[number] if paired else value, line)
    elif isinstance(target, ast.Starred):
        _pair(made, target.value, value, line)
    else:
        made.setdefault(ast.unparse(target), []).append((line, value))


def data_beside(
    node: ast.AST, fitted: str, is_module: Callable[[str], bool] = lambda name: name in MODULES
) -> str | None:
    """What `fitted` is applied to in an expression: ``X_test`` of ``X_test @ w + b``."""
    called = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    modules = {
        id(n.value) for n in ast.walk(node) if isinstance(n, ast.Attribute) and id(n) in called
    }
    names = [
        (_unlike_data(n.id), n.lineno, n.col_offset, n.id)
        for n in ast.walk(node)
        if isinstance(n, ast.Name)
        and n.id != fitted
        and id(n) not in called
        and not (id(n) in modules and is_module(n.id))
    ]
    return min(names)[-1] if names else None


def _unlike_data(name: str) -> int:
    """How little a name is like that of the data that a model is applied to."""
    if name.startswith(("X", "x")):
        return 0
    return 2 if len(name) == 1 else 1
