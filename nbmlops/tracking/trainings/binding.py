"""A call's arguments by name, as the function that was called takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["bind"]

_MANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def bind(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> inspect.BoundArguments:
    """The arguments by name, without defaults.

    Where a library has come to want keywords it still takes what was once written by position
    (XGBoost's ``train(params, data, 10, sets)``), in the order of its signature; so do we.

    :raises TypeError: if the function does not take such arguments.
    :raises ValueError: if it tells nothing of what it takes.
    """
    signature = inspect.signature(function)
    try:
        return signature.bind(*args, **kwargs)
    except TypeError:
        names = [n for n, p in signature.parameters.items() if p.kind not in _MANY]
        if len(names) < len(args):
            raise
        return signature.bind(**{**kwargs, **dict(zip(names, args, strict=False))})
