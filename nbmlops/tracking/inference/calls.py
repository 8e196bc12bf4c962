"""Reads calls: the user's functions are followed, a library's are known by their words."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from nbmlops.tracking.code.names import terminal
from nbmlops.tracking.inference import words
from nbmlops.tracking.inference.assignments import bound_in, names_in
from nbmlops.tracking.inference.expressions import ExpressionReader, with_items
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.values import FREE, Stage, Value, bent, called, joined, linked
from nbmlops.tracking.inference.world import Function

__all__ = ["CallReader"]

_DEEPEST = 8  # calls of the user's functions within each other that are followed


class CallReader(ExpressionReader):
    """An expression reader that knows what calls are worth, and what they change."""

    def _Lambda(self, node: ast.Lambda) -> Value:
        return self._apply(node, [], {}) if self._depth < _DEEPEST else FREE

    def _Call(self, node: ast.Call) -> Value:
        word = terminal(node.func)
        self.heard.add(word)
        values = [self.read(argument) for argument in node.args]
        named = {k.arg or "": self.read(k.value) for k in node.keywords}
        if (holder := self.holder_of_parameters(node)) is not None:
            return self.outside(holder)
        functions, owner = self._functions_of(node.func)
        if functions and self._depth < _DEEPEST:
            given = dict(zip_named(node))
            applied = [self._apply(each, node.args, given, owner) for each in functions]
            return applied[0] if len(applied) == 1 else joined(applied)
        receiver = FREE
        if isinstance(node.func, ast.Attribute):
            if word == "backward":
                self.judged_by |= self.read(node.func.value).data
                return FREE
            receiver = self.read(node.func.value)
        elif not isinstance(node.func, ast.Name) or self.scope.value(node.func.id) is not None:
            receiver = self.read(node.func)
        elif node.func.id in self.candidates:
            receiver = self.outside(node.func.id)
        everything = [receiver, *values, *named.values()]
        if word in words.ALTERING and isinstance(node.func, ast.Attribute):
            self._alter(word, node.func.value, node, [*values, *named.values()])
        for keyword in node.keywords:
            if keyword.arg == "out":
                self.altered(
                    keyword.value, self._known(word, everything) or called(everything), node
                )
        known = self._known(word, everything)
        if known is not None:
            return known
        used = [v for v in everything if v.states or v.data]
        if any(v.data for v in used):
            applied = [v for v in used if v.own and v.rest <= Stage.HELD]
            self.met |= {n for v in applied for n in v.own}
            if applied:
                self.fed |= {n for v in used if not v.states for n in v.data}
        return called(used)

    def _known(self, word: str, values: list[Value]) -> Value | None:
        if word in words.COUNTING:
            return FREE
        used = [v for v in values if v.states or v.data]
        if word in words.PLAIN:
            return joined(used)
        if word in words.BENDING:
            return self._bend(used, linked if word in words.LINKING else bent)
        if word in words.MULTIPLYING and used:
            value = used[0]
            for other in used[1:]:
                value = self.times(value, other, divides="div" in word)
            return value
        if word in words.SUMMING and used:
            value = used[0]
            for other in used[1:]:
                value = self.plus(value, other)
            return value
        return None

    def _alter(self, word: str, receiver: ast.expr, node: ast.Call, values: list[Value]) -> None:
        taken = joined(values)
        if word in {"add_", "sub_"} and len(node.args) > 1:
            taken = self.times(values[0], values[1])
        elif word in {"add_", "sub_"} and node.keywords:
            taken = self.times(taken, FREE)
        self.altered(receiver, taken, node)

    def _functions_of(self, func: ast.expr) -> tuple[tuple[Function, ...], str | None]:
        """The user's functions that a call may mean, and the object whose methods they are."""
        found: Function | None = None
        if isinstance(func, ast.Name):
            found = self.scope.function(func.id) or self.world.function(func.id)
        elif isinstance(func, ast.Attribute):
            if (prefix := self.prefix_of(func.value)) is not None:
                return self.world.methods(prefix, func.attr), prefix
            if isinstance(func.value, ast.Name) and self.scope.value(func.value.id) is None:
                found = self.world.function(f"{func.value.id}.{func.attr}")
        return (found,) if found is not None else (), None

    def _apply(
        self,
        function: Function,
        arguments: Sequence[ast.expr],
        named: dict[str, ast.expr],
        owner: str | None = None,
    ) -> Value:
        """What the user's `function` returns, and what it does to its arguments."""
        inner = Scope(self.scope)
        spelled = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        if owner is not None and spelled:
            inner.objects[spelled.pop(0)] = owner
        given = dict(zip(spelled, arguments, strict=False)) | named
        self._bind_rest(function, inner, spelled, arguments)
        if any(isinstance(argument, ast.Starred) for argument in arguments):
            everything = ast.List(elts=list(arguments), ctx=ast.Load())
            given = dict.fromkeys(spelled, everything) | named
        for argument in (*spelled, *(a.arg for a in function.args.kwonlyargs)):
            expression = given.get(argument)
            inner.values[argument] = self.read(expression) if expression is not None else FREE
            if expression is not None and (roots := self.roots_of(expression)):
                inner.stands_for[argument] = roots
            prefix = self.prefix_of(expression) if expression is not None else None
            if prefix is not None:
                inner.objects[argument] = prefix
                del inner.values[argument]
            if isinstance(expression, ast.Name):
                called_ = self.scope.function(expression.id) or self.world.function(expression.id)
                if called_ is not None:
                    inner.functions[argument] = called_
            elif isinstance(expression, ast.Lambda):
                inner.functions[argument] = expression
        self.reached |= _globals_of(function)
        outer, self.scope = self.scope, inner
        self._depth += 1
        try:
            if isinstance(function, ast.Lambda):
                return self.read(function.body)
            self.run_body(function.body)
        finally:
            self._depth -= 1
            self.scope = outer
        return returned(inner.returned)

    def iterated(self, node: ast.expr) -> Value:
        """A generator of the user's gives what it yields, part by part."""
        if isinstance(node, ast.Call):
            functions, _ = self._functions_of(node.func)
            if any(isinstance(each, ast.FunctionDef) and _yields(each) for each in functions):
                return self.read(node)
        return super().iterated(node)

    def _Yield(self, node: ast.Yield) -> Value:
        self.scope.returned.append(self.read(node.value))
        return FREE

    def _bind_rest(
        self, function: Function, inner: Scope, spelled: list[str], arguments: Sequence[ast.expr]
    ) -> None:
        """``*args`` holds what is left over; ``**options`` holds nothing that counts."""
        if function.args.vararg is not None:
            rest = [a for a in arguments[len(spelled) :] if not isinstance(a, ast.Starred)]
            starred = [a for a in arguments if isinstance(a, ast.Starred)]
            inner.values[function.args.vararg.arg] = (
                joined(self.read(a) for a in (*rest, *starred))
                if starred
                else self._Tuple(ast.Tuple(elts=rest, ctx=ast.Load()))
            )
        if function.args.kwarg is not None:
            inner.values[function.args.kwarg.arg] = FREE

    def holder_of_parameters(self, node: ast.Call) -> str | None:
        """``net`` of ``net.parameters()``, where it is an object of the user's own making."""
        function = node.func
        if not (isinstance(function, ast.Attribute) and function.attr == "parameters"):
            return None
        return self.prefix_of(function.value)

    def roots_of(self, node: ast.expr) -> frozenset[str]:
        """The parameters whose very object an expression is, or is a part of."""
        while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(node, ast.Call):
                key, inner = self.holder_of_parameters(node), node.func
            else:
                key, inner = self.key_of(node), node.value
            if key is not None:
                return frozenset({key})
            node = inner
        if isinstance(node, ast.Tuple | ast.List):
            return frozenset[str]().union(*(self.roots_of(item) for item in node.elts))
        return self._named_roots(node.id) if isinstance(node, ast.Name) else frozenset()

    def _named_roots(self, name: str) -> frozenset[str]:
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.stands_for:
                return scope.stands_for[name]
            if scope.parent is not None and name in scope.values:
                return frozenset()
            scope = scope.parent
        return frozenset({name})


def _globals_of(function: Function) -> frozenset[str]:
    """The names that a function reads and does not bind."""
    taken = {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
    return names_in(function) - bound_in(function) - taken


def _yields(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Yield) for node in ast.walk(function))


def returned(values: list[Value]) -> Value:
    """What a function with several returns gives back."""
    if len({len(v.items) for v in values}) == 1 and values and values[0].items:
        parts = tuple(joined(v.items[n] for v in values) for n in range(len(values[0].items)))
        return with_items(joined(values), parts)
    return joined(values)


def zip_named(node: ast.Call) -> list[tuple[str, ast.expr]]:
    """The keyword arguments of a call."""
    return [(k.arg, k.value) for k in node.keywords if k.arg]
