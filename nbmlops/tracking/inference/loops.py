"""A loop, read until it is known what it carries from round to round, and what depends on what."""

from __future__ import annotations

import msgspec

from nbmlops.tracking.inference.assignments import bound_in, names_in
from nbmlops.tracking.inference.blocks import Loop
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.statements import StatementReader, Update
from nbmlops.tracking.inference.values import Value
from nbmlops.tracking.inference.world import World

__all__ = ["LoopReading", "prepared", "read_loop"]


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


def prepared(reader: StatementReader, loop: Loop, around: Scope | None) -> StatementReader:
    """`reader`, knowing what `loop` binds and what the function `around` it holds."""
    reader.rebound = bound_in(loop)
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
