"""How far a value stands on the way from a parameter to its update, as an algebra.

A parameter is *held*; combined with data it has *met* it (a prediction); compared with other data
or bent by a function it is *judged* (a residual, a loss); scaled once more by data or a step it is
*weighed* (a gradient). A name that takes up a weighed value made from itself is being trained.
A running sum never meets its data, a compound balance is never judged: neither is a training.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from functools import reduce

import msgspec

__all__ = ["FREE", "Stage", "Value", "bent", "called", "joined", "linked", "product", "total"]


class Stage(IntEnum):
    """Where a value stands, see the module."""

    FREE = 0
    HELD = 1
    MET = 2
    JUDGED = 3
    WEIGHED = 4


class Value(msgspec.Struct, frozen=True):
    """What is known of a value.

    `own` are the parameters that stand in it as a bare term, as ``w`` does in ``w - lr * g``. The
    rest of it depends on the parameters `held` and stands at `rest`. `data` are the names from
    outside the loop that it was made from. `items` are a tuple's parts, where they are known.
    `residual` says that it was judged by a difference.
    """

    own: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    data: frozenset[str] = frozenset()
    rest: Stage = Stage.FREE
    residual: bool = False
    items: tuple[Value, ...] = ()

    @property
    def states(self) -> frozenset[str]:
        """All parameters that it depends on."""
        return self.own | self.held

    @property
    def stage(self) -> Stage:
        """Where the whole of it stands."""
        return max(self.rest, Stage.HELD) if self.own else self.rest


FREE = Value()


def total(a: Value, b: Value) -> Value:
    """``a + b`` and ``a - b``."""
    rest, residual = max(a.rest, b.rest), a.residual or b.residual
    for one, other in ((a, b), (b, a)):
        if one.rest is Stage.MET and other.data and other.stage <= Stage.HELD:
            rest, residual = Stage.JUDGED, True
    return Value(a.own | b.own, a.held | b.held, a.data | b.data, rest, residual)


def product(a: Value, b: Value) -> Value:
    """``a * b``, ``a @ b``, ``a / b``, and data picked by an index."""
    data, residual = a.data | b.data, a.residual or b.residual
    if not a.states and not b.states:
        return Value(data=data)
    if a.states and b.states:
        high, low = max(a.stage, b.stage), min(a.stage, b.stage)
        rest = Stage.MET
        if high >= Stage.JUDGED:
            rest = Stage.WEIGHED
        elif low is Stage.MET:
            rest = Stage.JUDGED
        if a.own & b.own and a.rest is b.rest is Stage.WEIGHED:
            # A step that is cut into sign and size, as soft thresholding does.
            return Value(a.own & b.own, a.held | b.held, data, Stage.WEIGHED, residual)
        return Value(held=a.states | b.states, data=data, rest=rest, residual=residual)
    state, other = (a, b) if a.states else (b, a)
    judged = state.rest >= Stage.JUDGED
    if other.data:
        rest = Stage.WEIGHED if state.stage >= Stage.JUDGED else Stage.MET
        return Value(held=state.states, data=data, rest=rest, residual=residual)
    return Value(state.own, state.held, data, Stage.WEIGHED if judged else state.rest, residual)


def bent(a: Value) -> Value:
    """A function of one value that is not linear: ``exp(a)``, ``a ** 2``, ``a > 0``, a minimum."""
    if a.own and a.rest is Stage.WEIGHED:
        return a  # a step, clipped or projected
    stage = a.stage
    if a.data and stage in (Stage.HELD, Stage.MET):
        stage = Stage.JUDGED
    return Value(held=a.states, data=a.data, rest=stage, residual=a.residual)


def linked(a: Value) -> Value:
    """A link function of parameters that meet each other, as in Rasch's model: a prediction."""
    if a.stage is Stage.HELD and len(a.states) > 1 and not a.data:
        return Value(held=a.states, rest=Stage.MET, residual=a.residual)
    return bent(a)


def called(arguments: Iterable[Value]) -> Value:
    """What a function that is not known makes of its arguments."""
    values = list(arguments)
    first = values[0] if values else FREE
    if first.own and first.rest is Stage.WEIGHED:
        return joined(values)
    judged = any(v.stage >= Stage.JUDGED and v.data for v in values[1:])
    if first.own and first.rest is Stage.FREE and judged:
        # Parameters and what was judged by them, handed over together: a step is made.
        whole = joined(values)
        return Value(first.own, whole.states, whole.data, Stage.WEIGHED, whole.residual)
    states = frozenset[str]().union(*(v.states for v in values))
    data = frozenset[str]().union(*(v.data for v in values))
    stage = max((v.stage for v in values), default=Stage.FREE)
    if states and data:
        stage = Stage.WEIGHED if stage >= Stage.JUDGED else Stage.JUDGED
    return Value(held=states, data=data, rest=stage, residual=any(v.residual for v in values))


def joined(values: Iterable[Value]) -> Value:
    """Values side by side, or one of them: no difference is taken."""

    def beside(a: Value, b: Value) -> Value:
        return Value(
            a.own | b.own, a.held | b.held, a.data | b.data,
            max(a.rest, b.rest), a.residual or b.residual,
        )  # fmt: skip

    return reduce(beside, values, FREE)
