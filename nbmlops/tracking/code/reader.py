"""Reads a cell's syntax tree into the events that befall its global names, in order.

Own rather than a def-use library's: those know neither changes in place and aliases, nor that a
function reads its globals when it is called, in another cell, nor the random state behind a draw.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable

from nbmlops.tracking.code.cell import CellCode, Event
from nbmlops.tracking.code.names import bound_names, names_in, root_of
from nbmlops.tracking.code.scopes import CodeScopes
from nbmlops.tracking.code.source import parse_cell

__all__ = ["read_code"]

_BUILTINS = frozenset(dir(builtins)) | {"get_ipython", "display", "In", "Out", "exit", "quit"}


def read_code(source: str) -> CellCode:
    """Read what a cell's source binds, needs and changes; code that does not parse is in doubt."""
    try:
        reader = _Reader()
        reader.body(parse_cell(source).body)
    except (SyntaxError, ValueError, MemoryError):
        return CellCode(doubts=("The cell's code could not be parsed.",), dynamic=True)
    except RecursionError:
        return CellCode(doubts=("The cell's code is nested too deeply to be read.",), dynamic=True)
    return reader.code()


class _Reader(CodeScopes):
    """Walks statements in execution order; a function's body becomes its :class:`FunctionCode`."""

    def code(self) -> CellCode:
        """What was read, as the record of a cell."""
        functions = [e.function for e in self.events if e.function]
        writes = {e.name for e in self.events if e.kind == "bind"}
        changes = {e.name for e in self.events if e.changes}
        later = {name for f in functions for name in f.reads} - writes
        writes |= {name for f in functions for name in f.binds}
        shown = {n for n in (*self._reads, *later) if n not in _BUILTINS and n[0] != "«"}
        return CellCode(
            reads=tuple(sorted(shown)),
            writes=tuple(sorted(n for n in writes if n[0] != "«")),
            changes=tuple(sorted(n for n in changes - _BUILTINS if n[0] != "«")),
            seeds=tuple(dict.fromkeys(self.notes.seeds)),
            seeded=tuple(dict.fromkeys(self.notes.seeded)),
            remote=tuple(dict.fromkeys(self.notes.remote)),
            doubts=tuple(dict.fromkeys(self.doubts)),
            star_import=self.star,
            dynamic=self.dynamic,
            events=tuple(self.events),
        )

    def body(self, statements: Iterable[ast.stmt]) -> None:
        """Read statements one after the other."""
        for statement in statements:
            self.visit(statement)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.bind(node.id)
            return
        self.read(node.id)
        if isinstance(node.ctx, ast.Del) and not self.is_local(node.id):
            self.events.append(Event("bind", node.id, sure=not self._branches, plain=True))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.visit(node.value)
        if isinstance(node.ctx, ast.Store | ast.Del):
            self.change(root_of(node))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        self.visit(node.slice)
        if isinstance(node.ctx, ast.Store | ast.Del):
            made = node.value
            if isinstance(made, ast.Call) and getattr(made.func, "id", "") in ("globals", "locals"):
                if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                    self.bind(node.slice.value)
            else:
                self.change(root_of(node))

    # -- statements in the order in which they take effect -------------------------------------
    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._assign(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)
            self._assign(node.target, node.value)
        self.visit(node.annotation)

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            items = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            paired = len(items) == len(target.elts)
            for number, part in enumerate(target.elts):
                self._assign(part, items[number] if paired else value)
        elif isinstance(target, ast.Starred):
            self._assign(target.value, value)
        else:
            self.visit(target)
            root = root_of(target)
            if root and not self.is_local(root):
                for other in self._shared(value):
                    if not self.is_local(other) and other != root:
                        self.events.append(Event("hold", root, (other,)))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
            self.change(node.target.id)
            if not self.is_local(node.target.id):
                self.events.append(Event("renew", node.target.id))
                self._bound.add(node.target.id)
        else:
            self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.bind(node.target.id, node.value)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        items: ast.expr = ast.List(elts=names_as_nodes(node.iter), ctx=ast.Load())
        before = set(self._bound)
        self._branches += 1
        for name in names_in([node.target], store=True):
            self.bind(name, items)
        if not isinstance(node.target, ast.Name | ast.Tuple | ast.List):
            self.visit(node.target)
        self.body(node.body)
        self._branches -= 1
        if not _surely_runs(node.iter):
            self._bound = before
        else:
            self._settle(self._bound - before)
        self._either(node.orelse, [])

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._either(node.body, [])
        self._either(node.orelse, [])

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._either(node.body, node.orelse)

    def visit_Try(self, node: ast.Try) -> None:
        before = set(self._bound)
        self._either([*node.body, *node.orelse], *[[h] for h in node.handlers])
        self._bound |= before
        self.body(node.finalbody)

    def visit_TryStar(self, node: ast.TryStar) -> None:
        self.visit_Try(node)  # type: ignore[arg-type] # the same parts by the same names

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type:
            self.visit(node.type)
        if node.name:
            self.bind(node.name)
        self.body(node.body)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._assign(item.optional_vars, item.context_expr)
        self.body(node.body)

    visit_AsyncWith = visit_With

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        self._either(*[[c] for c in node.cases], [])

    def visit_match_case(self, node: ast.match_case) -> None:
        for name in bound_names([node.pattern]):
            self.bind(name)
        if node.guard:
            self.visit(node.guard)
        self.body(node.body)

    def _either(self, *bodies: list) -> None:  # type: ignore[type-arg] # statements, handlers, cases
        before, ends = set(self._bound), []
        self._branches += 1
        for body in bodies:
            self._bound = set(before)
            self.body(body)
            last = body[-1].body[-1] if body and hasattr(body[-1], "pattern") else None
            last = last or (body[-1] if body else None)
            if isinstance(last, ast.ExceptHandler):
                last = last.body[-1]
            if not isinstance(last, ast.Raise | ast.Return | ast.Continue | ast.Break):
                ends.append(self._bound)
        self._branches -= 1
        self._bound = set.intersection(*ends) if ends else before
        self._settle(self._bound - before)

    def _settle(self, names: set[str]) -> None:
        if not self._branches:
            self.events += [Event("settle", name) for name in sorted(names)]

    # -- imports ----------------------------------------------------------------------------
    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.read("«path»")
            self.bind(alias.asname or alias.name.split(".")[0], module=alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.read("«path»")
        for alias in node.names:
            if alias.name == "*":
                self.star = self.dynamic = True
                self.doubts.append(f"from {node.module} import * binds names that are not written.")
            else:
                self.bind(alias.asname or alias.name, module=node.module or "")

    # -- calls ------------------------------------------------------------------------------
    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(value, ast.Call):
            self.generic_visit(value)
            self.notes.call(value, discarded=True)
        else:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        self.notes.call(node, discarded=False)


def names_as_nodes(iterated: ast.expr) -> list[ast.expr]:
    """The names in what a loop goes over: its variable may be, or be a part of, any of them."""
    return [ast.Name(id=name, ctx=ast.Load()) for name in names_in([iterated])]


def _surely_runs(iterated: ast.expr) -> bool:
    if isinstance(iterated, ast.List | ast.Tuple | ast.Set):
        return bool(iterated.elts)
    if isinstance(iterated, ast.Constant):
        return bool(iterated.value)
    if isinstance(iterated, ast.Call) and getattr(iterated.func, "id", "") == "enumerate":
        return bool(iterated.args) and _surely_runs(iterated.args[0])
    if isinstance(iterated, ast.Call) and getattr(iterated.func, "id", "") == "range":
        values = [a.value for a in iterated.args if isinstance(a, ast.Constant)]
        whole = [value for value in values if isinstance(value, int)]
        try:
            return len(whole) == len(iterated.args) and bool(range(*whole))
        except (TypeError, ValueError):  # it fails in the cell, too
            return False
    return False
