"""A library's own data sets (``DMatrix``, ``Dataset``, ``Pool``): what each was made from."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from nbmlops.records import DataInput
from nbmlops.tracking.code.frames import name_of
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.inputs import Argument, arguments_of, input_of

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["DataSets"]

_CUTTING = ("slice", "subset")
_ROLES = {"data": "X", "label": "y", "weight": "sample_weight"}


class DataSets:
    """Remembers, without keeping data alive, the tables that data sets were made from.

    The libraries free the tables themselves, so their names are kept beside the data set.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._made: dict[int, tuple[Any, list[Argument]]] = {}

    def watch_class(self, cls: Any) -> None:
        """Watch a data set's constructor, and the method that cuts rows from it."""
        watch(cls, "__init__", self._construct)
        for name in _CUTTING:
            if name in vars(cls):
                watch(cls, name, self._cut)

    def known(self, value: Any) -> bool:
        """Whether `value` is a data set whose making was seen."""
        found = self._made.get(id(value))
        return found is not None and found[0]() is value

    def parts(self, value: Any, name: str | None, prefix: str) -> list[Argument]:
        """The tables of data set `value`, else itself under `name`; roles begin with `prefix`."""
        parts = []
        if self.known(value):
            for part in self._made[id(value)][1]:
                content = part.value()
                if content is not None:
                    parts.append(Argument(f"{prefix}{part.role}", content, part.name))
        return parts or [Argument(f"{prefix}X", value, name or "data")]

    def _construct(
        self, function: Callable[..., Any], instance: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        answer = function(*args, **kwargs)
        tracker = self._tracker
        if tracker.watching and not tracker.activity.busy:
            with tracker.safely("a data set"):
                self._remember(function, instance, args, kwargs)
        return answer

    def _cut(
        self, function: Callable[..., Any], instance: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        """What is cut from a data set comes from the same rows of its tables."""
        answer = function(*args, **kwargs)
        if self.known(instance) and self._tracker.watching:
            with self._tracker.safely("a data set"):
                rows = next(iter((*args, *kwargs.values())))
                parts = [
                    Argument(part.role, partial(_rows_of, part.value, rows), part.name)
                    for part in self._made[id(instance)][1]
                ]
                self._keep(answer, parts)
        return answer

    def _remember(
        self, function: Callable[..., Any], instance: Any, args: Any, kwargs: dict[str, Any]
    ) -> None:
        tracker = self._tracker
        data, _ = arguments_of(function, args, kwargs, tracker.frames(), tracker.namespace)
        parts = [Argument(_ROLES[a.role], self._kept(a), a.name) for a in data if a.role in _ROLES]
        self._keep(instance, parts)

    def _keep(self, dataset: Any, parts: list[Argument]) -> None:
        key, made = id(dataset), self._made
        made[key] = weakref.ref(dataset, lambda _gone: made.pop(key, None)), parts

    def _kept(self, argument: Argument) -> Callable[[], Any]:
        """A way back to a table; one without a name is gone soon, and is fingerprinted now."""
        if self.name(argument.value) is not None:
            try:
                return weakref.ref(argument.value)
            except TypeError:
                pass
        known = input_of(argument)
        return lambda: known

    def name(self, value: Any) -> str | None:
        """What a data set is called in the notebook."""
        return name_of(value, self._tracker.namespace, self._tracker.frames())


def _rows_of(table: Callable[[], Any], rows: Any) -> Any:
    """Some rows of a table; None where it is gone, or was only fingerprinted."""
    whole = table()
    if whole is None or type(whole) is DataInput:
        return None
    return whole.iloc[rows] if hasattr(type(whole), "iloc") else whole[rows]
