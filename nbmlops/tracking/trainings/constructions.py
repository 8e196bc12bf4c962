"""What the constructors of the user's classes were handed, where the objects do not keep it."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.inputs import is_data
from nbmlops.tracking.trainings.parameters import as_scalar, attributes_of

__all__ = ["Constructions"]


class Constructions:
    """Remembers arguments by object, as short values: neither is kept alive."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, dict[str, Any], bool]] = {}

    def construct(
        self, function: Callable[..., Any], made: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        """Stand around a constructor; of those of one object's classes the outermost counts."""
        answer = function(*args, **kwargs)
        try:
            given = _given(function, args, kwargs)
            kept = attributes_of(made)
            lost = {k: as_scalar(v) for k, v in given.items() if not {k, f"_{k}"} & kept.keys()}
            key, known = id(made), self._made
            reference = weakref.ref(made, lambda _gone: known.pop(key, None))
            known[key] = (reference, lost, any(is_data(value) for value in given.values()))
        except Exception:  # noqa: BLE001 - the user's object comes first; what is unknown of it becomes a gap when it trains
            return answer
        return answer

    def of(self, made: Any) -> Mapping[str, Any] | None:
        """The arguments that `made` does not keep; None where its making was not seen."""
        found = self._made.get(id(made))
        return found[1] if found is not None and found[0]() is made else None

    def took_data(self, made: Any) -> bool:
        """Whether `made` may have been handed data, as far as its making was seen."""
        found = self._made.get(id(made))
        return found is None or found[0]() is not made or found[2]


def _given(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    bound = bind(function, args, kwargs)
    bound.apply_defaults()
    given: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            given.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            given[name] = value
    return given
