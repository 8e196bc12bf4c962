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

from nbmlops.data.arrow import ArrowColumn, hash_array
from nbmlops.data.arrow_types import type_name
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Chunk, Column, NoCanonicalForm
from nbmlops.data.objects import array_head, encode_values, is_missing
from nbmlops.data.sketches import TEXT_SAMPLE, places, texts
from nbmlops.data.texts import hash_texts, pieces
from nbmlops.records.data import Summary

__all__ = ["ObjectColumn", "hash_objects", "object_column", "plain_column"]

# A NumPy array of objects, or a list or tuple.
Values = Any

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
_PLAIN = {**_ARROW, int: pa.int64(), float: pa.float64()}
_INFERRED = (frozenset({decimal.Decimal}), frozenset({list, tuple, np.ndarray}), frozenset({dict}))


class ObjectColumn:
    """Python objects, converted to Arrow run by run, or encoded one by one (`kind` is None)."""

    __slots__ = ("extra", "kind", "rows", "type", "values", "width")

    # Reading Python objects takes the interpreter's lock, whichever thread does it.
    holds_lock = True

    def __init__(self, values: Values, kind: Any) -> None:
        self.values = values
        self.kind = kind
        self.type = "object" if kind is None else type_name(kind)
        self.rows = len(values)
        self.width = 32.0
        self.extra = b""

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        values = self.values[start:stop]
        listed: list[Any] = values.tolist() if isinstance(values, np.ndarray) else list(values)
        if self.kind is None:
            return hash_objects(listed)
        if self.kind == _ARROW[str]:
            return hash_texts(listed) or hash_array(_to_arrow(listed, self.kind))
        return hash_array(_to_arrow(values, self.kind))

    def sketch(self) -> Summary:
        """Count distinct texts in a sample."""
        if self.kind != _ARROW[str]:
            return {}
        chosen = places(self.rows, TEXT_SAMPLE)
        sample = self.values if chosen is None else [self.values[at] for at in chosen.tolist()]
        distinct = len({value for value in sample if isinstance(value, str)})
        return texts(distinct, len(sample), self.rows)


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
    return ObjectColumn(values, _infer(values, _ARROW))


def plain_column(values: Values) -> Column:
    """Open a list or tuple of scalars: here int is int64 and float is float64."""
    kind = _infer(values, _PLAIN)
    if kind == pa.int64():
        try:
            return ArrowColumn(pa.array(values, kind, from_pandas=True))
        except (OverflowError, pa.ArrowInvalid):
            kind = None
    return ObjectColumn(values, kind)


def _infer(values: Values, known: dict[type, Any]) -> Any:
    """The Arrow type that holds every value, or None."""
    if isinstance(values, np.ndarray) and len(values) and _are_texts(values):
        return _ARROW[str]
    kinds: set[type] = set()
    for start in range(0, len(values), CHUNK_ROWS):
        run = values[start : start + CHUNK_ROWS]
        kinds.update(map(type, run.tolist() if isinstance(run, np.ndarray) else run))
    missing = {kind for kind in kinds if kind.__name__ in ("NoneType", "NAType", "NaTType")}
    kinds -= missing
    floats = {kind for kind in kinds if issubclass(kind, float)}
    if floats and (kinds - floats or float not in known):
        if not all(is_missing(value) for value in values if isinstance(value, float)):
            return None
        kinds -= floats
    if not kinds:
        return pa.null() if float not in known or not floats else pa.float64()
    found = {_ARROW[str] if issubclass(kind, str) else known.get(kind) for kind in kinds}
    if len(found) == 1 and None not in found:
        return found.pop()
    if any(kinds <= group for group in _INFERRED):
        return _infer_arrow(values)
    return None


def _are_texts(values: Values) -> bool:
    """Ask pandas, where it is loaded: it looks at every value in C."""
    pandas = sys.modules.get("pandas")
    return (
        pandas is not None
        and isinstance(values[0], str)
        and pandas.api.types.infer_dtype(values, skipna=True) == "string"
    )


def _infer_arrow(values: Values) -> Any:
    found: Any = pa.null()
    try:
        for start in range(0, len(values), CHUNK_ROWS):
            kind = pa.infer_type(list(values[start : start + CHUNK_ROWS]), from_pandas=True)
            schemas = [pa.schema([("x", found)]), pa.schema([("x", kind)])]
            found = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
        type_name(found)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, NoCanonicalForm):
        return None
    if pa.types.is_decimal(found):
        return pa.decimal128(38, found.scale) if found.precision <= 38 else None
    return found


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
