"""A loop, read until it is known what it carries from round to round, and what depends on what."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import msgspec

from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.statements import StatementReader, Update
from nbmlops.tracking.inference.values import Value
from nbmlops.tracking.inference.world import World

__all__ = [
    "Loop",
    "LoopReading",
    "assigned_in",
    "expanded",
    "loops_in",
    "names_in",
    "read_loop",
    "statements_in",
]

Loop = ast.For | ast.AsyncFor | ast.While
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class LoopReading(msgspec.Struct, frozen=True):
    """What a loop does to the names that it carries.

    `updates` are read with every carried name fresh, `lagged` with what the round before has left
    in it. `met` are the parameters that meet data directly, `fed` the data that they meet; `words`
    what is called, `names` what is read, `reached` the globals that called functions read.
    """

    loop: Loop
    updates: tuple[Update, ...]
    lagged: tuple[Update, ...]
    depends: dict[str, frozenset[str]]
    met: frozenset[str]
    fed: frozenset[str]
    words: frozenset[str]
    names: frozenset[str]
    reached: frozenset[str]

    def group(self, name: str) -> frozenset[str]:
        """The names that `name` makes and is made from, round by round, itself among them."""
        after = self._reached(name)
        return frozenset({name} | {other for other in after if name in self._reached(other)})

    def _reached(self, name: str) -> set[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            for other in self.depends.get(waiting.pop(), frozenset()):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return seen


def loops_in(body: Iterable[ast.stmt]) -> Iterator[Loop]:
    """The outermost loops among statements, none of an inner function or class."""
    for node in body:
        if isinstance(node, Loop):
            yield node
        elif not isinstance(node, _SCOPES):
            for field in ("body", "orelse", "finalbody", "handlers"):
                inner = getattr(node, field, [])
                for part in inner:
                    yield from loops_in(
                        part.body if isinstance(part, ast.ExceptHandler) else [part]
                    )


def names_in(node: ast.AST) -> frozenset[str]:
    """Every name that is written in `node`."""
    return frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))


def statements_in(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement of `body` and of its blocks, none of an inner function or class."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from statements_in(getattr(node, field, []))


def assigned_in(code: ast.AST) -> dict[str, list[ast.expr]]:
    """What each name is made from in `code`, every time."""
    made: dict[str, list[ast.expr]] = {}
    for node in ast.walk(code):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            made.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple):
                    parts = node.value.elts if isinstance(node.value, ast.Tuple) else None
                    pairs = [(t, node.value) for t in target.elts]
                    pairs = list(zip(target.elts, parts, strict=False)) if parts else pairs
                for place, value in pairs:
                    if isinstance(place, ast.Name):
                        made.setdefault(place.id, []).append(value)
    return made


def expanded(node: ast.AST, made: dict[str, list[ast.expr]]) -> Iterator[ast.AST]:
    """The nodes of an expression, and those of what its names were made from."""
    seen: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        for part in ast.walk(waiting.pop()):
            yield part
            if isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                waiting += made.get(part.id, [])


def read_loop(loop: Loop, world: World, around: Scope | None = None) -> LoopReading:
    """Read `loop`, whose surroundings are `world` and the function `around`."""

    def reader(
        candidates: frozenset[str], start: dict[str, Value] | None = None
    ) -> StatementReader:
        made = StatementReader(world, candidates)
        made.rebound = rebound
        if around is not None:
            made.root.functions.update(around.functions)
            made.root.objects.update(around.objects)
            made.root.values.update({k: v for k, v in around.values.items() if k not in candidates})
        made.root.values.update(start or {})
        made.run_body([loop])
        return made

    rebound = frozenset(
        n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    )
    first = reader(names_in(loop))
    candidates = frozenset(update.name for update in first.updates)
    second = reader(candidates)
    plain = {name for name in candidates if _is_plain(name, second.updates)}
    third = reader(candidates - plain) if plain else second
    grown = {update.name for update in third.updates if update.name in update.value.own}
    left = {
        name: msgspec.structs.replace(value, own=value.own | {name}, items=())
        for name, value in third.root.values.items()
        if name in candidates - plain - grown and (value.states or value.data)
    }
    fourth = reader(candidates - plain, left)
    depends: dict[str, set[str]] = {}
    for update in third.updates:
        read = names_in(update.node) & candidates
        depends.setdefault(update.name, set()).update(update.value.states, read - {update.name})
    for name, value in third.root.values.items():
        if name in depends:
            depends[name] |= value.states
    return LoopReading(
        loop=loop,
        updates=tuple(third.updates),
        lagged=tuple(fourth.updates),
        depends={name: frozenset(states) for name, states in depends.items()},
        met=frozenset(third.met),
        fed=frozenset(third.fed),
        words=frozenset(third.heard),
        names=names_in(loop),
        reached=frozenset(third.reached),
    )


def _is_plain(name: str, updates: list[Update]) -> bool:
    """Whether a name only counts: nothing but numbers and itself goes into it."""
    return all(
        not update.value.data and update.value.states <= {name}
        for update in updates
        if update.name == name
    )
