"""Plain lists, tuples and dicts of scalars, text corpora and nested containers of data."""

from __future__ import annotations

from typing import Any

from nbmlops.data.columns import Entry, NoCanonicalForm, Reading
from nbmlops.data.object_columns import plain_column

__all__ = ["read"]


def read(obj: Any) -> Reading:
    """Open a list or tuple as one column, a dict as one column per key."""
    if isinstance(obj, (list, tuple)):
        return Reading("list", (len(obj),), [Entry("", plain_column(obj))])
    if isinstance(obj, range):
        return Reading("list", (len(obj),), [Entry("", plain_column(obj))])
    raise NoCanonicalForm(f"a {type(obj).__qualname__} is no data that nbmlops can read")
