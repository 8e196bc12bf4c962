"""Reads expressions: from syntax to a :class:`~nbmlops.tracking.inference.values.Value`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from nbmlops.tracking.code.names import terminal
from nbmlops.tracking.inference import words
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.values import (
    FREE,
    Stage,
    Value,
    bent,
    joined,
    product,
    total,
)
from nbmlops.tracking.inference.world import Kind, World

__all__ = ["ExpressionReader", "dotted", "operands"]

_GOING_OVER = {"reversed", "list", "tuple", "iter", "sorted", "tqdm"}


def dotted(node: ast.expr) -> str | None:
    """``self.W`` as text, for a plain name or one attribute of it."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return None


def operands(node: ast.expr, *operators: type[ast.operator]) -> Iterator[ast.expr]:
    """What is joined by any of `operators`, however it is nested: the terms of a sum, say."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, operators):
        yield from operands(node.left, *operators)
        yield from operands(node.right, *operators)
    else:
        yield node


class ExpressionReader:
    """Evaluates expressions in `scope`. `candidates` are the names that the loop binds."""

    def __init__(self, world: World, candidates: frozenset[str]) -> None:
        self.world = world
        self.candidates = candidates
        self.rebound: frozenset[str] = frozenset()  # names that hold another object each round
        self.open = False  # whether any attribute of an object may be one of `candidates`
        self.scope = Scope()
        self.met: set[str] = set()
        self.fed: set[str] = set()  # data that parameters are applied to, rather than held against
        self.judged_by: frozenset[str] = frozenset()  # data of what ``backward()`` was called on
        self.heard: set[str] = set()  # the words called
        self.reached: set[str] = set()  # global names that the user's functions read on the way
        self._depth = 0

    # -- statements' side, see StatementReader --------------------------------------------------
    def altered(self, target: ast.expr, value: Value, node: ast.AST) -> None:
        """`target`'s object takes up `value`."""

    def run_body(self, body: Sequence[ast.stmt]) -> None:
        """Read statements."""

    def bind(self, target: ast.expr, value: Value) -> None:
        """`target` is bound to `value`, as by a loop."""

    # -- values ---------------------------------------------------------------------------------
    def read(self, node: ast.expr | None) -> Value:
        """What an expression is worth."""
        if node is None:
            return FREE
        method = getattr(self, f"_{type(node).__name__}", None)
        return method(node) if method else self._parts(node)

    def _parts(self, node: ast.expr) -> Value:
        return joined(self.read(n) for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr))

    def _Constant(self, _node: ast.Constant) -> Value:
        return FREE

    _JoinedStr = _Constant

    def _Name(self, node: ast.Name) -> Value:
        held = self.scope.value(node.id)
        return held if held is not None else self.outside(node.id)

    def outside(self, name: str) -> Value:
        """What a name from outside the code that is read is worth."""
        if name in self.candidates or (self.open and "." in name):
            return Value(own=frozenset({name}))
        if held_by := self.world.holders(name) & self.candidates - self.rebound:
            return Value(own=held_by)
        kind = self.world.kind(name)
        return Value(data=frozenset({name})) if kind in (Kind.DATA, Kind.UNKNOWN) else FREE

    def _Attribute(self, node: ast.Attribute) -> Value:
        if node.attr in words.COUNTING:
            return FREE
        if (key := self.key_of(node)) is not None:
            known = self.scope.value(key)
            return known if known is not None else self.outside(key)
        value = self.read(node.value)
        if node.attr == "grad" and value.states:
            return Value(
                held=value.states, data=self.judged_by or value.data, rest=Stage.JUDGED,
                residual=True,
            )  # fmt: skip
        return value

    def key_of(self, node: ast.expr) -> str | None:
        """The key of an attribute of a user's object: ``net.W`` for ``self.W`` in its methods."""
        if not isinstance(node, ast.Attribute):
            return None
        prefix = self.prefix_of(node.value)
        return f"{prefix}.{node.attr}" if prefix else None

    def prefix_of(self, node: ast.expr) -> str | None:
        """The prefix of the user's object that an expression is: ``net.layers`` of a layer."""
        if isinstance(node, ast.Name):
            return self.object_prefix(node.id)
        if isinstance(node, ast.Subscript):
            return self.prefix_of(node.value) if isinstance(node.value, ast.Attribute) else None
        key = self.key_of(node)
        return key if key is not None and self.world.kind(key) is Kind.OBJECT else None

    def object_of_each(self, node: ast.expr) -> str | None:
        """The prefix of the objects that a loop goes over, as over the layers of a network."""
        if isinstance(node, ast.Call):
            if terminal(node.func) in _GOING_OVER and node.args:
                return self.object_of_each(node.args[0])
            return None
        prefix = self.prefix_of(node)
        return prefix if prefix is not None and "." in prefix else None

    def object_prefix(self, name: str) -> str | None:
        """The prefix of a user's object, if `name` is one."""
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.objects:
                return scope.objects[name]
            if name in scope.values:
                return None
            scope = scope.parent
        return name if self.world.kind(name) is Kind.OBJECT else None

    def _Subscript(self, node: ast.Subscript) -> Value:
        base, index = self.read(node.value), self.read(node.slice)
        if base.items and isinstance(node.slice, ast.Constant):
            place = node.slice.value
            if isinstance(place, int) and -len(base.items) <= place < len(base.items):
                return base.items[place]
        if not base.states and not base.data and not base.items:
            return index  # a table of codes, say: what is looked up in it comes from the index
        if base.states and base.rest <= Stage.HELD:
            self.fed |= index.data  # a row of an embedding, say
        if not index.states:
            return Value(
                base.own, base.held, base.data | index.data if base.states else base.data,
                base.rest, base.residual,
            ) if not base.items else base  # fmt: skip
        if base.own and not base.data:
            # A parameter picked by what was judged, as the nearest of a map's units.
            return Value(base.own, base.held | index.states, base.data | index.data,
                         max(base.rest, index.stage), base.residual)  # fmt: skip
        return self.times(base, index)

    def _BinOp(self, node: ast.BinOp) -> Value:
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Add | ast.Sub):
            return self.plus(left, right)
        if isinstance(node.op, ast.Pow):
            whole = joined((left, right))
            return bent(left) if left.states else bent(whole) if right.states else whole
        return self.times(left, right, divides=isinstance(node.op, ast.Div | ast.FloorDiv))

    def plus(self, left: Value, right: Value) -> Value:
        """A sum or difference; a bare term beside a prediction is a parameter, as a bias is."""
        for one, other in ((left, right), (right, left)):
            if (
                one.own
                and one.rest is Stage.FREE
                and other.rest >= Stage.MET
                and not other.residual
            ):
                self.met |= one.own
        return total(left, right)

    def times(self, left: Value, right: Value, *, divides: bool = False) -> Value:
        """A product; a parameter that meets data in it is one of the model's."""
        for one, other in ((left, right), (right, left)):
            held = one.states and one.rest <= Stage.HELD
            meets = other.data and not other.states
            if held and (meets or (other.states and not divides and not other.residual)):
                self.met |= one.states
            if held and meets:
                self.fed |= other.data
        return product(left, right)

    def _UnaryOp(self, node: ast.UnaryOp) -> Value:
        value = self.read(node.operand)
        return bent(value) if isinstance(node.op, ast.Not) else value

    def _Compare(self, node: ast.Compare) -> Value:
        return self._bend([self.read(n) for n in (node.left, *node.comparators)])

    def _BoolOp(self, node: ast.BoolOp) -> Value:
        return joined(self.read(value) for value in node.values)

    def _IfExp(self, node: ast.IfExp) -> Value:
        test = self.read(node.test)
        value = joined((self.read(node.body), self.read(node.orelse)))
        return joined((value, Value(held=test.states, data=test.data, rest=test.stage)))

    def _bend(self, values: Sequence[Value], by: Callable[[Value], Value] = bent) -> Value:
        whole = joined(values)
        if whole.data:
            self.met |= {name for v in values if v.rest <= Stage.HELD for name in v.own}
        return by(whole)

    def _NamedExpr(self, node: ast.NamedExpr) -> Value:
        value = self.read(node.value)
        self.bind(node.target, value)
        return value

    # -- displays -------------------------------------------------------------------------------
    def _Tuple(self, node: ast.Tuple | ast.List) -> Value:
        items = tuple(self.read(item) for item in node.elts)
        whole = joined(items)
        return Value(whole.own, whole.held, whole.data, whole.rest, whole.residual, items)

    _List = _Tuple

    def _Dict(self, node: ast.Dict) -> Value:
        return joined(self.read(value) for value in node.values)

    def _Starred(self, node: ast.Starred) -> Value:
        return self.read(node.value)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> Value:
        outer, self.scope = self.scope, Scope(self.scope)
        tests = []
        for generator in node.generators:
            self.bind(generator.target, self.iterated(generator.iter))
            tests += [self.read(test) for test in generator.ifs]
        value = self.read(node.value if isinstance(node, ast.DictComp) else node.elt)
        self.scope = outer
        for test in tests:
            value = self.times(value, test) if test.states else value
        return Value(value.own, value.held, value.data, value.rest, value.residual)

    _ListComp = _SetComp = _GeneratorExp = _DictComp = _comprehension

    def iterated(self, node: ast.expr) -> Value:
        """What a loop over `node` binds its target to."""
        if isinstance(node, ast.Call):
            word = terminal(node.func)
            if word == "zip":
                return self._Tuple(ast.Tuple(elts=node.args, ctx=ast.Load()))
            if word == "enumerate" and node.args:
                inner = self.iterated(node.args[0])
                return with_items(inner, (FREE, inner))
            if word in {"tqdm", "list", "reversed", "sorted", "iter"} and node.args:
                return self.iterated(node.args[0])
        value = self.read(node)
        return Value(value.own, value.held, value.data, value.rest, value.residual)


def with_items(value: Value, items: tuple[Value, ...]) -> Value:
    """`value` with its parts."""
    return Value(value.own, value.held, value.data, value.rest, value.residual, items)
