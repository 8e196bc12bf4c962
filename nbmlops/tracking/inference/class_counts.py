"""Rule: naive Bayes by counting, of each class how frequent it is and what comes in it.

``seen[c] += 1`` and ``words[c][w] += 1`` by one key, of which logarithms or smoothed shares are
taken.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nbmlops.tracking.code.names import names_among, terminal
from nbmlops.tracking.inference.assignments import expanded, names_in, pairs_in
from nbmlops.tracking.inference.blocks import statements_in
from nbmlops.tracking.inference.decisions import decides_by
from nbmlops.tracking.inference.findings import Finding

__all__ = ["find_counted"]

Made = dict[str, list[ast.expr]]


def find_counted(body: Sequence[ast.stmt], module: ast.Module, made: Made) -> list[Finding]:
    """The counts of classes, and of what comes in each, that `body` makes into chances."""
    for loop in (n for n in statements_in(body) if isinstance(n, ast.For)):
        classes, contents = _counters_in(loop)
        for key, seen in classes.items():
            inside = contents.get(key)
            if inside is None or inside == seen:
                continue
            prior = _quotient_of(seen, inside, module, made)
            likely = _is_smoothed(inside, module, made)
            if not (prior and (likely or decides_by(module, {seen, inside}, made))):
                continue
            names = [_chances_of(seen, inside, body), _chances_of(inside, "", body)]
            return [
                Finding(
                    method="naive Bayes",
                    parameters=tuple(dict.fromkeys(names)),
                    data=tuple(sorted(_gone_through(loop) - {seen, inside})),
                    node=loop,
                    names=names_in(module),
                    whole=True,
                )
            ]
    return []


def _gone_through(loop: ast.For) -> set[str]:
    """What a loop goes through, by itself or by an index."""
    loops = [part for part in ast.walk(loop) if isinstance(part, ast.For)]
    bound = {name for part in loops for name in names_in(part.target)}
    through = {name for part in loops for name in names_in(part.iter)}
    for part in ast.walk(loop):
        place = part.slice if isinstance(part, ast.Subscript) else None
        if isinstance(place, ast.Name) and place.id in bound:
            through |= names_in(part) - bound
    return through - bound


def _counters_in(loop: ast.For) -> tuple[dict[str, str], dict[str, str]]:
    """By their key, what counts classes and what counts in each class."""
    classes: dict[str, str] = {}
    contents: dict[str, str] = {}
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            place = node.target
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            lists = node.func.value  # words[c].update(doc.split())
            if (
                node.func.attr == "update"
                and isinstance(lists, ast.Subscript)
                and isinstance(lists.value, ast.Name)
            ):
                contents.setdefault(ast.unparse(lists.slice), lists.value.id)
            continue
        else:
            continue
        if not isinstance(place, ast.Subscript):
            continue
        outer = place.value
        if isinstance(outer, ast.Subscript) and isinstance(outer.value, ast.Name):
            contents.setdefault(ast.unparse(outer.slice), outer.value.id)
        elif isinstance(outer, ast.Name) and isinstance(place.slice, ast.Tuple):
            contents.setdefault(ast.unparse(place.slice.elts[0]), outer.id)
        elif isinstance(outer, ast.Name):
            classes.setdefault(ast.unparse(place.slice), outer.id)
    return classes, contents


def _quotient_of(seen: str, inside: str, module: ast.Module, made: Made) -> bool:
    """Whether classes' counts are divided by how many there are, apart from what comes in them."""
    steps = {n: [v for v in values if not isinstance(v, ast.Starred)] for n, values in made.items()}
    for node in ast.walk(module):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            names = names_among(expanded(node.left, steps))
            if seen in names and inside not in names and inside not in names_in(node.right):
                return True
    return False


def _is_smoothed(inside: str, module: ast.Module, made: Made) -> bool:
    """Whether one is added to the counts before they are divided, or their logarithm is taken."""
    for node in ast.walk(module):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            above = node.left
            added = isinstance(above, ast.BinOp) and isinstance(above.op, ast.Add)
            if added and inside in names_among(expanded(above, made)):
                return True
        elif isinstance(node, ast.Call) and terminal(node.func) in {"log", "log2", "log10"}:
            parts = [p for a in node.args for p in expanded(a, made)]
            divided = any(isinstance(p, ast.BinOp) and isinstance(p.op, ast.Div) for p in parts)
            if divided and inside in names_among(parts):
                return True
    return False


def _chances_of(counts: str, other: str, body: Sequence[ast.stmt]) -> str:
    """The name that a cell gives the chances made from `counts`; theirs where it gives none."""
    for node in body:
        for place, value in pairs_in(node):
            names = names_in(value)
            divides = any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)
                          for n in ast.walk(value))  # fmt: skip
            if isinstance(place, ast.Name) and divides and counts in names and other not in names:
                return place.id
    return counts
