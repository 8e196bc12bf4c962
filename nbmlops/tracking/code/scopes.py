"""Functions, classes, lambdas and comprehensions: what they need when they are used."""

from __future__ import annotations

import ast

from nbmlops.tracking.code.cell import Event, FunctionCode
from nbmlops.tracking.code.events import CodeEvents
from nbmlops.tracking.code.names import arguments_of, bound_names, names_in

__all__ = ["CodeScopes"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class CodeScopes(CodeEvents, ast.NodeVisitor):
    """Makes a :class:`FunctionCode` of every function and class; the statements are another's."""

    # -- scopes -----------------------------------------------------------------------------
    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._defaults(node.args)
        code = self._function(node)
        around = names_in(node.decorator_list)
        if around:
            reads = tuple(dict.fromkeys((*code.reads, *around)))
            code = FunctionCode(reads, code.binds, code.changes, code.parameters, code.alters)
        self._define(node.name, code)

    visit_AsyncFunctionDef = visit_FunctionDef

    def _define(self, name: str, code: FunctionCode) -> None:
        if self.is_local(name):
            # A function inside a function: what it needs, the one around it needs.
            for needed in code.reads:
                self.read(needed)
            self.events += [Event("bind", bound, sure=False) for bound in code.binds]
            self.events += [Event("change", changed) for changed in code.changes]
            return
        self.events.append(Event("bind", name, sure=not self._branches, function=code))
        self._bound.add(name)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._defaults(node.args)
        for name in self._function(node).reads:
            self.read(name)

    def _lambdas(self, value: ast.expr | None) -> FunctionCode | None:
        """What the lambdas in `value` need, for they are called when its name is used."""
        if value is None:
            return None
        found = [self._function(n) for n in ast.walk(value) if isinstance(n, ast.Lambda)]
        if not found:
            return None
        reads = tuple(dict.fromkeys(name for f in found for name in f.reads))
        one = found[0] if len(found) == 1 else FunctionCode()
        return FunctionCode(reads=reads, parameters=one.parameters, alters=one.alters)

    def _function(self, node: _Function) -> FunctionCode:
        body = [ast.Expr(node.body)] if isinstance(node, ast.Lambda) else node.body
        parameters = arguments_of(node.args)
        declared = {n for s in body for g in ast.walk(s) if isinstance(g, ast.Global)
                    for n in g.names}  # fmt: skip
        local = (set(parameters) | bound_names(body)) - declared
        inner = type(self)((*self._scopes, local), frozenset(declared))
        inner.body(body)
        self.notes.take(inner.notes)
        self.doubts += inner.doubts
        self.dynamic |= inner.dynamic
        return FunctionCode(
            reads=tuple(inner._reads),
            binds=tuple(dict.fromkeys(e.name for e in inner.events if e.kind == "bind")),
            changes=tuple(dict.fromkeys(e.name for e in inner.events if e.changes)),
            parameters=parameters,
            alters=tuple(p for p in parameters if p in inner._changed_locals),
        )

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        methods = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        self._scopes.append(bound_names(node.body))
        for statement in node.body:
            if statement in methods:
                for part in (*statement.decorator_list, *statement.args.defaults):
                    self.visit(part)
            else:
                self.visit(statement)
        self._scopes.pop()
        codes = [self._function(method) for method in methods]
        bases = names_in(node.bases)
        joined = FunctionCode(
            reads=tuple(dict.fromkeys([*bases, *(n for c in codes for n in c.reads)])),
            binds=tuple(n for c in codes for n in c.binds),
            changes=tuple(n for c in codes for n in c.changes),
            is_class=True,
        )
        self._define(node.name, joined)

    def _defaults(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        self.visit(node.generators[0].iter)
        self._scopes.append(set(names_in([g.target for g in node.generators], store=True)))
        self._branches += 1
        for index, generator in enumerate(node.generators):
            for name in names_in([generator.target], store=True):
                self._same_locals[name] = set(names_in([generator.iter]))
            for part in [*([generator.iter] if index else []), *generator.ifs]:
                self.visit(part)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.visit(part)
        self._branches -= 1
        self._scopes.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension
