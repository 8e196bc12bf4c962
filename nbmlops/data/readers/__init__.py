"""One reader per library; each is imported only for an object that came from that library."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nbmlops.data.columns import NoCanonicalForm, Reading

if TYPE_CHECKING:
    from nbmlops.data.multiset import Multiset
    from nbmlops.data.streams import Stream

__all__ = ["open_object", "reader_of"]

_READERS = {
    "_duckdb": "duckdb",
    "builtins": "python",
    "collections": "python",
    "dask": "dask",
    "datasets": "datasets",
    "duckdb": "duckdb",
    "numpy": "numpy",
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "arrow",
    "pyspark": "spark",
    "scipy": "scipy",
    "torch": "torch",
}


def reader_of(obj: Any) -> str | None:
    """The name of the reader for `obj`, found from its classes' modules; None if there is none."""
    for kind in type(obj).__mro__:
        root = kind.__module__.partition(".")[0]
        if root in _READERS and kind is not object:
            return _READERS[root]
    return None


def open_object(obj: Any) -> Reading | Stream | Multiset:
    """Open `obj` with the reader of its library.

    :raises NoCanonicalForm: if there is no reader for it, or the reader does not know this kind.
    """
    name = reader_of(obj)
    if name is None:
        kind = type(obj)
        raise NoCanonicalForm(f"there is no reader for {kind.__module__}.{kind.__qualname__}")
    reader = import_module(f"nbmlops.data.readers.{name}")
    opened: Reading | Stream | Multiset = reader.read(obj)
    return opened
