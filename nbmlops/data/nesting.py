"""What lists and dicts hold, place by place: whether one Arrow type holds it all, unchanged.

Asked for the type itself, Arrow would take text for bytes where both occur, drop zones and
nanoseconds, and follow a list that holds itself until the process ends.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from nbmlops.data.objects import is_missing

__all__ = ["is_uniform"]

# So many are looked at together, to hold little beside the data.
_PIECE = 256
_DEEPEST = 64

_WORDS: dict[type, str] = {
    bool: "bool",
    np.bool_: "bool",
    int: "int",
    np.int64: "int",
    float: "float",
    np.float64: "float",
    bytes: "bytes",
    np.bytes_: "bytes",
    decimal.Decimal: "decimal",
    datetime.date: "date",
    datetime.timedelta: "timedelta",
}


class _Unlike(Exception):
    """The values have no one Arrow type that tells them apart."""


def is_uniform(values: Sequence[Any]) -> bool:
    """Whether every place in lists or dicts holds values of one kind, whole numbers among floats
    included, and none holds itself.
    """
    root = _Place()
    try:
        for start in range(0, len(values), _PIECE):
            root.look(list(values[start : start + _PIECE]), frozenset(), 0)
    except _Unlike:
        return False
    return True


class _Place:
    """A place in nested values: the values themselves, the items of lists, or a dict's key."""

    __slots__ = ("fields", "items", "words")

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.items: _Place | None = None
        self.fields: dict[str, _Place] = {}

    def look(self, values: Iterable[Any], above: frozenset[int], depth: int) -> None:
        """Take note of more values; `above` are the ids of what stands above this place.

        :raises _Unlike: if they are unlike each other, or hold themselves.
        """
        values = list(values)
        kinds = set(map(type, values))
        for kind in kinds:
            self.words.update(_words(kind, values))
        if len(self.words) > 1 and self.words != {"int", "float"}:
            raise _Unlike
        if self.words & {"list", "dict"}:
            self._look_into(values, above, depth)

    def _look_into(self, values: list[Any], above: frozenset[int], depth: int) -> None:
        # What stands in several places need be looked into once.
        held = {id(value): value for value in values if not is_missing(value) and len(value)}
        if depth == _DEEPEST or not above.isdisjoint(held):
            raise _Unlike
        above = above.union(held)
        if "dict" in self.words:
            for key in set(chain.from_iterable(held.values())):
                if type(key) is not str or not _has_utf8(key):
                    raise _Unlike
                inner = [value[key] for value in held.values() if key in value]
                self.fields.setdefault(key, _Place()).look(inner, above, depth + 1)
            return
        self.items = self.items or _Place()
        arrays = [value for value in held.values() if type(value) is np.ndarray]
        self.items.words.update(_element_word(array) for array in arrays if array.dtype != object)
        lists = [v for v in held.values() if type(v) is not np.ndarray or v.dtype == object]
        self.items.look(chain.from_iterable(lists), above, depth + 1)


def _words(kind: type, values: list[Any]) -> set[str]:  # noqa: PLR0911 - one return for each kind
    """What to call the values of one type."""
    if kind in _WORDS:
        return {_WORDS[kind]}
    if kind is type(None) or kind.__name__ in ("NAType", "NaTType"):
        return set()
    if issubclass(kind, str):
        return {"text"}
    if kind in (list, tuple):
        return {"list"}
    if kind is dict:
        return {"dict"}
    if kind is np.ndarray:
        if any(type(value) is kind and value.ndim != 1 for value in values):
            raise _Unlike
        return {"list"}
    if kind in (datetime.datetime, datetime.time):
        zones = {str(value.tzinfo) for value in values if type(value) is kind}
        if kind is datetime.time and zones != {"None"}:
            raise _Unlike
        return {f"{kind.__name__} {zone}" for zone in zones}
    if issubclass(kind, np.number):
        return {np.dtype(kind).name}
    raise _Unlike


def _element_word(array: Any) -> str:
    if array.dtype.kind in "US":
        return "text" if array.dtype.kind == "U" else "bytes"
    return _WORDS.get(array.dtype.type, str(array.dtype.name))


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
