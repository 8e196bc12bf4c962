"""A loop, read until it is known what it carries from round to round, and what depends on what."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import msgspec

from nbmlops.tracking.inference.expressions import dotted
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.statements import StatementReader, Update
from nbmlops.tracking.inference.values import Value
from nbmlops.tracking.inference.world import World

__all__ = [
    "Loop",
    "LoopReading",
    "assigned_in",
    "bound_in",
    "expanded",
    "grown_in",
    "loops_in",
    "made_in",
    "names_in",
    "pairs_in",
    "prepared",
    "read_loop",
    "root_of",
    "sources_of",
    "statements_in",
]

Loop = ast.For | ast.AsyncFor | ast.While
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class LoopReading(msgspec.Struct, frozen=True):
    """What a loop does to the names that it carries.

    `updates` are read with every carried name fresh, `lagged` with what the round before has left
    in it. `met` are the parameters that meet data directly, `fed` the data that they meet; `words`
    what is called, `names` what is read, `reached` the globals that called functions read;
    `candidates` the names that are carried, `counted` those that only numbers go into.
    """

    loop: Loop
    candidates: frozenset[str]
    counted: frozenset[str]
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
    return frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name))


def statements_in(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement of `body` and of its blocks, none of an inner function or class."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from statements_in(getattr(node, field, []))


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
    names = {part.id for part in expanded(node, inner) if isinstance(part, ast.Name)}
    return frozenset(names - inner.keys())


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


def prepared(reader: StatementReader, loop: Loop, around: Scope | None) -> StatementReader:
    """`reader`, knowing what `loop` binds and what the function `around` it holds."""
    reader.rebound = frozenset(
        n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    )
    if around is not None:
        known = {k: v for k, v in around.values.items() if k not in reader.candidates}
        reader.root.functions.update(around.functions)
        reader.root.objects.update(around.objects)
        reader.root.values.update(known)
    return reader


def read_loop(loop: Loop, world: World, around: Scope | None = None) -> LoopReading:
    """Read `loop`, whose surroundings are `world` and the function `around`."""

    def reader(
        candidates: frozenset[str], start: dict[str, Value] | None = None, *, opened: bool = False
    ) -> StatementReader:
        made = prepared(StatementReader(world, candidates), loop, around)
        made.open = opened
        made.root.values.update(start or {})
        made.run_body([loop])
        return made

    first = reader(names_in(loop), opened=True)
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
        candidates=candidates - plain,
        counted=frozenset(plain),
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
