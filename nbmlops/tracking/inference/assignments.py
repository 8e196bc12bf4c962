"""The names that code reads and binds, and what each is made from."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from nbmlops.tracking.code.names import names_among
from nbmlops.tracking.inference.blocks import Loop
from nbmlops.tracking.inference.expressions import dotted
from nbmlops.tracking.inference.world import World

__all__ = [
    "assigned_in",
    "bound_in",
    "expanded",
    "grown_in",
    "made_in",
    "names_in",
    "pairs_in",
    "root_of",
    "sources_of",
]


def bound_in(node: ast.AST) -> frozenset[str]:
    """Every name that `node` binds."""
    names = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return frozenset(n.id for n in names if isinstance(n.ctx, ast.Store))


def grown_in(node: ast.AST) -> frozenset[str]:
    """The names whose objects `node` appends something to, or puts something in."""
    grown = [
        part.value
        for part in ast.walk(node)
        if (isinstance(part, ast.Attribute) and part.attr == "append")
        or (isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store))
    ]
    return frozenset(name for name in map(dotted, grown) if name is not None)


def names_in(node: ast.AST) -> frozenset[str]:
    """Every name that is written in `node`."""
    return names_among(ast.walk(node))


def assigned_in(code: ast.AST, *, parts: bool = False) -> dict[str, list[ast.expr]]:
    """What each name is made from in `code`, every time; with `parts` what its parts are, too."""
    made: dict[str, list[ast.expr]] = {}
    for node in ast.walk(code):
        for place, value in pairs_in(node):
            held = root_of(place) if parts else place
            if isinstance(held, ast.Name):
                made.setdefault(held.id, []).append(value)
    return made


def made_in(code: ast.AST) -> dict[str, list[ast.expr]]:
    """What each name and its parts are made from in `code`, and, starred, what it goes through."""
    made = assigned_in(code, parts=True)
    for node in ast.walk(code):
        if isinstance(node, ast.For | ast.comprehension):
            for name in names_in(node.target):
                made.setdefault(name, []).append(ast.Starred(value=node.iter, ctx=ast.Load()))
    _hand_over(code, made)
    return made


def _hand_over(code: ast.AST, made: dict[str, list[ast.expr]]) -> None:
    """What functions of the code are called with and give back, as if it was assigned."""
    functions = {n.name: n for n in ast.walk(code) if isinstance(n, ast.FunctionDef)}
    for node in ast.walk(code):
        name = (
            node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        )
        if isinstance(node, ast.Call) and (function := functions.get(name)) is not None:
            for argument, value in zip(function.args.args, node.args, strict=False):
                made.setdefault(argument.arg, []).append(value)
    for name, function in functions.items():
        given_back = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)]
        made.setdefault(name, []).extend(value for value in given_back if value is not None)


def sources_of(
    node: ast.expr, body: Iterable[ast.stmt], made: dict[str, list[ast.expr]]
) -> frozenset[str]:
    """What an expression reads; where a loop of `body` makes that, what the loop goes through."""
    outer = {
        name
        for statement in body
        if not isinstance(statement, Loop)
        for place, _ in pairs_in(statement)
        for name in names_in(place)
    }
    inner = {name: values for name, values in made.items() if name not in outer}
    return names_among(expanded(node, inner)) - inner.keys()


def root_of(place: ast.expr) -> ast.expr:
    """What a place is a part of: ``w`` of ``w[i, j]``."""
    while isinstance(place, ast.Subscript):
        place = place.value
    return place


def pairs_in(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """The places that an assignment sets or adds to, each with what it gets; of others none."""
    if isinstance(node, ast.AugAssign):
        return [(node.target, node.value)]
    if not isinstance(node, ast.Assign):
        return []
    found: list[tuple[ast.expr, ast.expr]] = []
    for target in node.targets:
        if not isinstance(target, ast.Tuple):
            found.append((target, node.value))
        elif isinstance(node.value, ast.Tuple):
            found += zip(target.elts, node.value.elts, strict=False)
        else:
            found += [(place, node.value) for place in target.elts]
    return found


def expanded(
    node: ast.AST, made: dict[str, list[ast.expr]], world: World | None = None
) -> Iterator[ast.AST]:
    """The nodes of an expression, and those of what its names were made from.

    With a `world` also those of the user's functions that it names.
    """
    seen: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        for part in ast.walk(waiting.pop()):
            yield part
            if isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                waiting += made.get(part.id, [])
                if world is not None and (function := world.function(part.id)) is not None:
                    waiting.append(function)
