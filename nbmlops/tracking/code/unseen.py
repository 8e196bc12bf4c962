"""Functions whose frames nobody sees: a watched call looks as if nobody stood around it.

An exception's traceback has none of them, whoever reads it. A warning's ``stacklevel`` counts
past them, so that it names the user's line and is shown or not as it would be there.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any, TypeVar, cast

__all__ = ["call_in_place_of", "forget_frames", "unnamed", "unseen"]

Function = TypeVar("Function", bound=Callable[..., Any])

# `warnings` counts past frames whose file's name has these two words; nothing else tells it to.
_NOWHERE = "<nbmlops, passed by like importlib._bootstrap>"
_OURS = ("nbmlops.", "wrapt")
_CALL = "_nbmlops_call"
_IN_PLACE = compile(f"{_CALL}()", _NOWHERE, "eval")


def unseen(function: Function) -> Function:
    """`function`, unseen in what it calls and in what that raises.

    The functions that are written inside it are unseen in what they call.
    """
    inner = unnamed(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return inner(*args, **kwargs)
        except BaseException as error:  # whatever it was is the caller's, without our frames
            forget_frames(error)
            raise  # which, unlike any other way to raise, adds no frame

    return cast(Function, functools.update_wrapper(unnamed(call), function))


def forget_frames(error: BaseException) -> None:
    """Take our frames from the near end of an exception's traceback."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame):
        trace = trace.tb_next
    error.__traceback__ = trace


def call_in_place_of(call: Callable[[], Any]) -> Any:
    """Call with the names around it that a watched function's own caller has around the call.

    Some functions look there for what their arguments name, and only in the next frame: `call`
    must have none of its own.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    if frame is None:
        return call()
    return eval(_IN_PLACE, frame.f_globals, {**frame.f_locals, _CALL: call})  # noqa: S307 - our own code


def _is_ours(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__"))
    return name.startswith(_OURS) or frame.f_code is _IN_PLACE


def unnamed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function under a file's name that warnings pass by."""
    if isinstance(function, MethodType):
        return MethodType(unnamed(function.__func__), function.__self__)
    if not isinstance(function, FunctionType):
        return function
    code, closure = _renamed(function.__code__), function.__closure__
    made = FunctionType(code, function.__globals__, None, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _renamed(code: CodeType) -> CodeType:
    inner = tuple(_renamed(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_filename=_NOWHERE, co_consts=inner)
