"""Rule: coefficients worked out in one go, by the normal equations or by sums.

``inv(X.T @ X) @ X.T @ y`` and its spellings, ``pinv(X) @ y``, by the factors of ``qr(X)`` or
``svd(X)``, ``solve(K + s * eye(n), y)`` of kernel methods, and the slope and intercept of a line
through points. An inverse alone is linear algebra: it must meet both the table and its target.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from nbmlops.tracking.code.names import called_among, names_among, terminal
from nbmlops.tracking.inference.assignments import expanded, names_in
from nbmlops.tracking.inference.blocks import statements_in
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.matrices import (
    expand,
    gram_of,
    made_once,
    plain_root,
    regularised,
    roots_in,
    target_names,
    transposed,
)

__all__ = ["find_closed_forms"]

_MEANS = {"mean", "average", "nanmean"}
_SOLVES = {"solve", "solve_triangular"}
_INVERTING = {"inv", "pinv", "inverse", "pinverse"}
_SHAPING = {"ravel", "flatten", "reshape", "squeeze"}
# What people call the kernel between new points and those that were learned from.
_KERNEL = re.compile(r"^[Kk](?:_?(?:s|ss|star|test|new|xs|\*))?$|^K[_a-z0-9]*$")


def find_closed_forms(body: Sequence[ast.stmt]) -> list[Finding]:
    """The closed forms whose result `body` binds to a name, or returns."""
    made = made_once(body)
    found: list[Finding] = []
    for node in statements_in(body):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            names = target_names(node.targets[0])
        elif isinstance(node, ast.Return) and node.value is not None:
            names = (ast.unparse(node.value),)
        else:
            continue
        value = node.value
        if value is None or not names:
            continue
        taken = {name for known in found for name in known.parameters}
        # What is made of coefficients is a prediction, however they were worked out.
        steps = {name: value for name, value in made.items() if name not in taken}
        finding = (
            _normal_equations(value, names, node, steps)
            or _by_factors(value, names, node, body)
            or _line(value, names, node, made)
        )
        if finding is not None and not taken & set(finding.parameters):
            found.append(finding)
    return found


def _normal_equations(
    value: ast.expr, names: tuple[str, ...], node: ast.stmt, made: Mapping[str, ast.expr]
) -> Finding | None:
    whole = expand(value, made)
    if not _is_product(whole):
        return None
    for part in ast.walk(whole):
        if not isinstance(part, ast.Call):
            continue
        word = terminal(part.func)
        if word in _SOLVES and len(part.args) > 1:
            tables, targets = gram_of(part.args[0]), roots_in(part.args[1])
            if not tables & targets:  # a smoother's penalty is no table: it meets no target
                tables = set()
            half = (
                "cholesky" in called_among(ast.walk(whole))
                and not called_among(ast.walk(part.args[1])) & _SOLVES
            )
            if not tables and not half:
                tables = regularised(part.args[0], made)
                targets = {n for n in targets if not _KERNEL.match(n)}
        elif word == "cho_solve" and len(part.args) > 1:
            tables, targets = gram_of(part.args[0]), roots_in(part.args[1])
            tables = tables & targets or regularised(part.args[0], made)
        elif word in _INVERTING and (turned := _inverted(part)) is not None:
            gram = gram_of(turned)
            pseudo = word in {"pinv", "pinverse"}
            plain = roots_in(turned) if pseudo and not gram else set()
            tables = gram or (plain if len(plain) == 1 else regularised(turned, made))
            targets = roots_in(whole) if _is_factor(part, whole) else set()
        else:
            continue
        data = tables | targets
        other = targets - tables or _has_columns(whole, tables & targets)
        if tables and other and not _returns_table(whole, tables):
            return Finding(
                method="least squares",
                parameters=names,
                data=tuple(sorted(data)),
                node=node,
                names=names_in(node) | _names_behind(value, made, data),
                fed=frozenset(tables),
            )
    return None


def _names_behind(node: ast.expr, made: Mapping[str, ast.expr], data: set[str]) -> frozenset[str]:
    """The names that a closed form reads, in intermediate results too; none behind its data."""
    steps = {name: [value] for name, value in made.items() if name not in data}
    return names_among(expanded(node, steps))


def _is_product(node: ast.expr) -> bool:
    """Whether the outermost thing done is a product or a solution: not a prediction from one."""
    while (inner := _another_shape_of(node)) is not None:
        node = inner
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.MatMult)
    return isinstance(node, ast.Call) and terminal(node.func) in {
        "dot",
        "matmul",
        "solve",
        "cho_solve",
        "solve_triangular",
        "multi_dot",
    }


def _another_shape_of(node: ast.expr) -> ast.expr | None:
    """What an expression is a part of, or the same numbers as: ``A`` of ``A.T``, ``A.ravel()``."""
    if isinstance(node, ast.Attribute | ast.Subscript):
        return node.value
    method = node.func if isinstance(node, ast.Call) else None
    if isinstance(method, ast.Attribute) and method.attr in _SHAPING:
        return method.value
    return None


def _returns_table(node: ast.expr, tables: set[str]) -> bool:
    """Whether the product begins with a table: a fit of values, not of coefficients."""
    while (first := _first_factor(node)) is not None:
        node = first
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return isinstance(node.value, ast.Name) and node.value.id not in tables
    return isinstance(node, ast.Name)


def _first_factor(node: ast.expr) -> ast.expr | None:
    """``A`` of ``A @ b``, ``A.dot(b)`` and ``np.dot(A, b)``."""
    if isinstance(node, ast.BinOp):
        return node.left
    if not (isinstance(node, ast.Call) and terminal(node.func) in {"dot", "matmul"} and node.args):
        return None
    if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
        return node.func.value
    return node.args[0]


def _has_columns(node: ast.expr, frames: set[str]) -> bool:
    """Whether table and target are different columns of one frame."""
    picked = {
        ast.unparse(part)
        for part in ast.walk(node)
        if isinstance(part, ast.Subscript) and plain_root(part.value) in frames
    }
    return len(picked) > 1


# -- by the factors of a table --------------------------------------------------------------------
def _by_factors(
    value: ast.expr, names: tuple[str, ...], node: ast.stmt, body: Sequence[ast.stmt]
) -> Finding | None:
    """``solve(R, Q.T @ y)``, where ``Q, R = qr(X)``, and its kin of ``svd``."""
    for made in statements_in(body):
        if not (
            isinstance(made, ast.Assign)
            and isinstance(made.targets[0], ast.Tuple)
            and isinstance(made.value, ast.Call)
            and terminal(made.value.func) in {"qr", "svd"}
            and made.value.args
        ):
            continue
        factors = set(target_names(made.targets[0]))
        table = plain_root(made.value.args[0])
        targets = {
            target
            for part in ast.walk(value)
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult)
            if transposed(part.left) in factors
            for target in [plain_root(part.right)]
            if target is not None and target not in factors
        }
        used = factors & names_in(value)
        if table is not None and targets - {table} and len(used) > 1:
            return Finding(
                method="least squares",
                parameters=names,
                data=tuple(sorted(targets | {table})),
                node=node,
                names=names_in(value) | names_in(node),
                fed=frozenset({table}),
            )
    return None


def _inverted(call: ast.Call) -> ast.expr | None:
    """What is inverted: ``A`` of ``inv(A)``, ``torch.inverse(A)`` and ``A.inverse()``."""
    if call.args:
        return call.args[0]
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def _is_factor(call: ast.Call, whole: ast.expr) -> bool:
    return call is not whole


# -- a line through points ----------------------------------------------------------------------
def _line(
    value: ast.expr, names: tuple[str, ...], node: ast.stmt, made: Mapping[str, ast.expr]
) -> Finding | None:
    """``intercept = mean(y) - slope * mean(x)``, where the slope is a quotient of sums."""
    if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub) and len(names) == 1):
        return None
    if not (isinstance(value.right, ast.BinOp) and isinstance(value.right.op, ast.Mult)):
        return None
    for slope, other in (
        (value.right.left, value.right.right),
        (value.right.right, value.right.left),
    ):
        if not (isinstance(slope, ast.Name) and slope.id in made):
            continue
        quotient = expand(made[slope.id], made)
        means = _is_mean(expand(value.left, made)) and _is_mean(expand(other, made))
        if means and isinstance(quotient, ast.BinOp) and isinstance(quotient.op, ast.Div):
            whole = [quotient, expand(value.left, made), expand(other, made)]
            data = set[str]().union(*(roots_in(part) for part in whole))
            return Finding(
                method="least squares",
                parameters=(slope.id, names[0]),
                data=tuple(sorted(data)),
                node=node,
                names=frozenset(data) | names_in(node),
                fed=frozenset(roots_in(whole[-1])),
            )
    return None


def _is_mean(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return "sum" in called_among(ast.walk(node.left))
    return isinstance(node, ast.Call) and terminal(node.func) in _MEANS
