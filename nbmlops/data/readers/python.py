"""Plain lists, tuples and dicts, of scalars or of data; scikit-learn's Bunch is such a dict."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

from blake3 import blake3

from nbmlops.data.columns import Chunk, Column, Entry, NoCanonicalForm, Reading, label_bytes
from nbmlops.data.objects import encode_value
from nbmlops.data.readers import reader_of
from nbmlops.errors import FingerprintError

__all__ = ["read"]

_open: ContextVar[tuple[int, ...]] = ContextVar("_open", default=())


def read(obj: Any) -> Reading:
    """Open a list, tuple, deque or range as one column, a dict as one entry per key."""
    if isinstance(obj, collections.deque):
        obj = list(obj)
    if isinstance(obj, (list, tuple, range)):
        if any(_is_data(member) for member in obj[:1000]):
            return Reading("sequence", (len(obj),), _children(obj, enumerate(obj)))
        if type(obj) is not range and _are_samples(obj):
            from nbmlops.data.readers.torch import read_items

            return read_items(obj)
        from nbmlops.data.object_columns import plain_column

        rows = len(obj)
        if isinstance(obj, range) and rows and all(abs(obj[at]) < 2**63 for at in (0, -1)):
            from nbmlops.data.runs import RangeColumn

            return Reading("list", (rows,), [Entry("", RangeColumn(obj))])
        return Reading("list", (rows,), [Entry("", plain_column(obj))], partial(_grown, obj, rows))
    if isinstance(obj, Mapping):
        pairs = sorted(obj.items(), key=lambda pair: label_bytes(pair[0]))
        return Reading("mapping", (len(obj),), _children(obj, pairs))
    raise NoCanonicalForm(f"a {type(obj).__qualname__} is no data that nbmlops can read")


def _grown(obj: Any, rows: int) -> str | None:
    return None if len(obj) == rows else f"it had {rows:,} members and has {len(obj):,} now"


def _is_data(member: Any) -> bool:
    """Whether a member is a frame or an array, rather than a value."""
    module = type(member).__module__.partition(".")[0]
    if module in ("builtins", "datetime", "decimal", "uuid", "fractions"):
        return False
    # A list of NumPy's rows is one column of lists; other libraries' rows are read by themselves.
    dimensions = getattr(member, "ndim", 0) - (module == "numpy")
    return dimensions > 0 or hasattr(member, "columns") or hasattr(member, "null_count")


def _are_samples(members: Any) -> bool:
    """Whether members hold tensors, as the pairs of a data set that is a list do."""
    first = members[0] if members else None
    parts = first.values() if type(first) is dict else first if type(first) is tuple else ()
    return any(reader_of(part) == "torch" for part in parts)


class ChildColumn:
    """A member of a container that is data in its own right."""

    __slots__ = ("digest", "extra", "nbytes", "rows", "type", "width")

    def __init__(self, kind: str, digest: bytes, nbytes: int) -> None:
        self.type = kind
        self.digest = digest
        self.nbytes = nbytes
        self.rows = 1
        self.width = 0.0
        self.extra = b""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hand over what is known."""
        return Chunk(self.digest, 0, self.nbytes)


def _children(owner: Any, pairs: Iterable[tuple[Any, Any]]) -> list[Entry]:
    above = _open.get()
    if id(owner) in above or len(above) > 200:
        raise FingerprintError(
            f"a {type(owner).__qualname__} holds itself, so its content has no end. "
            "Break the cycle, or leave it out."
        )
    token = _open.set((*above, id(owner)))
    try:
        return [Entry(label, _child(label, value)) for label, value in pairs]
    except RuntimeError as error:  # "changed size during iteration"
        raise FingerprintError(f"it changed while it was read: {error}. Hash a copy.") from error
    finally:
        _open.reset(token)


def _child(label: Any, value: Any) -> Column:
    from nbmlops.data.fingerprints import fingerprint

    if reader_of(value) is None or isinstance(value, (str, os.PathLike)):
        content = encode_value(value)
        return ChildColumn("scalar", blake3(content).digest(), len(content))
    found = fingerprint(value)
    if found.kind == "unknown":
        try:
            content = encode_value(value)
        except NoCanonicalForm:
            raise NoCanonicalForm(f"{label!r} cannot be read: {found.reason}") from None
        return ChildColumn("scalar", blake3(content).digest(), len(content))
    return ChildColumn(found.kind, bytes.fromhex(found.digest), found.nbytes)
