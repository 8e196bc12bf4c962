"""The events of a piece of code: what it reads, binds and changes, seen through its scopes."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Iterable

from nbmlops.tracking.code.calls import CallNotes
from nbmlops.tracking.code.cell import Event, FunctionCode
from nbmlops.tracking.code.names import is_constant, names_in
from nbmlops.tracking.code.source import parse_cell
from nbmlops.tracking.code.vocabulary import DYNAMIC, HOLDING

__all__ = ["CodeEvents"]


class CodeEvents:
    """Keeps the events of the global names; those of a function's own names stay inside it."""

    def __init__(self, scopes: tuple[set[str], ...] = (), declared: frozenset[str] = frozenset()):
        self.events: list[Event] = []
        self.notes = CallNotes(self)
        self.doubts: list[str] = []
        self.star = self.dynamic = False
        self._reads: dict[str, None] = {}
        self._bound: set[str] = set()  # certainly bound by now
        self._scopes = list(scopes)  # names local to the functions around, innermost last
        self._declared = declared  # names that the function around declares global
        self._branches = 0
        self._changed_locals: set[str] = set()
        self._same_locals: dict[str, set[str]] = {}

    @property
    def conditional(self) -> bool:
        """Whether what is read now runs on one branch only."""
        return self._branches > 0

    # -- names ------------------------------------------------------------------------------
    def is_local(self, name: str) -> bool:
        """Whether a name belongs to a function around."""
        return name not in self._declared and any(name in scope for scope in self._scopes)

    def read(self, name: str) -> None:
        """A name is read."""
        if self.is_local(name):
            return
        if name not in self._bound:
            self._reads[name] = None
        self.events.append(Event("read", name, own=name in self._bound))

    def bind(self, name: str, value: ast.expr | None = None, *, module: str = "") -> None:
        """A name is bound, to `value` where that is known."""
        others = self._shared(value)
        if self.is_local(name):
            self._same_locals[name] = set(others)
            return
        self.events.append(
            Event(
                "bind",
                name,
                tuple(o for o in others if not self.is_local(o)),
                sure=not self._branches,
                plain=is_constant(value),
                function=self._lambdas(value),
                module=module,
            )
        )
        self._bound.add(name)

    def change(self, name: str | None) -> None:
        """The object behind a name is changed in place."""
        if name is None:
            return
        if self.is_local(name):
            waiting, seen = [name], set()
            while waiting:
                one = waiting.pop()
                if one not in seen:
                    seen.add(one)
                    waiting += self._same_locals.get(one, ())
            self._changed_locals |= {n for n in seen if self.is_local(n)}
            for other in seen:
                if not self.is_local(other):
                    self.events.append(Event("change", other))
        else:
            self.events.append(Event("change", name))

    def _shared(self, value: ast.expr | None) -> tuple[str, ...]:  # noqa: PLR0911 - one line a kind
        """The names whose objects `value` is, is a part of, or holds."""
        if isinstance(value, ast.Name):
            return (value.id,)
        if isinstance(value, ast.Attribute):
            return self._shared(value.value)
        if isinstance(value, ast.Subscript):
            # A list or a condition between the brackets makes a copy.
            part = value.slice
            view = isinstance(part, ast.Constant | ast.Slice | ast.Tuple | ast.UnaryOp) or (
                isinstance(part, ast.Name) and self._branches > 0
            )
            return self._shared(value.value) if view else ()
        if isinstance(value, ast.List | ast.Tuple | ast.Set):
            return tuple(n for item in value.elts for n in self._shared(item))
        if isinstance(value, ast.Dict):
            return tuple(n for item in value.values for n in self._shared(item))
        if isinstance(value, ast.IfExp):
            return (*self._shared(value.body), *self._shared(value.orelse))
        if isinstance(value, ast.Starred | ast.NamedExpr | ast.Await):
            return self._shared(value.value)
        if isinstance(value, ast.Call):
            name = value.func.id if isinstance(value.func, ast.Name) else None
            name = value.func.attr if isinstance(value.func, ast.Attribute) else name
            if name and name.endswith(HOLDING):
                return tuple(names_in([*value.args, *(k.value for k in value.keywords)]))
            if isinstance(value.func, ast.Name):
                return (value.func.id,)  # of a class of the notebook's: its methods' needs
        return ()

    def run_text(self, name: str, node: ast.Call) -> None:
        """``exec`` and its like: literal code is read, anything else is a doubt."""
        first = node.args[0] if node.args else None
        if name in ("exec", "eval") and isinstance(first, ast.Constant):
            try:
                self.body(parse_cell(str(first.value)).body)
            except SyntaxError:
                self.doubts.append(f"{name}() was handed code that cannot be read.")
        elif name in DYNAMIC:
            self.dynamic = True
            self.doubts.append(f"{name}() may read or bind names that the code does not show.")

    @abstractmethod
    def body(self, statements: Iterable[ast.stmt]) -> None:
        """Read statements one after the other."""

    @abstractmethod
    def _lambdas(self, value: ast.expr | None) -> FunctionCode | None:
        """What the lambdas in `value` need, for they are called when its name is used."""
