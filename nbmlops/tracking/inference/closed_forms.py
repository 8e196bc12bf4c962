"""Rule: coefficients worked out in one go, by the normal equations or by sums.

``inv(X.T @ X) @ X.T @ y`` and its spellings, ``pinv(X) @ y``, by the factors of ``qr(X)`` or
``svd(X)``, ``solve(K + s * eye(n), y)`` of kernel methods, and the slope and intercept of a line
through points. An inverse alone is linear algebra: it must meet both the table and its target.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence

from nbmlops.tracking.code.frames import MODULES
from nbmlops.tracking.inference.expressions import terminal
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.loops import names_in, statements_in

__all__ = ["find_closed_forms"]

_MEANS = {"mean", "average", "nanmean"}
_SOLVES = {"solve", "solve_triangular"}
_DEEPEST = 5
# What people call the kernel between new points and those that were learned from.
_KERNEL = re.compile(r"^[Kk](?:_?(?:s|ss|star|test|new|xs|\*))?$|^K[_a-z0-9]*$")
_MODULES = MODULES | {"linalg", "LA", "la", "cp", "LinearAlgebra"}


def find_closed_forms(body: Sequence[ast.stmt]) -> list[Finding]:
    """The closed forms whose result `body` binds to a name, or returns."""
    made = _assignments(body)
    found: list[Finding] = []
    for node in statements_in(body):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            names = _target_names(node.targets[0])
        elif isinstance(node, ast.Return) and node.value is not None:
            names = (ast.unparse(node.value),)
        else:
            continue
        value = node.value
        if value is None or not names:
            continue
        finding = (
            _normal_equations(value, names, node, made)
            or _by_factors(value, names, node, body)
            or _line(value, names, node, made)
        )
        taken = {name for known in found for name in known.parameters}
        if finding is not None and not taken & set(finding.parameters):
            found.append(finding)
    return found


def _normal_equations(
    value: ast.expr, names: tuple[str, ...], node: ast.stmt, made: Mapping[str, ast.expr]
) -> Finding | None:
    whole = _expand(value, made)
    if not _is_product(whole):
        return None
    for part in ast.walk(whole):
        if not isinstance(part, ast.Call):
            continue
        word = terminal(part.func)
        if word in _SOLVES and len(part.args) > 1:
            tables, targets = _gram(part.args[0]), _roots(part.args[1])
            if not tables & targets:  # a smoother's penalty is no table: it meets no target
                tables = set()
            half = "cholesky" in _words(whole) and not _words(part.args[1]) & _SOLVES
            if not tables and not half:
                tables = _regular(part.args[0], made)
                targets = {n for n in targets if not _KERNEL.match(n)}
        elif word == "cho_solve" and len(part.args) > 1:
            tables, targets = _regular(part.args[0], made), _roots(part.args[1])
        elif word in {"inv", "pinv"} and part.args:
            gram = _gram(part.args[0])
            plain = _roots(part.args[0]) if word == "pinv" and not gram else set()
            tables = gram or (plain if len(plain) == 1 else _regular(part.args[0], made))
            targets = _roots(whole) if _is_factor(part, whole) else set()
        else:
            continue
        data = tables | targets
        if tables and targets - tables and not _returns_table(whole, tables):
            return Finding(
                method="least squares",
                parameters=names,
                data=tuple(sorted(data)),
                node=node,
                names=names_in(whole) | names_in(node),
            )
    return None


def _is_product(node: ast.expr) -> bool:
    """Whether the outermost thing done is a product or a solution: not a prediction from one."""
    while isinstance(node, ast.Attribute | ast.Subscript) or (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"ravel", "flatten", "reshape", "squeeze"}
    ):
        node = node.func.value if isinstance(node, ast.Call) else node.value  # type: ignore[attr-defined] # checked above
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


def _returns_table(node: ast.expr, tables: set[str]) -> bool:
    """Whether the product begins with a table: a fit of values, not of coefficients."""
    while isinstance(node, ast.BinOp):
        node = node.left
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return isinstance(node.value, ast.Name) and node.value.id not in tables
    return isinstance(node, ast.Name)


def _words(node: ast.AST) -> set[str]:
    return {terminal(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}


def _regular(node: ast.expr, made: Mapping[str, ast.expr]) -> set[str]:
    """The kernel `K` of a ``K + s * eye(n)`` below `node`, or what the kernel was made from."""
    waiting: list[ast.AST] = [node]
    seen: set[str] = set()
    while waiting:
        for part in ast.walk(waiting.pop()):
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
                for one, other in ((part.left, part.right), (part.right, part.left)):
                    # ``eye(n) + dt * A`` is a step in time: there the matrix is what is scaled.
                    scaled = isinstance(other, ast.BinOp) and isinstance(other.op, ast.Mult)
                    unit = scaled and _words(other) & {"eye", "identity"}
                    if unit and (kernel := _roots(one)):
                        return kernel
            elif isinstance(part, ast.Name) and part.id in made and part.id not in seen:
                seen.add(part.id)
                waiting.append(made[part.id])
    return set()


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
        factors = set(_target_names(made.targets[0]))
        table = _plain_root(made.value.args[0])
        targets = {
            target
            for part in ast.walk(value)
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult)
            if _transposed(part.left) in factors
            for target in [_plain_root(part.right)]
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
            )
    return None


def _is_factor(call: ast.Call, whole: ast.expr) -> bool:
    return call is not whole


def _gram(node: ast.expr) -> set[str]:
    """The table `X` of an ``X.T @ X`` within `node`."""
    for part in ast.walk(node):
        left: ast.expr | None = None
        right: ast.expr | None = None
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult):
            left, right = part.left, part.right
            while isinstance(left, ast.BinOp):  # X.T @ W @ X, 2 * X.T @ X
                scaled = isinstance(left.op, ast.Mult) and not _transposed(left.left)
                left = left.right if scaled else left.left
        elif isinstance(part, ast.Call) and terminal(part.func) in {"dot", "matmul"}:
            if len(part.args) == 2:
                left, right = part.args
            elif len(part.args) == 1 and isinstance(part.func, ast.Attribute):
                left, right = part.func.value, part.args[0]
        if left is None or right is None:
            continue
        transposed, plain = _transposed(left), _plain_root(right)
        if transposed and transposed == plain:
            return {transposed}
    return set()


def _transposed(node: ast.expr) -> str | None:
    if isinstance(node, ast.Attribute) and node.attr in {"T", "H"}:
        return _plain_root(node.value)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"transpose", "t"}:
            of_module = node.args and terminal(node.func.value) in _MODULES
            inner = node.args[0] if of_module else None
            return _plain_root(inner or node.func.value)
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"dot"}:
            return _transposed(node.func.value)
    return None


def _plain_root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return f"{node.value.id}.{node.attr}" if node.value.id == "self" else node.value.id
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _roots(node: ast.AST) -> set[str]:
    functions = {id(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
    return {
        n.id
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and n.id not in _MODULES and id(n) not in functions
    }


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
        quotient = _expand(made[slope.id], made)
        means = _is_mean(_expand(value.left, made)) and _is_mean(_expand(other, made))
        if means and isinstance(quotient, ast.BinOp) and isinstance(quotient.op, ast.Div):
            whole = [quotient, _expand(value.left, made), _expand(other, made)]
            data = set[str]().union(*(_roots(part) for part in whole))
            return Finding(
                method="least squares",
                parameters=(slope.id, names[0]),
                data=tuple(sorted(data)),
                node=node,
                names=frozenset(data) | names_in(node),
            )
    return None


def _is_mean(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return any(
            isinstance(n, ast.Call) and terminal(n.func) == "sum" for n in ast.walk(node.left)
        )
    return isinstance(node, ast.Call) and terminal(node.func) in _MEANS


# -- names and what they were made from -----------------------------------------------------------
def _target_names(target: ast.expr) -> tuple[str, ...]:
    if isinstance(target, ast.Name):
        return (target.id,)
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        return (f"{target.value.id}.{target.attr}",)
    if isinstance(target, ast.Tuple):
        return tuple(n.id for n in target.elts if isinstance(n, ast.Name))
    return ()


def _assignments(body: Iterable[ast.stmt]) -> dict[str, ast.expr]:
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


def _expand(node: ast.expr, made: Mapping[str, ast.expr], depth: int = 0) -> ast.expr:
    """`node` with the intermediate results put in place of their names; data stays named."""

    class Expander(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:
            inner = made.get(name.id)
            if inner is None or depth >= _DEEPEST or not _is_linear_algebra(inner):
                return name
            return _expand(inner, {k: v for k, v in made.items() if k != name.id}, depth + 1)

    import copy

    expanded: ast.expr = Expander().visit(copy.deepcopy(node))
    return expanded


def _is_linear_algebra(node: ast.expr) -> bool:
    """Whether an expression is a step of a closed form, rather than how data came to be."""
    steps = {
        "inv",
        "pinv",
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
