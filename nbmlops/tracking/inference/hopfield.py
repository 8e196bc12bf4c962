"""Rule: weights that are the sum of patterns' outer products with themselves, without a diagonal.

Hebb's rule, by which Hopfield's network remembers patterns of signs. Products of counts or of
centred columns are co-occurrences and covariances, which describe data: whether the data are signs
is asked of the data itself.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nbmlops.tracking.code.names import called_among, terminal
from nbmlops.tracking.inference.assignments import (
    assigned_in,
    made_in,
    names_in,
    pairs_in,
    root_of,
    sources_of,
)
from nbmlops.tracking.inference.blocks import statements_in
from nbmlops.tracking.inference.expressions import operands
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.matrices import gram_of

__all__ = ["find_hopfield"]

_SOLVING = {"inv", "pinv", "solve", "cholesky", "eigh", "eig", "svd"}
_UNIT = {"eye", "identity"}
_DIAGONAL = {"fill_diagonal", "fill_diagonal_", "diag_indices", "diag_indices_from"}


def find_hopfield(body: Sequence[ast.stmt]) -> list[Finding]:
    """The weights that `body` makes of patterns by Hebb's rule."""
    module = ast.Module(body=list(body), type_ignores=[])
    made = assigned_in(module, parts=True)
    found: list[Finding] = []
    for name, values in made.items():
        patterns = set[str]().union(*(_patterns_in(value) for value in values))
        if patterns and _has_no_diagonal(name, values, body):
            read = ast.Tuple(elts=[ast.Name(id=n) for n in sorted(patterns)])
            found.append(
                Finding(
                    method="Hebb's rule",
                    parameters=(name,),
                    data=tuple(sorted(sources_of(read, body, made_in(module)))),
                    node=_last(name, body),
                    names=names_in(module),
                    signs=True,
                )
            )
    return found


def _patterns_in(value: ast.expr) -> set[str]:
    """What an expression multiplies with itself, each element with each other."""
    if called_among(ast.walk(value)) & _SOLVING:
        return set()
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and terminal(node.func) == "outer" and len(node.args) == 2:
            one, other = node.args
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            one, other = node.left, node.right
            if not (isinstance(one, ast.Subscript) and isinstance(other, ast.Subscript)):
                continue
            if ast.dump(one.slice) == ast.dump(other.slice):
                continue  # a square
            one, other = one.value, other.value
        else:
            continue
        if isinstance(one, ast.Name) and ast.dump(one) == ast.dump(other):
            return {one.id}
    return gram_of(value)


def _has_no_diagonal(name: str, values: Sequence[ast.expr], body: Sequence[ast.stmt]) -> bool:
    """``np.fill_diagonal(W, 0)``, ``W[i, i] = 0``, ``- n * np.eye(d)``, or ``if i != j`` around."""
    for value in values:
        _, *less = operands(value, ast.Sub)
        if any(called_among(ast.walk(term)) & _UNIT for term in less):
            return True
    return any(
        _clears_diagonal(node, name)
        for statement in statements_in(body)
        for node in ast.walk(statement)
    )


def _clears_diagonal(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Call):
        return terminal(node.func) in _DIAGONAL and name in names_in(node)
    if isinstance(node, ast.If):
        unequal = isinstance(node.test, ast.Compare) and isinstance(
            node.test.ops[0], ast.NotEq | ast.Eq
        )
        return unequal and name in names_in(node)
    for place, _ in pairs_in(node):
        if isinstance(place, ast.Subscript) and isinstance(place.slice, ast.Tuple):
            keys = {ast.dump(key) for key in place.slice.elts}
            if len(keys) < len(place.slice.elts) and name in names_in(place.value):
                return True
    return False


def _last(name: str, body: Sequence[ast.stmt]) -> ast.AST:
    """The statement that has the weights at last."""

    def has(node: ast.AST) -> bool:
        places = [root_of(place) for part in ast.walk(node) for place, _ in pairs_in(part)]
        return any(isinstance(place, ast.Name) and place.id == name for place in places)

    return [node for node in body if has(node)][-1]
