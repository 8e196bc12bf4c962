"""A function with a watcher around it that vanishes when the function is pickled.

Workers in other processes must not need nbmlops, nor may a model's pickle hold a tracker.
"""

from __future__ import annotations

import copy
import functools
import pkgutil
import sys
import types
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import wrapt

from nbmlops.tracking.code.unseen import unseen

__all__ = ["Watched", "is_watched", "watch"]

Watcher = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class _WatchedMethod(wrapt.BoundFunctionWrapper[Any, Any]):
    """A watched method, of an instance or as its class shows it."""

    def __reduce__(self) -> tuple[Any, ...]:
        instance = self._self_instance
        return getattr, (self._self_owner if instance is None else instance, self.__name__)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._self_instance is None:
            return self
        return getattr(copy.deepcopy(self._self_instance, memo), self.__name__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


class Watched(wrapt.FunctionWrapper[Any, Any]):
    """A function or method with a watcher around it, which nobody sees.

    `home` is where others import a library's function from, as ``module:name``.
    """

    __bound_function_wrapper__ = _WatchedMethod

    def __init__(self, function: Any, watcher: Watcher, home: str | None = None) -> None:
        super().__init__(function, unseen(watcher))
        self._self_home = home

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self._self_home is not None:
            return pkgutil.resolve_name, (self._self_home,)
        name = self.__wrapped__.__qualname__
        if vars(sys.modules.get(self.__wrapped__.__module__, sys)).get(name) is self:
            return name  # a function of the notebook's: pickled by its name, as without a watcher
        return itemgetter(0), ((self.__wrapped__,),)

    def __reduce_ex__(self, protocol: Any) -> str | tuple[Any, ...]:
        return self.__reduce__()

    def __copy__(self) -> Any:
        return self  # as a function's copy is that function

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

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
    function, watcher = descriptor.fn, unseen(watcher)
    if getattr(function, "_nbmlops_watched", False):
        return

    @unseen
    @functools.wraps(function)
    def watched(instance: Any, /, *args: Any, **kwargs: Any) -> Any:
        return watcher(types.MethodType(function, instance), instance, args, kwargs)

    watched._nbmlops_watched = True  # type: ignore[attr-defined] # a mark of our own
    descriptor.fn = watched
