"""Reads statistics of classes: means, deviations, covariances and shares of ``X[y == c]``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from nbmlops.tracking.code.names import called_among, terminal
from nbmlops.tracking.inference.assignments import expanded, names_in, pairs_in, root_of
from nbmlops.tracking.inference.matrices import gram_of

__all__ = ["Statistic", "statistics_in"]

_MEANS = {"mean", "average", "nanmean"}
_VARIANCES = {"var", "std", "nanvar", "nanstd"}
_PREDICTED = {"argmin", "argmax", "predict", "fit_predict"}
_HANDING = {"values", "to_numpy", "array", "asarray", "drop", "copy", "iloc", "loc", "astype"}
Made = dict[str, list[ast.expr]]


class Statistic(msgspec.Struct, frozen=True):
    """A statistic of each class, in `names`: its `kind`, of the rows of `data` by `labels`."""

    kind: str
    names: tuple[str, ...]
    data: frozenset[str]
    labels: frozenset[str]
    node: ast.AST
    value: ast.expr


def statistics_in(module: ast.Module, made: Made) -> list[Statistic]:
    """All statistics of classes that code keeps."""
    found: list[Statistic] = []
    for node in ast.walk(module):
        for place, value in _kept_in(node):
            name = root_of(place)
            if not isinstance(name, ast.Name):
                continue
            for kind, rows, part in _kinds_of(value, made):
                data, labels = rows
                found.append(Statistic(kind, (name.id,), data, labels, node, part))
    return found


def _kept_in(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Places that are assigned, or appended to, with what they get."""
    yield from pairs_in(node)
    if isinstance(node, ast.Call) and terminal(node.func) == "append" and node.args:
        yield getattr(node.func, "value", node.args[0]), node.args[0]


Rows = tuple[frozenset[str], frozenset[str]]


def _kinds_of(value: ast.expr, made: Made) -> Iterator[tuple[str, Rows, ast.expr]]:
    """The kinds of statistics that an expression takes itself; a distance from a mean is none."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub):
        return
    for node in ast.walk(value):
        if isinstance(node, ast.Call):
            word = terminal(node.func)
            of = node.func.value if isinstance(node.func, ast.Attribute) else None
            inner = [part for part in (of, *node.args[:1]) if part is not None]
            rows = next((r for part in inner if (r := rows_of(part, made))), None)
            if rows is not None and word in _MEANS and _is_by_column(node, inner, made):
                yield "mean", rows, node
            elif rows is not None and word in _VARIANCES:
                yield "variance", rows, node
            elif rows is not None and word == "cov":
                yield "covariance", rows, node
            elif word in _MEANS and (labels := _labels_compared(inner, made)):
                yield "share", (frozenset(), labels), node
            elif word == "outer" and (rows := _centred(names_in(node), made)):
                yield "covariance", rows, node
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield from _quotient(node, made)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            tables = gram_of(node) or _gram_written(node)
            if tables and (rows := _centred(tables, made) or _centred_in(node, made)):
                yield "covariance", rows, node


def _quotient(node: ast.BinOp, made: Made) -> Iterator[tuple[str, Rows, ast.expr]]:
    """``len(rows) / len(X)``, and ``(rows.sum(axis=0) + 1) / (len(rows) + 2)``."""
    above = node.left
    if isinstance(above, ast.BinOp) and isinstance(above.op, ast.Add):
        for part in ast.walk(above):
            if isinstance(part, ast.Call) and (counted := _counted(part, made)):
                yield "smoothed", counted, node
                return
    elif (counted := _sized(above, made)) is not None and not _sized(node.right, made):
        yield "share", counted, node


def _counted(call: ast.Call, made: Made) -> Rows | None:
    """The rows of a class of which something is counted."""
    of = call.func.value if isinstance(call.func, ast.Attribute) else None
    for part in (of, *call.args[:1]):
        if part is None or (rows := rows_of(part, made)) is None:
            continue
        if terminal(call.func) == "sum" and _is_by_column(call, [part], made):
            return rows
        if terminal(call.func) == "len" and isinstance(part, ast.Subscript):
            return rows
    return None


def _sized(node: ast.expr, made: Made) -> Rows | None:
    """``len(rows)``, ``rows.shape[0]`` and ``(y == c).sum()``: how many are of a class."""
    if isinstance(node, ast.Call) and terminal(node.func) in {"len", "float", "sum"}:
        of = node.func.value if isinstance(node.func, ast.Attribute) else None
        for part in (of, *node.args[:1]):
            if part is None:
                continue
            if terminal(node.func) == "len" and (rows := rows_of(part, made)):
                return rows
            if labels := _labels_compared([part], made):
                return frozenset(), labels
    size = node.value if isinstance(node, ast.Subscript) else None
    if isinstance(size, ast.Attribute) and size.attr == "shape":
        return rows_of(size.value, made)
    return None


# -- rows of a class ------------------------------------------------------------------------------
def rows_of(node: ast.expr, made: Made, depth: int = 0) -> Rows | None:  # noqa: PLR0911 - one a form
    """The data and the labels of ``X[y == c]``, also by name and through a step of pandas."""
    if depth > 4:
        return None
    if isinstance(node, ast.Name):
        values = made.get(node.id, [])
        return next((r for v in values if (r := rows_of(v, made, depth + 1))), None)
    if isinstance(node, ast.Subscript):
        root = root_of(node)
        labels = _labels_compared([node.slice], made)
        if labels and isinstance(root, ast.Name):
            return rows_of(root, made, depth + 1) or (frozenset({root.id}), labels)
        return rows_of(node.value, made, depth + 1)
    if isinstance(node, ast.Attribute) and node.attr in {*_HANDING, "T"}:
        return rows_of(node.value, made, depth + 1)
    if isinstance(node, ast.Call) and terminal(node.func) in _HANDING:
        of = node.func.value if isinstance(node.func, ast.Attribute) else None
        parts = [*node.args[:1], *([of] if of is not None else [])]
        return next((r for p in parts if (r := rows_of(p, made, depth + 1))), None)
    if isinstance(node, ast.ListComp) and len(node.generators) == 1:
        over = node.generators[0]
        labels = _labels_compared(over.ifs, made)
        data = names_in(over.iter) - labels - {"zip", "range", "len"}
        return (data, labels) if labels and data else None
    return None


def _labels_compared(nodes: list[ast.expr], made: Made) -> frozenset[str]:
    """The labels that are held against one class; what a decision has made are none."""
    for node in nodes:
        for part in expanded(node, {n: v for n, v in made.items() if _is_mask(v)}):
            if not (isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq)):
                continue
            sides = (part.left, part.comparators[0])
            for each, other in (sides, sides[::-1]):
                side = root_of(each)
                if not isinstance(side, ast.Name) or not _is_class(other, made):
                    continue
                if not any(called_among(ast.walk(v)) & _PREDICTED for v in made.get(side.id, [])):
                    return _behind(side.id, made)
    return frozenset()


def _is_mask(values: list[ast.expr]) -> bool:
    return any(isinstance(v, ast.Compare) for v in values)


def _is_class(node: ast.expr, made: Made) -> bool:
    """Whether it is one class: written out, picked from a list, or gone through by a loop."""
    if isinstance(node, ast.Constant | ast.Subscript):
        return True
    values = made.get(node.id, []) if isinstance(node, ast.Name) else []
    return any(
        isinstance(value, ast.Starred)
        and not (isinstance(value.value, ast.Call) and terminal(value.value.func) == "zip")
        for value in values
    )


def _behind(name: str, made: Made) -> frozenset[str]:
    """The labels that a loop's target goes through beside the rows: ``for x, t in zip(X, y)``."""
    for value in made.get(name, []):
        over = value.value if isinstance(value, ast.Starred) else None
        if isinstance(over, ast.Call) and terminal(over.func) == "zip" and over.args:
            return names_in(over.args[-1])
    return frozenset({name})


def _is_by_column(call: ast.Call, inner: list[ast.expr], made: Made) -> bool:
    """Whether a statistic is taken of each column."""
    axis = [k.value for k in call.keywords if k.arg == "axis"]
    axis += call.args[1:2] if isinstance(call.func, ast.Attribute) and len(inner) > 1 else []
    axis += call.args[:1] if len(call.args) == 1 and len(inner) > 1 else []
    if any(isinstance(a, ast.Constant) and a.value == 0 for a in axis):
        return True
    picked = [n for part in inner for n in expanded(part, made)]
    return not axis and any(
        (isinstance(n, ast.Call) and terminal(n.func) == "drop")
        or (isinstance(n, ast.Subscript) and isinstance(n.slice, ast.List))
        for n in picked
    )


# -- around a class's mean ------------------------------------------------------------------------
def _gram_written(node: ast.BinOp) -> set[str]:
    """``(X[y == 0] - m0).T @ (X[y == 0] - m0)``."""
    left = node.left
    turned = left.value if isinstance(left, ast.Attribute) and left.attr == "T" else left
    return set(names_in(left)) if ast.dump(turned) == ast.dump(node.right) else set()


def _centred(names: set[str] | frozenset[str], made: Made) -> Rows | None:
    """The rows of a class, or of all, that one of `names` is the distance from a class mean of."""
    for name in names:
        for value in made.get(name, []):
            difference = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub)
            if difference and (rows := _centred_in(value, made)):
                return rows
    return None


def _centred_in(node: ast.expr, made: Made) -> Rows | None:
    for part in ast.walk(node):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
            if rows := rows_of(part.left, made):
                return rows
            means = [v for n in names_in(part.right) for v in made.get(n, [])]
            for value in means:
                for call in ast.walk(value):
                    if isinstance(call, ast.Call) and terminal(call.func) in _MEANS:
                        of = call.func.value if isinstance(call.func, ast.Attribute) else None
                        inner = [p for p in (of, *call.args[:1]) if p is not None]
                        if rows := next((r for p in inner if (r := rows_of(p, made))), None):
                            return rows
    return None
