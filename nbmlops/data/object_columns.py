"""Columns of Python objects: their type is found from every value, as Arrow would store it.

All text, bytes, booleans, dates, times of day, decimals, lists or dicts become the type that other
libraries hold them in; anything else, whole numbers included, stays ``object``.
"""

from __future__ import annotations

import datetime
import decimal
import sys
from typing import Any

import numpy as np
import pyarrow as pa
from blake3 import blake3

from nbmlops.data.arrow import hash_array
from nbmlops.data.arrow_column import ArrowColumn
from nbmlops.data.arrow_types import type_name
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Chunk, Column, NoCanonicalForm
from nbmlops.data.nesting import is_uniform
from nbmlops.data.objects import array_head, encode_values, is_missing
from nbmlops.data.sketches import stretches, texts
from nbmlops.data.texts import Values, hash_texts, listed, pieces
from nbmlops.records.data import Summary

__all__ = ["ObjectColumn", "hash_objects", "object_column", "plain_column", "plain_type"]

_ARROW = {
    str: pa.large_string(),
    np.str_: pa.large_string(),
    bytes: pa.large_binary(),
    np.bytes_: pa.large_binary(),
    bool: pa.bool_(),
    np.bool_: pa.bool_(),
    datetime.date: pa.date32(),
    datetime.time: pa.time64("us"),
}
_PLAIN = {
    **_ARROW,
    int: pa.int64(),
    np.int64: pa.int64(),
    float: pa.float64(),
    np.float64: pa.float64(),
}
_INFERRED = (frozenset({decimal.Decimal}), frozenset({list, tuple, np.ndarray}), frozenset({dict}))


_TEXT = pa.large_string()
# As no type of Arrow's: what a column holds that has not been looked at yet.
_ASSUMED_TEXT = object()
_LOOKED_AT = 16


class ObjectColumn:
    """Python objects, converted to Arrow run by run, or encoded one by one (`kind` is None).

    Where a few of them are text, all are assumed to be: hashing text proves it, and finding the
    type first would mean to touch every object twice. A run that disproves it settles the type;
    `misread` then tells that runs were hashed as text before, and must be hashed again.
    """

    __slots__ = ("_as_text", "_kind", "extra", "rows", "values", "width")

    # Reading Python objects takes the interpreter's lock, whichever thread does it.
    holds_lock = True

    def __init__(self, values: Values, kind: Any = _ASSUMED_TEXT) -> None:
        self.values = values
        self.rows = len(values)
        self.width = 32.0
        self.extra = b""
        self._kind = kind
        self._as_text: set[int] = set()

    @property
    def kind(self) -> Any:
        """The Arrow type that holds every value, or None."""
        if self._kind is not _ASSUMED_TEXT:
            return self._kind
        if len(self._as_text) * CHUNK_ROWS >= self.rows:
            return _TEXT
        self._kind = _infer(self.values, _ARROW)
        return self._kind

    @property
    def type(self) -> str:
        """The canonical type of the column."""
        kind = self.kind
        return "object" if kind is None else type_name(kind)

    @property
    def misread(self) -> bool:
        """Whether runs were hashed as the text that they turned out not to be."""
        return bool(self._as_text) and self.kind != _TEXT

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        values = self.values[start:stop]
        if self._kind is _ASSUMED_TEXT and (assumed := hash_texts(values)):
            if start % CHUNK_ROWS == 0 and stop == min(start + CHUNK_ROWS, self.rows):
                self._as_text.add(start)
            return assumed
        kind = self.kind
        if kind is None:
            return hash_objects(listed(values))
        if kind == _TEXT:
            return hash_texts(values) or hash_array(_to_arrow(listed(values), kind))
        return hash_array(_to_arrow(values, kind))

    def arrow(self, start: int, stop: int) -> Any:
        """Rows `start` to `stop` of text, or of bytes where Arrow cannot hold them as text."""
        return _to_arrow(listed(self.values[start:stop]), self.kind)

    def sketch(self) -> Summary:
        """Count distinct texts in a sample."""
        if self.kind != _TEXT:
            return {}
        sample: list[Any] = []
        for start, stop in stretches(self.rows):
            sample.extend(self.values[start:stop])
        distinct = {value for value in sample if isinstance(value, str)}
        return texts(len(distinct), len(sample), self.rows)


def hash_objects(values: list[Any]) -> Chunk:
    """Hash the MessagePack of a run, which is made piece by piece."""
    head = array_head(len(values))
    hasher = blake3(head)
    nulls, nbytes = 0, len(head)
    for start, stop in pieces(values):
        packed, missing = encode_values(values[start:stop])
        content = memoryview(packed)[len(array_head(stop - start)) :]
        hasher.update(content)
        nulls += missing
        nbytes += len(content)
    return Chunk(hasher.digest(), nulls, nbytes)


def object_column(values: Values) -> Column:
    """Open an array of dtype object."""
    looked_at = values[:: max(1, len(values) // _LOOKED_AT)]
    if len(values) and all(isinstance(value, str) for value in looked_at):
        return ObjectColumn(values)
    return ObjectColumn(values, _infer(values, _ARROW))


def plain_column(values: Values) -> Column:
    """Open a list or tuple of scalars: here int is int64 and float is float64."""
    kind = plain_type(values)
    if kind == pa.int64():
        try:
            return ArrowColumn(pa.array(values, kind, from_pandas=True))
        except (OverflowError, pa.ArrowInvalid):
            kind = None
    return ObjectColumn(values, kind)


def plain_type(values: Values) -> Any:
    """The Arrow type of plain values, where int is int64 and float is float64, or None."""
    return _infer(values, _PLAIN)


def _infer(values: Values, known: dict[type, Any]) -> Any:
    """The Arrow type that holds every value, or None."""
    if isinstance(values, np.ndarray) and len(values) and _are_texts(values):
        return _TEXT
    kinds = _kinds_of(values)
    floats = {kind for kind in kinds if issubclass(kind, float)}
    if floats and (kinds - floats or float not in known):
        if not all(is_missing(value) for value in values if isinstance(value, float)):
            return None
        kinds -= floats
    if not kinds:
        return pa.null() if float not in known or not floats else pa.float64()
    return _common_type(values, kinds, known)


def _kinds_of(values: Values) -> set[type]:
    """The classes of the values, without those of missing ones."""
    kinds: set[type] = set()
    for start in range(0, len(values), CHUNK_ROWS):
        run = values[start : start + CHUNK_ROWS]
        kinds.update(map(type, run.tolist() if isinstance(run, np.ndarray) else run))
    return {kind for kind in kinds if kind.__name__ not in ("NoneType", "NAType", "NaTType")}


def _common_type(values: Values, kinds: set[type], known: dict[type, Any]) -> Any:
    found = {_TEXT if issubclass(kind, str) else known.get(kind) for kind in kinds}
    if len(found) == 1 and None not in found:
        kind = found.pop()
        return None if pa.types.is_time(kind) and _has_zones(values) else kind
    if any(kinds <= group for group in _INFERRED):
        return _infer_arrow(values)
    return None


def _has_zones(times: Values) -> bool:
    return any(getattr(value, "tzinfo", None) is not None for value in times)


def _are_texts(values: Values) -> bool:
    """Ask pandas, where it is loaded: it looks at every value in C."""
    pandas = sys.modules.get("pandas")
    return (
        pandas is not None
        and isinstance(values[0], str)
        and pandas.api.types.infer_dtype(values, skipna=True) == "string"
    )


def _infer_arrow(values: Values) -> Any:
    """The Arrow type of decimals, lists or dicts, if it can hold each of them unchanged."""
    found: Any = pa.null()
    kinds = []
    runs = range(0, len(values), CHUNK_ROWS)
    try:
        for start in runs:
            kinds.append(_convert(values, start).type)
            schemas = [pa.schema([("x", found)]), pa.schema([("x", kinds[-1])])]
            found = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
        if pa.types.is_decimal(found):
            return pa.decimal128(38, found.scale) if found.precision <= 38 else None
        type_name(found)
        for start, kind in zip(runs, kinds, strict=True):
            if kind != found:
                _convert(values, start, found)
    # Python's own errors are what Arrow passes on: a number too large, a surrogate.
    except (pa.ArrowException, NoCanonicalForm, OverflowError, TypeError, ValueError):
        return None
    return found


def _convert(values: Values, start: int, kind: Any = None) -> Any:
    """Convert one run to Arrow.

    :raises NoCanonicalForm: if Arrow would change what nested values hold.
    """
    run = values[start : start + CHUNK_ROWS]
    if kind is None and not is_uniform(run):
        raise NoCanonicalForm("its values have no type in common")
    return pa.array(run, kind, from_pandas=True)


def _to_arrow(values: Any, kind: Any) -> Any:
    try:
        return pa.array(values, kind, from_pandas=True)
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8; three bytes stand for it.
        encoded = [
            None if is_missing(value) else value.encode("utf-8", "surrogatepass")
            for value in values
        ]
        return pa.array(encoded, pa.large_binary())
