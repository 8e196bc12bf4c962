"""What a cell's code says about itself, read without running it."""

from __future__ import annotations

import msgspec

__all__ = ["CellCode", "Event", "FunctionCode"]


class FunctionCode(msgspec.Struct, frozen=True):
    """What a function or class of the notebook does whenever it is called.

    `reads`, `binds` and `changes` are global names; `alters` are those of its `parameters` whose
    objects it may change in place.
    """

    reads: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    alters: tuple[str, ...] = ()
    is_class: bool = False


class Event(msgspec.Struct, frozen=True):
    """One thing that code does to a global name, in the order in which it happens.

    ``read`` (its `own`, if it was bound before on every way that leads here); ``bind`` (not `sure`
    on one branch only; `plain` if to a constant; to the same object as, or one that holds,
    `others`); ``settle`` (bound whichever branch was taken); ``hold`` (its object now holds
    `others`); ``change`` (its object, in place); ``renew`` (in place or anew);
    ``draw`` (from a random state); ``call`` of that name, or ``method`` `attribute` of its object,
    with the names handed over in `others` and by keyword in `words`, `discarded` if nobody takes
    the answer.
    """

    kind: str
    name: str
    others: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    attribute: str = ""
    sure: bool = True
    plain: bool = False
    discarded: bool = False
    own: bool = False
    function: FunctionCode | None = None
    module: str = ""

    @property
    def changes(self) -> bool:
        """Whether the object behind the name may be another afterwards, or in another state."""
        return self.kind in ("change", "renew", "draw") or (
            self.kind == "method" and not self.discarded
        )


class CellCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a cell's source says about itself.

    `reads` are global names needed from before; `writes` those bound; `changes` those whose object
    may be altered in place. `seeds` are the calls that seed a global generator, `seeded` the places
    where one of its own was handed a seed, both as written. `doubts` are sentences.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    seeded: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    star_import: bool = False
    dynamic: bool = False
    events: tuple[Event, ...] = ()
    remote: tuple[str, ...] = ()
