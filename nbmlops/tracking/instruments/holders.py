"""Whether anybody but us still holds a model, which is then let go of before its cell ends."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any, Protocol

__all__ = ["are_alone", "is_alone", "is_in_circles_alone"]

_MOST = 20_000  # objects that are walked through; a larger model counts as held


class Holder(Protocol):
    """What we hold a model by: a training."""

    model: Any


def is_alone(holder: Holder) -> bool:
    """Whether nothing else refers to the model of `holder`."""
    return _holders([holder.model]) <= _ALONE


def are_alone(together: Any) -> bool:
    """Whether nothing else refers to any of the models in the mapping `together`."""
    return _holders(list(together.values())) <= _ALONE


def is_in_circles_alone(holder: Holder) -> bool:
    """Whether only what the model refers to refers to it: a hook, a part that knows its whole.

    Python's own collector would see that, were we not holding the model. So its sum is done here:
    what is referred to more often than from within is held from outside, and so is all that can be
    reached from there.
    """
    found = _reachable(holder.model)
    outside = _outside(found)
    if outside[id(holder.model)] > _OURS[0]:
        return False
    outside.pop(id(holder.model))
    reached = {key for key, count in outside.items() if count > _OURS[1]}
    waiting = [found[key] for key in reached]
    while waiting:
        for part in _referents(waiting.pop()):
            if id(part) in found and id(part) not in reached:
                reached.add(id(part))
                waiting.append(part)
    return id(holder.model) not in reached


def _holders(parts: list[Any]) -> int:
    """How often the most held of `parts` is referred to."""
    return max((sys.getrefcount(part) for part in parts), default=0)


def _reachable(model: Any) -> dict[int, Any]:
    """All that a model refers to, by id, and the model; as far as it might refer back."""
    found = {id(model): model}
    waiting = [model]
    while waiting and len(found) < _MOST:
        for part in _referents(waiting.pop()):
            if id(part) not in found:
                found[id(part)] = part
                waiting.append(part)
    return found


def _referents(value: Any) -> Iterable[Any]:
    """What `value` refers to, without classes, modules, and the names that a function looks up."""
    names: tuple[int, ...] = ()
    if type(value) is FunctionType:
        function: Any = value  # typeshed does not always know of __builtins__
        names = (id(function.__globals__), id(function.__builtins__))
    for part in gc.get_referents(value):
        if not gc.is_tracked(part) or issubclass(type(part), _SHARED) or id(part) in names:
            continue
        yield part


_SHARED = (type, ModuleType)


def _outside(found: dict[int, Any]) -> dict[int, int]:
    """How often each of `found` is referred to by something else, and by those who count."""
    inside = Counter(id(part) for value in found.values() for part in _referents(value))
    return {key: sys.getrefcount(value) - inside[key] for key, value in found.items()}


class _Slot:
    """Holds something once, as a training holds its model."""

    def __init__(self) -> None:
        self.model: Any = [[]]
        self.model[0].append(self.model)


def _ours() -> tuple[int, int]:
    """What is counted of a model in a circle that only we hold, and of what it refers to."""
    slot = _Slot()
    whole, part = _outside(_reachable(slot.model)).values()
    return whole, part


_slot = _Slot()
_slot.model = object()
_ALONE = _holders([_slot.model])  # what is counted of an object that nobody else holds
_OURS = _ours()
