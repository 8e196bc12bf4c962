"""Which executed cells the names of a session come from, kept as the cells are executed.

Each name stands for an object; an object remembers the cells that made and changed it. A cell
depends on all that made or changed what it reads. Objects that share or hold one another are
changed together.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

import msgspec

from nbmlops.tracking.code.calls import FOLDER, STATES
from nbmlops.tracking.code.cell import CellCode, Event, FunctionCode
from nbmlops.tracking.code.vocabulary import QUIET_LIBRARIES
from nbmlops.tracking.session.chance import Chance

__all__ = ["Lineage", "Needs"]


_UNKNOWN = Chance()  # nobody has looked
_NONE = Chance(still=frozenset(STATES))  # nothing is drawn


class _Thing(msgspec.Struct, eq=False):
    """An object as the code shows it; `made` are the cells that made or changed it.

    Of a name that one branch alone has bound, `before` are those of what it stood for until then.
    """

    made: set[int]
    before: set[int] = msgspec.field(default_factory=set)
    links: set[_Thing] = msgspec.field(default_factory=set)
    plain: bool = False
    module: str = ""
    function: FunctionCode | None = None
    methods: FunctionCode | None = None  # of the notebook's class that it is made from


class Needs(msgspec.Struct, frozen=True):
    """The cells (by order) that one cell depends on directly, and names that none is known for."""

    cells: frozenset[int]
    missing: tuple[str, ...] = ()


class Lineage:
    """What came from where, over the cells of one session in execution order."""

    def __init__(self) -> None:
        self.needs: dict[int, Needs] = {}
        self._things: dict[str, _Thing] = {}
        self._stars: set[int] = set()
        self._files: dict[str, set[int]] = {}

    def take(
        self,
        order: int,
        code: CellCode,
        *,
        ok: bool = True,
        files_read: Iterable[str] = (),
        files_written: Iterable[str] = (),
        chance: Chance = _UNKNOWN,
    ) -> None:
        """Take in the next executed cell; one that raised may have got anywhere (`ok` false)."""
        reading = _Reading(self._things, order, self._stars, chance, ok=ok, keep=True)
        reading.found |= self._of_files(files_read, files_written)
        reading.run(code.events, folder=bool(files_read) or bool(files_written))
        reading.move_states(seeds=bool(code.seeds))
        if code.star_import:
            self._stars.add(order)
        for file in files_written:
            self._files[file] = {order, *(() if ok else self._files.get(file, ()))}
        self.needs[order] = reading.needs()

    def wrote(self, file: str, orders: set[int]) -> None:
        """The cells `orders` turned out to have written `file`, of which none is known yet."""
        self._files[file] = orders
        for order in orders & self.needs.keys():
            needs = self.needs[order]
            cells = (needs.cells | self._of_files((), (file,))) - {order}
            self.needs[order] = msgspec.structs.replace(needs, cells=cells)

    def knows_writer(self, file: str) -> bool:
        """Whether a cell has written `file`."""
        return file in self._files

    def ask(
        self,
        code: CellCode,
        *,
        files_read: Iterable[str] = (),
        files_written: Iterable[str] = (),
        chance: Chance = _UNKNOWN,
    ) -> Needs:
        """What a cell with that code would depend on if it ran now."""
        reading = _Reading(self._things, -1, self._stars, chance, ok=True, keep=False)
        reading.found |= self._of_files(files_read, files_written)
        for state in STATES:
            if state in self._things and state not in chance.still:
                reading.read(state)
        reading.run(code.events, folder=bool(files_read) or bool(files_written))
        return reading.needs()

    def ask_name(self, name: str) -> Needs:
        """What the object of that name depends on now."""
        return self.ask(CellCode(events=(Event("read", name),)), chance=_NONE)

    def closure(self, needs: Needs) -> list[int]:
        """Every cell that `needs` rests on, in execution order."""
        found: set[int] = set()
        waiting = set(needs.cells)
        while waiting:
            order = waiting.pop()
            if order not in found and order in self.needs:
                found.add(order)
                waiting |= self.needs[order].cells
        return sorted(found)

    def _of_files(self, read: Iterable[str], written: Iterable[str]) -> set[int]:
        """The cells that wrote the files `read`, or made the folders of those `written`."""
        folders = [f"{folder}/" for file in written for folder in PurePath(file).parents]
        return set().union(*(self._files.get(file, ()) for file in (*read, *folders)))


class _Reading:
    """One cell's events, carried out on the session's things, or on a copy that is thrown away."""

    def __init__(
        self,
        things: dict[str, _Thing],
        order: int,
        stars: set[int],
        chance: Chance,
        *,
        ok: bool,
        keep: bool,
    ) -> None:
        self.things = things if keep else dict(things)
        self.found: set[int] = set()
        self.missing: dict[str, None] = {}
        self._order, self._ok, self._keep, self._stars = order, ok, keep, stars
        self._using: set[int] = set()
        self._chance = chance
        self._touched: set[str] = set()  # names (random states, too) bound or changed

    def needs(self) -> Needs:
        return Needs(frozenset(self.found - {self._order}), tuple(self.missing))

    def run(self, events: Iterable[Event], *, folder: bool) -> None:
        if folder and FOLDER in self.things:
            self.read(FOLDER)
        for event in events:
            getattr(self, f"_{event.kind}")(event)

    def move_states(self, *, seeds: bool) -> None:
        """The random states that have moved without the code's saying so.

        What `seeds` one generator by a name that nobody knows may have set others as well.
        """
        for state in STATES:
            if state in self._chance.moved and state not in self._touched:
                if state in self.things:
                    self._alter(state)
                elif seeds:
                    self.things[state] = _Thing({self._order})

    # -- reading ------------------------------------------------------------------------------
    def read(self, name: str, *, own: bool = False) -> None:
        """Find what `name` stands for; nothing earlier on the branch that bound it (`own`)."""
        thing = self.things.get(name)
        if thing is None:
            if name[0] != "«":
                if self._stars:
                    self.found |= self._stars
                else:
                    self.missing[name] = None
            return
        self.found |= thing.made - thing.before if own else thing.made
        for code in (thing.function, thing.methods, *(held.methods for held in thing.links)):
            if code is not None and id(code) not in self._using:
                self._use(code)

    def _use(self, function: FunctionCode) -> None:
        """A function reads its globals when it is used, as they are then."""
        self._using.add(id(function))
        for name in function.reads:
            self.read(name)
        for name in function.changes:
            if name not in self._chance.still:
                self._alter(name)
        for name in function.binds:
            self._put(name, _Thing({self._order}), sure=False)
        self._using.discard(id(function))

    def _read(self, event: Event) -> None:
        self.read(event.name, own=event.own)

    # -- binding ------------------------------------------------------------------------------
    def _bind(self, event: Event) -> None:
        thing = _Thing(
            {self._order}, plain=event.plain, module=event.module, function=event.function
        )
        for other in event.others:
            self._link(thing, self.things.get(other))
        self._put(event.name, thing, sure=event.sure and self._ok)

    def _put(self, name: str, thing: _Thing, *, sure: bool) -> None:
        self._touched.add(name)
        before = self.things.get(name)
        if before is not None and not sure:
            thing.before |= before.made - thing.made
            thing.made |= before.made
            thing.function = thing.function or before.function
            for other in before.links:
                self._link(thing, other)
        self.things[name] = thing

    def _settle(self, event: Event) -> None:
        if self._ok and (thing := self.things.get(event.name)):
            thing.made &= {self._order}

    def _hold(self, event: Event) -> None:
        holder = self.things.get(event.name)
        if holder is not None:
            for other in event.others:
                self._link(holder, self.things.get(other))

    def _link(self, one: _Thing, other: _Thing | None) -> None:
        """What holds another thing is changed with it; constants and modules are not."""
        if other is None or other is one or other.plain or other.module:
            return
        if other.function is not None:
            if other.function.is_class:
                one.methods, one.made = other.function, one.made | other.made
            return
        one.before |= other.before - one.made
        one.made |= other.made
        if self._keep or self._order in other.made:
            other.links.add(one)
        one.links.add(other)

    # -- changing -----------------------------------------------------------------------------
    def _alter(self, name: str, *, read: bool = False) -> None:
        """The object of that name changes; what was `read` before has been found already."""
        self._touched.add(name)
        thing = self.things.get(name)
        if thing is None or thing.module:
            return
        if not read:
            self.found |= thing.made
        if not self._keep:
            return
        waiting, seen = [thing], {id(thing)}
        while waiting:
            one = waiting.pop()
            one.made.add(self._order)
            for other in one.links:
                if id(other) not in seen:
                    seen.add(id(other))
                    waiting.append(other)

    def _change(self, event: Event) -> None:
        self._alter(event.name, read=True)

    def _renew(self, event: Event) -> None:
        """``x += 1`` and its like: the name stays, its object may be another."""
        thing = self.things.get(event.name)
        made = {self._order} | (thing.made if thing else set())
        if thing is None or thing.plain:
            self.things[event.name] = _Thing(made, plain=thing is not None)
        elif self._keep:
            thing.made |= made

    def _draw(self, event: Event) -> None:
        """Drawing from a seeded global generator moves it on; an unseeded one has no history."""
        if event.name in self.things and event.name not in self._chance.still:
            self._alter(event.name)

    # -- calls --------------------------------------------------------------------------------
    def _call(self, event: Event) -> None:
        thing = self.things.get(event.name)
        if thing is None:
            return
        function = thing.function
        if function is not None:
            handed = dict(zip(function.parameters, event.others, strict=False))
            handed.update(event.words)
            for parameter in function.alters:
                if handed.get(parameter):
                    self._alter(handed[parameter])
        elif event.discarded and thing.module.split(".")[0] not in QUIET_LIBRARIES:
            # Nobody takes its answer, so it was called for what it does, to itself or to others.
            self._alter(event.name)
            for name in (*event.others, *(n for _, n in event.words)):
                if name:
                    self._alter(name)

    def _method(self, event: Event) -> None:
        thing = self.things.get(event.name)
        if thing is None:
            return
        if not thing.module:
            self._alter(event.name, read=True)
        elif event.discarded and thing.module.split(".")[0] not in QUIET_LIBRARIES:
            for name in event.others:
                self._alter(name)
