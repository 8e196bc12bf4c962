"""What Python's audit tells, heard by one function.

Python asks each hook about many things, such as every ``id()`` of PyTorch's at every step, and a
hook stays for good. So there is one, and it is a plain function, which answers four times as fast
as a method: there Python looks each time for an attribute that is not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["hear"]

_listeners: dict[str, list[Callable[[tuple[Any, ...]], None]]] = {}


def hear(event: str, listener: Callable[[tuple[Any, ...]], None]) -> None:
    """Have `listener` hear what belongs to each audited `event` from now on, for good."""
    if not _listeners:
        sys.addaudithook(_heard)
    _listeners.setdefault(event, []).append(listener)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _listeners:
        for listener in _listeners[event]:
            listener(arguments)
