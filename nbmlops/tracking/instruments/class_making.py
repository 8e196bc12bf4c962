"""Hears of each class as it is made; to the code that makes it nobody stands in between.

Metaclasses look at the frame that makes a class: pydantic reads the names in it to understand
annotations. So ours answers in that frame's place, with its names and under its own line.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.unseen import unseen

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["hear_of_classes", "hear_of_heirs"]

_CALL = compile("(0 or 0)()", "", "eval")  # calls its constant, for which anything may be put


def hear_of_classes(hear: Callable[[Any, str], None]) -> None:
    """Call `hear` with each class that a ``class`` statement makes from now on, and its name."""
    make = builtins.__build_class__

    def build(*args: Any, **keywords: Any) -> Any:
        made = functools.partial(make, *args, **keywords)
        try:
            cls = _call_in_place_of(sys._getframe(1), made)
        except BaseException as error:  # the user's, as it was but for our frames
            trace = error.__traceback__
            for _ in range(3):  # this frame, its helper's, and the one in its caller's place
                trace = trace.tb_next if trace is not None else None
            error.__traceback__ = trace
            raise  # which, unlike any other way to raise, adds no frame
        hear(cls, args[1])
        return cls

    builtins.__build_class__ = build


def hear_of_heirs(tracker: Tracker, base: Any, hear: Callable[[Any], None]) -> None:
    """Call `hear` with `base` and each class that derives from it, now and as they are defined."""

    def seen(cls: Any, /, **kwargs: Any) -> None:
        super(base, cls).__init_subclass__(**kwargs)
        with tracker.safely(f"the class {cls.__name__}"):
            hear(cls)

    base.__init_subclass__ = classmethod(unseen(seen))
    waiting = [base]
    while waiting:
        cls = waiting.pop()
        hear(cls)
        waiting += type.__subclasses__(cls)


def _call_in_place_of(frame: FrameType, call: Callable[[], Any]) -> Any:
    code = _CALL.replace(
        co_consts=(call,),
        co_filename=frame.f_code.co_filename,
        co_firstlineno=frame.f_lineno,
        co_name=frame.f_code.co_name,
    )
    return eval(code, frame.f_globals, frame.f_locals)  # noqa: S307 - our own one call
