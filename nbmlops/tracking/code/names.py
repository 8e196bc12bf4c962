"""Names in syntax trees: bound, read, at the root of an expression."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Sequence

__all__ = [
    "arguments_of",
    "bound_names",
    "called_among",
    "is_constant",
    "names_among",
    "names_in",
    "picked_from",
    "root_of",
    "terminal",
]

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def bound_names(body: Iterable[ast.AST]) -> set[str]:
    """The names that statements bind in the scope in which they stand."""
    found: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, _SCOPES):
            continue
        if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            # Its variables are its own; what := binds inside is not.
            found |= {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {a.asname or a.name.split(".")[0] for a in node.names if a.name != "*"}
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            found.add(node.rest)
        elif isinstance(node, ast.Nonlocal):
            found |= set(node.names)
        waiting += ast.iter_child_nodes(node)
    return found


def names_among(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names that stand among `nodes` themselves."""
    return frozenset(node.id for node in nodes if isinstance(node, ast.Name))


def called_among(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The last words of what is called among `nodes`: ``dot`` of ``np.dot(a, b)``."""
    return frozenset(terminal(node.func) for node in nodes if isinstance(node, ast.Call))


def names_in(nodes: Sequence[ast.AST], *, store: bool = False) -> list[str]:
    """The names that are read in `nodes`, or bound, in order."""
    kind = ast.Store if store else ast.Load
    return list(
        dict.fromkeys(
            part.id
            for node in nodes
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, kind)
        )
    )


def root_of(node: ast.AST) -> str | None:
    """The name whose object an expression is a part of; a call's answer is nobody's part."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Await):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def arguments_of(arguments: ast.arguments) -> tuple[str, ...]:
    """A function's parameters, by position, then those by keyword alone, then the catch-alls."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return tuple(argument.arg for argument in (*named, *extra))


def is_constant(node: ast.expr | None) -> bool:
    """Whether an expression is a number, a text or the like, which nothing can change in place."""
    if isinstance(node, ast.Constant | ast.JoinedStr):
        return True
    if isinstance(node, ast.UnaryOp):
        return is_constant(node.operand)
    if isinstance(node, ast.BinOp):
        return is_constant(node.left) and is_constant(node.right)
    return isinstance(node, ast.Tuple) and all(map(is_constant, node.elts))


def picked_from(node: ast.expr, methods: Container[str]) -> ast.expr:
    """What an expression picks parts of, or asks by one of `methods`: ``q`` of ``q[s].get(a)``."""
    while True:
        if isinstance(node, ast.Subscript):
            node = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in methods
        ):
            node = node.func.value
        else:
            return node


def terminal(node: ast.expr) -> str:
    """The last word of a name: ``dot`` of ``np.dot``."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
