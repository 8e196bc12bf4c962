"""What a study's sampler and pruner were made with: they keep it changed, or not at all."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.class_making import hear_of_heirs
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.parameters import defaults_of

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["Handed"]


class Handed:
    """Remembers the arguments of the constructors, as long as what they made is there."""

    def __init__(self, tracker: Tracker, module: ModuleType) -> None:
        self._tracker = tracker
        self._known: dict[int, tuple[Any, dict[str, Any], dict[str, Any]]] = {}
        for base in (module.samplers.BaseSampler, module.pruners.BasePruner):
            hear_of_heirs(tracker, base, self._watch)  # the library is not all imported yet

    def to(self, part: Any, role: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What `part` was handed, and what it takes by default, as parameters of a study."""
        found = self._known.get(id(part))
        if found is None or found[0]() is not part:
            return {}, {}
        given, defaults = ({f"{role}__{n}": v for n, v in told.items()} for told in found[1:])
        return given, defaults

    def _watch(self, cls: Any) -> None:
        if "__init__" in vars(cls):
            watch(cls, "__init__", self._made)

    def _made(self, function: Callable[..., Any], part: Any, args: Any, kwargs: Any) -> Any:
        """Stand around a constructor; of those of one object's classes the outermost counts."""
        answer = function(*args, **kwargs)
        with self._tracker.safely("a study"):
            key, known = id(part), self._known
            reference = weakref.ref(part, lambda _gone: known.pop(key, None))
            known[key] = reference, bind(function, args, kwargs).arguments, defaults_of(function)
        return answer
