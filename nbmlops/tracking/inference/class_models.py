"""Rule: what is typical of each class, worked out to tell the classes of new rows.

Naive Bayes (means and deviations, or counts, of each class and how frequent it is), discriminant
analysis (means and covariances, or the direction between two means), the nearest class mean. Means
by group alone describe a table: they are a model where the code tells classes by them, or where
they stand beside their deviations and what is called a prior.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from nbmlops.tracking.code.names import called_among, names_among, terminal
from nbmlops.tracking.inference.assignments import expanded, made_in, names_in, pairs_in
from nbmlops.tracking.inference.blocks import statements_in
from nbmlops.tracking.inference.class_counts import find_counted
from nbmlops.tracking.inference.class_statistics import Statistic, statistics_in
from nbmlops.tracking.inference.decisions import decides_by
from nbmlops.tracking.inference.expressions import operands
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.matrices import target_names

__all__ = ["find_class_models"]

# What people call how frequent a class is.
_PRIOR = re.compile(r"prior|^(?:log_)?(?:pi|phi)s?_?$|^p_(?:c|y|class)|class_prob", re.IGNORECASE)
_SOLVING = {"solve", "inv", "pinv"}


def find_class_models(body: Sequence[ast.stmt]) -> list[Finding]:
    """The models of classes that `body` works out."""
    module = ast.Module(body=list(body), type_ignores=[])
    made = made_in(module)
    found = statistics_in(module, made)
    means = _of("mean", found)
    spreads = _of("variance", found) | _of("covariance", found)
    shares, smoothed = _of("share", found), _of("smoothed", found)
    known = {name for one in found for name in one.names}
    called_so = {name for name in shares if _PRIOR.search(name)}
    direction = _direction_in(body, means, found, made)
    if direction is not None:
        return [_finding("discriminant analysis", direction, found, module)]
    axes = _axes_in(body, spreads, made)
    if axes is not None:
        return [_finding("discriminant analysis", axes, found, module)]
    if not (means or smoothed):
        return find_counted(body, module, made)
    decides = bool(means | smoothed) and decides_by(module, known, made)
    covaries = bool(_of("covariance", found))
    method = "discriminant analysis" if covaries else "naive Bayes"
    if (means and spreads and (decides or called_so)) or (smoothed and (called_so or decides)):
        return [
            _finding(method, _in_order(means | spreads | shares | smoothed, body), found, module)
        ]
    if means and decides:
        return [_finding("nearest centroid", _in_order(means, body), found, module)]
    return []


def _of(kind: str, found: Sequence[Statistic]) -> set[str]:
    return {name for one in found if one.kind == kind for name in one.names}


def _finding(
    method: str, names: Sequence[str], found: Sequence[Statistic], module: ast.Module
) -> Finding:
    first = found[0].node
    node = next(s for s in module.body if any(part is first for part in ast.walk(s)))
    return Finding(
        method=method,
        parameters=tuple(names),
        data=tuple(sorted({n for one in found for n in (*one.data, *one.labels)})),
        node=node,
        names=names_in(module),
        fed=frozenset(n for one in found for n in one.data),
        whole=True,
    )


def _in_order(names: set[str], body: Sequence[ast.stmt]) -> list[str]:
    places = [n.id for s in statements_in(body) for n in ast.walk(s) if isinstance(n, ast.Name)]
    return sorted(names, key=places.index)


def _direction_in(
    body: Sequence[ast.stmt],
    means: set[str],
    found: Sequence[Statistic],
    made: dict[str, list[ast.expr]],
) -> list[str] | None:
    """``w = solve(S, m1 - m0)``, and the offset that is made from it."""
    spreads = _of("covariance", found)
    for node in statements_in(body):
        for place, value in pairs_in(node):
            if not isinstance(place, ast.Name):
                continue
            for matrix, vector in _solved(value):
                names = names_among(expanded(matrix, made))
                within = spreads & names or any(
                    one.kind == "covariance" and one.value in expanded(matrix, made)
                    for one in found
                )
                if within and _is_between(vector, means, made):
                    return [place.id, *_offsets(place.id, means, body)]
    return None


def _axes_in(
    body: Sequence[ast.stmt], spreads: set[str], made: dict[str, list[ast.expr]]
) -> tuple[str, ...] | None:
    """``values, axes = eig(inv(within) @ between)``, or ``eigh(between, within)``."""
    for node in statements_in(body):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        call = node.value
        if terminal(call.func) not in {"eig", "eigh"} or not call.args:
            continue
        parts = [part for argument in call.args for part in expanded(argument, made)]
        names = names_among(parts)
        solved = called_among(parts) & _SOLVING
        if spreads & names and len(names) > 1 and (solved or len(call.args) > 1):
            return target_names(node.targets[0]) or None
    return None


def _solved(value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """``solve(S, d)``, ``inv(S) @ d`` and ``inv(S).dot(d)`` as `S` and `d`."""
    if isinstance(value, ast.Call) and terminal(value.func) == "solve" and len(value.args) > 1:
        yield value.args[0], value.args[1]
    elif isinstance(value, ast.Call) and terminal(value.func) == "dot" and value.args:
        if isinstance(value.func, ast.Attribute):
            yield value.func.value, value.args[-1]
    elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
        parts = list(operands(value, ast.MatMult))
        if len(parts) == 2:
            yield parts[0], parts[1]


def _is_between(vector: ast.expr, means: set[str], made: dict[str, list[ast.expr]]) -> bool:
    """Whether it is the difference of two classes' means."""
    for node in [vector, *(v for n in names_in(vector) for v in made.get(n, []))]:
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)):
            continue
        if all(names_in(side) & means for side in (node.left, node.right)):
            return True
    return False


def _offsets(direction: str, means: set[str], body: Sequence[ast.stmt]) -> list[str]:
    return [
        place.id
        for node in body
        for place, value in pairs_in(node)
        if isinstance(place, ast.Name)
        and {direction} <= names_in(value)
        and names_in(value) & means
    ]
