"""One reader per library; each is imported only for an object that came from that library."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from nbmlops.data.columns import NoCanonicalForm, Reading

__all__ = ["open_object", "reader_of"]

_READERS = {
    "builtins": "python",
    "collections": "python",
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "arrow",
}


def reader_of(obj: Any) -> str | None:
    """The name of the reader for `obj`, found from its classes' modules; None if there is none."""
    for kind in type(obj).__mro__:
        root = kind.__module__.partition(".")[0]
        if root in _READERS and kind is not object:
            return _READERS[root]
    return None


def open_object(obj: Any) -> Reading:
    """Open `obj` with the reader of its library.

    :raises NoCanonicalForm: if there is no reader for it, or the reader does not know this kind.
    """
    name = reader_of(obj)
    if name is None:
        raise NoCanonicalForm(f"there is no reader for {type(obj).__module__}.{_name(obj)}")
    read: Callable[[Any], Reading] = import_module(f"nbmlops.data.readers.{name}").read
    return read(obj)


def _name(obj: Any) -> str:
    return type(obj).__qualname__
