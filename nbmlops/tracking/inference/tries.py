"""Reads what a loop tries out: the tests for the best, and the candidates that they keep."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

import msgspec

from nbmlops.tracking.code.names import terminal
from nbmlops.tracking.inference.assignments import names_in, pairs_in, root_of
from nbmlops.tracking.inference.expressions import dotted
from nbmlops.tracking.inference.statements import StatementReader
from nbmlops.tracking.inference.values import Stage, Value, bent, joined
from nbmlops.tracking.inference.world import World

__all__ = ["ORDERED", "Kept", "SearchReader", "name_of"]

ORDERED = ast.Lt | ast.LtE | ast.Gt | ast.GtE


class Kept(msgspec.Struct, frozen=True):
    """What a `test` for the best keeps: `names` of candidates, judged as `error` says.

    `carried` says that the next candidate is made from the one that was kept.
    """

    names: tuple[str, ...]
    tried: frozenset[str]
    carried: bool
    error: Value
    node: ast.expr
    test: ast.expr


class SearchReader(StatementReader):
    """Reads a loop in which the values that it draws or goes through stand for parameters."""

    def __init__(self, world: World, candidates: frozenset[str], tried: frozenset[str]) -> None:
        super().__init__(world, candidates)
        self.tried = tried
        self.kept: list[Kept] = []

    def bind(self, target: ast.expr, value: Value) -> None:
        """What a loop goes through is tried out, one after the other."""
        super().bind(target, value)
        if self.scope is self.root:
            for name in names_in(target) & self.tried:
                self.scope.values[name] = Value(own=frozenset({name}))

    def _assign(self, target: ast.expr, value: Value, node: ast.AST) -> None:
        drawn = isinstance(target, ast.Name) and self.scope is self.root
        if drawn and names_in(target) <= self.tried and not value.states and not value.data:
            value = Value(own=names_in(target))
        super()._assign(target, value, node)

    def _picked_by(self, target: ast.expr) -> Value:
        """Which rows of a prediction are set may depend on what is tried, too."""
        picked = [self.read(n.slice) for n in ast.walk(target) if isinstance(n, ast.Subscript)]
        return bent(joined(picked))

    def _Compare(self, node: ast.Compare) -> Value:
        value = super()._Compare(node)
        if isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [self.read(side) for side in (node.left, node.comparators[0])]
            for one, other in (sides, sides[::-1]):
                if one.states and one.data and other.data and not other.states:
                    return msgspec.structs.replace(value, residual=True)
        return value

    def _Dict(self, node: ast.Dict) -> Value:
        return self._Tuple(ast.Tuple(elts=node.values, ctx=ast.Load()))

    def run_body(self, body: Sequence[ast.stmt]) -> None:
        """Read `body`; ``if error >= best: continue`` is a test of all that comes after it."""
        for place, node in enumerate(body):
            if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Continue):
                self._look(node.test, body[place + 1 :])
            super().run_body([node])

    def _If(self, node: ast.If) -> None:
        self._look(node.test, node.body)
        super()._If(node)

    def _look(self, test: ast.expr, body: Sequence[ast.stmt]) -> None:
        if self.scope is not self.root:
            return
        for error, best in _comparisons(test):
            if not _takes_over(body, error, best):
                continue
            kept = [
                (name, _candidates_in(self.read(part)))
                for target, part in _assigned(body)
                if (name := name_of(target)) is not None
            ]
            own = frozenset[str]().union(*(candidates for _, candidates in kept))
            names = tuple(dict.fromkeys(name for name, candidates in kept if candidates))
            carried = any(name in candidates for name, candidates in kept)
            if names:
                self.kept.append(Kept(names, own, carried, self.read(error), error, test))


def _comparisons(test: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is compared with what so far was best, either way round."""
    for node in ast.walk(test):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ORDERED):
            yield node.left, node.comparators[0]
            yield node.comparators[0], node.left


def _assigned(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each place that statements assign to, with what it gets."""
    for node in body:
        if isinstance(node, ast.Assign):
            yield from pairs_in(node)


def _takes_over(body: Sequence[ast.stmt], error: ast.expr, best: ast.expr) -> bool:
    """Whether `error` becomes the `best`, alone or as a part of what is kept."""
    wanted, place = ast.dump(error), ast.unparse(best)
    if isinstance(best, ast.Call):  # ``if loss(new) < loss(w): w = new``
        return any(
            isinstance(target, ast.Name)
            and isinstance(value, ast.Name)
            and re.sub(rf"\b{value.id}\b", target.id, ast.unparse(error)) == place
            for target, value in _assigned(body)
        )
    root = best
    while isinstance(root, ast.Subscript | ast.Attribute):
        root = root.value
    for target, value in _assigned(body):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
        parts = [*parts, *(value.values if isinstance(value, ast.Dict) else [])]
        if any(ast.dump(_plain(part)) == wanted for part in parts):
            if ast.unparse(target) == place:
                return True
            if isinstance(best, ast.Subscript) and ast.unparse(target) == ast.unparse(root):
                return True
    return False


def _plain(node: ast.expr) -> ast.expr:
    """`node` without ``float()`` and ``copy()`` around it."""
    while isinstance(node, ast.Call) and terminal(node.func) in {"float", "copy", "deepcopy"}:
        inner = node.args[0] if node.args else getattr(node.func, "value", None)
        if inner is None:
            break
        node = inner
    return node


def name_of(target: ast.expr) -> str | None:
    return dotted(root_of(target))


def _candidates_in(value: Value) -> frozenset[str]:
    """The parameters that stand in a value as they were tried: bare, or as a part of a tuple."""
    parts = value.items or (value,)
    return frozenset[str]().union(*(p.own for p in parts if p.rest is Stage.FREE))
