"""Reads the statements of a loop in the order in which they run, and notes what is taken up."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

import msgspec

from nbmlops.tracking.code.names import terminal
from nbmlops.tracking.inference.calls import CallReader
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.values import FREE, Stage, Value, joined, product
from nbmlops.tracking.inference.world import World

__all__ = ["StatementReader", "Update"]


class Update(msgspec.Struct, frozen=True):
    """A parameter takes up a value. `node` is where; `part` says that only an element does.

    `factor` is set where it is multiplied by the value rather than increased by it.
    """

    name: str
    value: Value
    node: ast.AST
    part: bool = False
    factor: bool = False
    deep: bool = False


class StatementReader(CallReader):
    """Reads a loop's body, or a function's, in `world`; `updates` is what it found."""

    def __init__(
        self, world: World, candidates: frozenset[str], start: dict[str, Value] | None = None
    ) -> None:
        super().__init__(world, candidates)
        self.root = self.scope
        self.scope.values.update(start or {})
        self.updates: list[Update] = []
        self._tests: list[Value] = []
        self._loops = 0

    def run_body(self, body: Sequence[ast.stmt]) -> None:
        """Read `body` once."""
        for statement in body:
            method = getattr(self, f"_{type(statement).__name__}", None)
            if method is not None:
                method(statement)

    # -- binding --------------------------------------------------------------------------------
    def _note(self, name: str, value: Value, node: ast.AST, **more: bool) -> None:
        for test in self._tests:
            # An index that is moved by one where a test says so has no data of its own.
            if test.states and test.data and (name not in value.own or not value.data):
                value = joined((value, Value(held=test.states, data=test.data, rest=test.stage)))
            elif test.states and test.data:
                # What is taken up only where a prediction is wrong is weighed by that.
                weighed = product(Value(data=value.data), test)
                value = Value(value.own, value.held | test.states, value.data | test.data,
                              max(value.rest, weighed.rest), value.residual)  # fmt: skip
        self.updates.append(Update(name, value, node, deep=self._loops > 1, **more))

    def bind(self, target: ast.expr, value: Value) -> None:
        """Bind without noting: a loop's target, a ``with … as``."""
        if isinstance(target, ast.Name):
            self.scope.objects.pop(target.id, None)
            self.scope.values[target.id] = Value(
                value.own, value.held, value.data, value.rest, value.residual, value.items
            )
            if value.own and value.rest is Stage.FREE:
                self.scope.stands_for[target.id] = value.own
            else:
                self.scope.stands_for.pop(target.id, None)
        elif isinstance(target, ast.Tuple | ast.List):
            for item, part in _spread(target.elts, value):
                self.bind(item, part)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value)

    def _assign(self, target: ast.expr, value: Value, node: ast.AST) -> None:
        if isinstance(target, ast.Name):
            scope = self.root if self._is_shared(target.id) else self.scope
            scope.values[target.id] = value
            scope.stands_for.pop(target.id, None)
            if scope is self.root:
                self._note(target.id, value, node)
            elif value.own and value.rest is Stage.FREE:
                self.scope.stands_for[target.id] = value.own
        elif isinstance(target, ast.Tuple | ast.List):
            for item, part in _spread(target.elts, value):
                self._assign(item, part, node)
        elif isinstance(target, ast.Starred):
            self._assign(target.value, value, node)
        elif (key := self.key_of(target)) is not None:
            self.root.values[key] = value
            self._note(key, value, node)
        elif isinstance(target, ast.Attribute) and target.attr == "data":
            self._put(target.value, value, node, part=False)
        else:
            self._put(target, value, node, part=True)

    def altered(self, target: ast.expr, value: Value, node: ast.AST) -> None:
        """A method or ``out=`` changes `target`'s object by `value`."""
        word = terminal(node.func) if isinstance(node, ast.Call) else ""
        grows = word in {"add_", "sub_", "addcmul_", "addcdiv_", "addmm_"}
        before = self._before(target) if grows else FREE
        self._put(target, joined((before, value)) if grows else value, node, part=True)

    def _before(self, target: ast.expr) -> Value:
        return Value(own=self.roots_of(target) & self.candidates)

    def _put(self, target: ast.expr, value: Value, node: ast.AST, *, part: bool) -> None:
        """Some of `target`'s object becomes `value`; the rest of it stays."""
        value = joined((value, self._picked_by(target)))
        for name in self.roots_of(target):
            known = name in self.root.values or name in self.candidates or "." in name
            scope = self.root if known else self.scope
            old = scope.values.get(name, Value(own=frozenset({name})) if name in self.candidates
                                   else self.outside(name))  # fmt: skip
            scope.values[name] = joined((old, value))
            if scope is self.root:
                self._note(name, value, node, part=part)
        if not self.roots_of(target):
            self._take_up(target, value)

    def _take_up(self, target: ast.expr, value: Value) -> None:
        """A part of what a name of the function's own holds becomes `value`."""
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if not isinstance(target, ast.Name):
            return
        scope: Scope | None = self.scope
        while scope is not None and target.id not in scope.values:
            scope = scope.parent
        if scope is not None and scope.parent is not None:
            scope.values[target.id] = joined((scope.values[target.id], value))

    def _picked_by(self, target: ast.expr) -> Value:
        """The data that says which part of a target is meant, as labels do for a one-hot row."""
        picked: list[Value] = []
        while isinstance(target, ast.Attribute | ast.Subscript):
            if isinstance(target, ast.Subscript):
                picked.append(self.read(target.slice))
            target = target.value
        return Value(data=joined(picked).data)

    # -- statements -----------------------------------------------------------------------------
    def _Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        if isinstance(node.value, ast.Lambda) and isinstance(target, ast.Name):
            self.scope.functions[target.id] = node.value
            return
        value = self.read(node.value)
        for each in node.targets:
            self._assign(each, value, node)

    def _AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node.target, self.read(node.value), node)

    def _Global(self, node: ast.Global) -> None:
        self.scope.shared |= dict.fromkeys(node.names, self._loops)

    def _is_shared(self, name: str) -> bool:
        return self.scope.shared.get(name) == self._loops

    def _AugAssign(self, node: ast.AugAssign) -> None:
        before, value = self.read(node.target), self.read(node.value)
        value = joined((value, self._picked_by(node.target)))
        plain = isinstance(node.target, ast.Name)
        names = self.roots_of(node.target)
        if isinstance(node.op, ast.Add | ast.Sub):
            own = names & self.candidates
            # Every bare term of the change counts as changed by it, not as kept.
            change = Value(held=value.states, data=value.data, rest=value.stage,
                           residual=value.residual)  # fmt: skip
            taken = joined((Value(own=own), change))
            whole, factor = self.plus(before, value), False
        else:
            taken = whole = self.times(before, value, divides=isinstance(node.op, ast.Div))
            factor = True
        if plain and isinstance(node.target, ast.Name) and not self._is_shared(node.target.id):
            self.scope.values[node.target.id] = whole
            local = self.scope is not self.root and node.target.id not in self.scope.stands_for
            if local:
                return
        for name in names:
            known = name in self.candidates or name in self.root.values or "." in name
            if known or self._is_shared(name):
                self.root.values[name] = joined((self.root.values.get(name, FREE), whole))
                self._note(name, taken, node, part=not plain, factor=factor)
            elif not plain:
                self.scope.values[name] = joined((self.scope.values.get(name, FREE), whole))
        if not plain and not names:
            self._take_up(node.target, whole)

    def _Expr(self, node: ast.Expr) -> None:
        self.read(node.value)

    def _For(self, node: ast.For | ast.AsyncFor) -> None:
        self.bind(node.target, self.iterated(node.iter))
        self._name_objects(node.target, node.iter)
        self._repeat(node.body)
        self.run_body(node.orelse)

    _AsyncFor = _For

    def _name_objects(self, target: ast.expr, over: ast.expr) -> None:
        """What a loop over objects binds is one of them."""
        if isinstance(over, ast.Call) and terminal(over.func) == "enumerate" and over.args:
            target = target.elts[-1] if isinstance(target, ast.Tuple) else target
            over = over.args[0]
        prefix = self.object_of_each(over)
        if prefix is not None and isinstance(target, ast.Name):
            self.scope.objects[target.id] = prefix
            self.scope.values.pop(target.id, None)

    def _While(self, node: ast.While) -> None:
        self.read(node.test)
        self._repeat(node.body)

    def _repeat(self, body: Sequence[ast.stmt]) -> None:
        self._loops += 1
        self.run_body(body)
        self._loops -= 1

    def _If(self, node: ast.If) -> None:
        self._tests.append(self.read(node.test))
        before = dict(self.scope.values)
        self.run_body(node.body)
        taken, self.scope.values = self.scope.values, dict(before)
        self.run_body(node.orelse)
        for name, value in taken.items():
            if value != before.get(name):
                self.scope.values[name] = joined((self.scope.values.get(name, FREE), value))
        self._tests.pop()

    def _With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            value = self.read(item.context_expr)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value)
        self.run_body(node.body)

    _AsyncWith = _With

    def _Try(self, node: ast.Try) -> None:
        for body in (node.body, *(handler.body for handler in node.handlers)):
            self.run_body(body)
        self.run_body([*node.orelse, *node.finalbody])

    def _Return(self, node: ast.Return) -> None:
        self.scope.returned.append(self.read(node.value))

    def _FunctionDef(self, node: ast.FunctionDef) -> None:
        self.scope.functions[node.name] = node


def _spread(targets: Iterable[ast.expr], value: Value) -> list[tuple[ast.expr, Value]]:
    places = list(targets)
    if len(value.items) == len(places):
        return list(zip(places, value.items, strict=True))
    whole = Value(value.own, value.held, value.data, value.rest, value.residual)
    return [(place, whole) for place in places]
