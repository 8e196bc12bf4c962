"""NumPy arrays of any dtype, shape and layout: their elements in C order, and their shape."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pyarrow as pa
from blake3 import blake3

from nbmlops.data.arrow import hash_array
from nbmlops.data.columns import Chunk, Column, Entry, NoCanonicalForm, Reading
from nbmlops.data.numeric import NumericColumn, hash_values, numpy_type
from nbmlops.data.object_columns import hash_objects, object_column
from nbmlops.errors import FingerprintError

__all__ = ["array_column", "elements", "read"]

Array = np.ndarray[Any, Any]


def read(array: Any) -> Reading:
    """Open an array; a NumPy scalar is a 0-d array."""
    if not isinstance(array, np.ndarray):
        if not isinstance(array, np.generic):
            raise NoCanonicalForm(f"numpy's {type(array).__qualname__} is not an array")
        array = np.asarray(array)
    check_mapped(array)
    return Reading("array", array.shape, [Entry("", array_column(array))])


def array_column(array: Array) -> Column:
    """Open an array's elements, in C order, as one column."""
    missing = None
    if isinstance(array, np.ma.MaskedArray):
        missing = np.ma.getmaskarray(array).reshape(-1) if array.mask is not np.ma.nomask else None
        array = array.data
    array = np.asarray(array)
    if array.dtype.kind == "O":
        array = array.reshape(-1)
        return object_column(array if missing is None else _without(array, missing))
    known = numpy_type(array.dtype)
    if known is not None and (array.ndim == 1 or array.flags.c_contiguous):
        return NumericColumn(array.reshape(-1), *known, missing)
    return _ElementsColumn(array, missing)


def elements(array: Array, start: int, stop: int) -> Array:
    """Copy or view elements `start` to `stop` in C order, touching little more than those."""
    if array.ndim == 1:
        return array[start:stop]
    if array.ndim == 0:
        return array.reshape(1)[start:stop]
    inner = array[0].size if len(array) else 0
    if not inner:
        return array.reshape(-1)
    first, last = start // inner, -(-stop // inner)
    begin = first * inner
    if last - first == 1:
        return elements(array[first], start - begin, stop - begin)
    return np.ascontiguousarray(array[first:last]).reshape(-1)[start - begin : stop - begin]


def check_mapped(array: Array) -> None:
    """Refuse a memory map whose file has become too short: reading it would kill the process."""
    base: Any = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    if base is None or base.filename is None:
        return
    try:
        size = os.stat(base.filename).st_size
    except FileNotFoundError:
        return  # unlinked, and still mapped
    if size < base.offset + base.nbytes:
        raise FingerprintError(
            f"{base.filename} is shorter than the array mapped from it. Open it again."
        )


class _ElementsColumn:
    """Elements that do not lie in C order, or are text, bytes or records."""

    __slots__ = ("array", "extra", "missing", "rows", "sort", "type", "width")

    def __init__(self, array: Array, missing: Array | None) -> None:
        self.array = array
        self.missing = missing
        self.rows = array.size
        self.width = float(array.dtype.itemsize)
        self.extra = b""
        self.type, self.sort = _element_type(array.dtype)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash elements `start` to `stop`."""
        missing = None if self.missing is None else self.missing[start:stop]
        return _hash_elements(elements(self.array, start, stop), self.sort, missing)


def _element_type(dtype: np.dtype[Any]) -> tuple[str, str]:  # noqa: PLR0911 - one for each kind
    known = numpy_type(dtype)
    if known is not None:
        return known
    if dtype.kind in "UT":
        return "string", "text"
    if dtype.kind == "S":
        return "binary", "text"
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return f"{_element_type(base)[0]}{list(shape)}", "records"
    if dtype.names is not None:
        fields = (f"{name!r}: {_element_type(dtype[name])[0]}" for name in dtype.names)
        return f"record<{', '.join(fields)}>", "records"
    if dtype.kind == "V":
        return f"void[{dtype.itemsize}]", "opaque"
    if dtype.kind in "fc":
        return f"longdouble[{dtype.kind}{dtype.itemsize}]", "longdouble"
    if dtype.kind == "O":
        return "object", "object"
    raise NoCanonicalForm(f"NumPy dtype {dtype} has no canonical form")


def _hash_elements(values: Array, sort: str, missing: Array | None) -> Chunk:
    if sort == "text":
        kind = pa.large_binary() if values.dtype.kind == "S" else pa.large_string()
        return hash_array(_text_array(values, kind, missing))
    if sort == "records":
        return _hash_records(values, missing)
    if sort == "object":  # as objects whatever they are, for a record's type does not say
        return hash_objects((values if missing is None else _without(values, missing)).tolist())
    if sort == "longdouble":
        return _hash_long_doubles(values, missing)
    return hash_values(values, sort, missing)


def _text_array(values: Array, kind: Any, missing: Array | None) -> Any:
    listed = values.tolist()
    if missing is not None:
        listed = [None if gone else value for value, gone in zip(listed, missing, strict=True)]
    try:
        return pa.array(listed, kind, from_pandas=True)
    except UnicodeEncodeError:
        encoded = [None if v is None else v.encode("utf-8", "surrogatepass") for v in listed]
        return pa.array(encoded, pa.large_binary())


def _without(values: Array, missing: Array) -> Array:
    values = values.copy()
    values[missing] = None
    return values


def _hash_records(values: Array, missing: Array | None) -> Chunk:
    """Hash the digests of the fields; a field of arrays is hashed as their elements, end to end."""
    parts = []
    for name in values.dtype.names or ():
        inner = values[name].reshape(-1)
        gone = None if missing is None else missing[name].reshape(-1)
        parts.append(_hash_elements(inner, _element_type(inner.dtype)[1], gone))
    digest = blake3(b"".join(part.digest for part in parts)).digest()
    return Chunk(digest, 0, sum(part.nbytes for part in parts))


def _hash_long_doubles(values: Array, missing: Array | None) -> Chunk:
    """Hash extended floats without their padding, which is arbitrary."""
    values = values.astype(values.dtype.newbyteorder("="))
    if missing is not None:
        values[missing] = complex(np.nan, np.nan) if values.dtype.kind == "c" else np.nan
    real = np.ascontiguousarray(values).view(np.longdouble)
    real = np.where(np.isnan(real), np.longdouble(np.nan), real)
    used = (np.finfo(np.longdouble).nmant + 1 + np.finfo(np.longdouble).nexp + 1 + 7) // 8
    octets = real.view("u1").reshape(-1, real.dtype.itemsize)[:, :used]
    content = np.ascontiguousarray(octets).tobytes()
    return Chunk(blake3(content).digest(), int(np.count_nonzero(np.isnan(real))), len(content))
