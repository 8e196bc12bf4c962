"""Reads linear algebra as it is written: the table of a product, its transpose, its kernel."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Mapping

from nbmlops.tracking.code.frames import MODULES
from nbmlops.tracking.code.names import called_among, terminal
from nbmlops.tracking.inference.blocks import statements_in

__all__ = [
    "expand",
    "gram_of",
    "made_once",
    "plain_root",
    "regularised",
    "roots_in",
    "target_names",
    "transposed",
]

_DEEPEST = 5
_MODULES = MODULES | {"linalg", "LA", "la", "cp", "LinearAlgebra"}


def gram_of(node: ast.expr) -> set[str]:
    """The table `X` of an ``X.T @ X`` within `node`."""
    for part in ast.walk(node):
        left: ast.expr | None = None
        right: ast.expr | None = None
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult):
            left, right = part.left, part.right
            while isinstance(left, ast.BinOp):  # X.T @ W @ X, 2 * X.T @ X
                scaled = isinstance(left.op, ast.Mult) and not transposed(left.left)
                left = left.right if scaled else left.left
        elif isinstance(part, ast.Call) and terminal(part.func) in {"dot", "matmul"}:
            if len(part.args) == 2:
                left, right = part.args
            elif len(part.args) == 1 and isinstance(part.func, ast.Attribute):
                left, right = part.func.value, part.args[0]
        if left is None or right is None:
            continue
        table = transposed(left)
        if table and table == plain_root(right):
            return {table}
    return set()


def transposed(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute) and node.attr in {"T", "H"}:
        return plain_root(node.value)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"transpose", "t"}:
            of_module = node.args and terminal(node.func.value) in _MODULES
            inner = node.args[0] if of_module else None
            return plain_root(inner or node.func.value)
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"dot"}:
            return transposed(node.func.value)
    return None


def plain_root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return f"{node.value.id}.{node.attr}" if node.value.id == "self" else node.value.id
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def roots_in(node: ast.AST) -> set[str]:
    functions = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    return {
        n.id
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and n.id not in _MODULES and id(n) not in functions
    }


def regularised(node: ast.expr, made: Mapping[str, ast.expr]) -> set[str]:
    """The kernel `K` of a ``K + s * eye(n)`` below `node`, or what the kernel was made from."""
    waiting: list[ast.AST] = [node]
    seen: set[str] = set()
    while waiting:
        for part in ast.walk(waiting.pop()):
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
                for one, other in ((part.left, part.right), (part.right, part.left)):
                    # ``eye(n) + dt * A`` is a step in time: there the matrix is what is scaled.
                    scaled = isinstance(other, ast.BinOp) and isinstance(other.op, ast.Mult)
                    unit = scaled and called_among(ast.walk(other)) & {"eye", "identity"}
                    if unit and (kernel := roots_in(one)):
                        return kernel
            elif isinstance(part, ast.Name) and part.id in made and part.id not in seen:
                seen.add(part.id)
                waiting.append(made[part.id])
    return set()


def target_names(target: ast.expr) -> tuple[str, ...]:
    if isinstance(target, ast.Name):
        return (target.id,)
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return (f"{target.value.id}.{target.attr}",)
    if isinstance(target, ast.Tuple):
        return tuple(n.id for n in target.elts if isinstance(n, ast.Name))
    return ()


def made_once(body: Iterable[ast.stmt]) -> dict[str, ast.expr]:
    """What each name was made from that is made once."""
    made: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for node in statements_in(body):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
        for place, part in pairs:
            if isinstance(place, ast.Name):
                if place.id in made:
                    twice.add(place.id)
                made[place.id] = part
    return {name: value for name, value in made.items() if name not in twice}


def expand(node: ast.expr, made: Mapping[str, ast.expr], depth: int = 0) -> ast.expr:
    """`node` with the intermediate results put in place of their names; data stays named."""

    class Expander(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            inner = made.get(name.id)
            if inner is None or depth >= _DEEPEST or not _is_linear_algebra(inner):
                return name
            return expand(inner, {k: v for k, v in made.items() if k != name.id}, depth + 1)

    expanded: ast.expr = Expander().visit(copy.deepcopy(node))
    return expanded


def _is_linear_algebra(node: ast.expr) -> bool:
    """Whether an expression is a step of a closed form, rather than how data came to be."""
    steps = {
        "inv",
        "pinv",
        "inverse",
        "pinverse",
        "dot",
        "matmul",
        "solve",
        "sum",
        "mean",
        "transpose",
        "cov",
        "var",
        "average",
        "cholesky",
        "cho_factor",
    }
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.MatMult | ast.Div):
            return True
        return any(
            (isinstance(n, ast.Call) and terminal(n.func) in steps)
            or (isinstance(n, ast.BinOp) and isinstance(n.op, ast.MatMult))
            for n in ast.walk(node)
        )
    if isinstance(node, ast.Attribute):
        return node.attr == "T"
    return isinstance(node, ast.Call) and terminal(node.func) in steps
