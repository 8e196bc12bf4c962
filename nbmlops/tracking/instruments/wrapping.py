"""A function with a watcher around it that vanishes when the function is pickled.

Workers in other processes must not need nbmlops, nor may a model's pickle hold a tracker.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import wrapt

__all__ = ["Watched", "is_watched", "watch"]

Watcher = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class _WatchedMethod(wrapt.BoundFunctionWrapper[Any, Any]):
    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.__self__, self.__name__)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()


class Watched(wrapt.FunctionWrapper[Any, Any]):
    """A function or method with a watcher around it."""

    __bound_function_wrapper__ = _WatchedMethod

    def __reduce__(self) -> str | tuple[Any, ...]:
        name = self.__wrapped__.__qualname__
        if vars(sys.modules.get(self.__wrapped__.__module__, sys)).get(name) is self:
            return name  # a function of the notebook's: pickled by its name, as without a watcher
        return itemgetter(0), ((self.__wrapped__,),)

    def __reduce_ex__(self, protocol: Any) -> str | tuple[Any, ...]:
        return self.__reduce__()

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def is_watched(value: Any) -> bool:
    """Whether a watcher stands around it already."""
    return type(value) is Watched


def watch(owner: Any, name: str, watcher: Watcher) -> None:
    """Put a watcher around ``owner.name``, once."""
    value = vars(owner)[name]
    if not is_watched(value) and callable(getattr(value, "__dict__", {}).get("fn")):
        _watch_inside(value, watcher)
    elif not is_watched(value):
        setattr(owner, name, Watched(value, watcher))


def _watch_inside(descriptor: Any, watcher: Watcher) -> None:
    """Watch the function in scikit-learn's ``available_if``, which others look for in it, too."""
    function = descriptor.fn
    if getattr(function, "_nbmlops_watched", False):
        return

    @functools.wraps(function)
    def watched(instance: Any, /, *args: Any, **kwargs: Any) -> Any:
        return watcher(types.MethodType(function, instance), instance, args, kwargs)

    watched._nbmlops_watched = True  # type: ignore[attr-defined] # a mark of our own
    descriptor.fn = watched
