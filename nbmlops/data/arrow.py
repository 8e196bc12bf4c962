"""Arrow arrays, hashed from their buffers: the meeting point of most data libraries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from nbmlops.data.arrow_types import is_bytes, is_list, is_text, is_view
from nbmlops.data.categories import renumber
from nbmlops.data.columns import Chunk
from nbmlops.data.numeric import NAT, Array, bitmap, hash_fixed, hash_values
from nbmlops.data.objects import encode_values
from nbmlops.errors import FingerprintError

__all__ = [
    "dictionary_codes",
    "hash_array",
    "hash_codes",
    "hash_struct",
    "join_codes",
    "number_and_digest",
]

_NULL_LENGTH = 0xFFFFFFFF


def number_and_digest(categories: Any) -> bytes:
    """Spell how many categories there are, and their digest."""
    return len(categories).to_bytes(8, "little") + hash_array(categories).digest


def hash_array(array: Any) -> Chunk:
    """Hash one Arrow array, whatever its offset, padding and the bytes under its nulls."""
    kind = array.type
    types = pa.types
    if types.is_floating(kind) or types.is_integer(kind):
        return _hash_number(array)
    if is_text(kind) or is_bytes(kind):
        return _hash_bytes(array)
    if types.is_boolean(kind):
        return _hash_bool(array)
    if types.is_temporal(kind) and not types.is_interval(kind):
        return _hash_time(array)
    if types.is_dictionary(kind):
        return _hash_category(array)
    return _hash_nested(array)


def _hash_inner(array: Any) -> Chunk:
    """Hash what lists or structs hold: there, the order of categories has no place but this."""
    found = hash_array(array)
    if pa.types.is_dictionary(array.type) and array.type.ordered:
        found.digest = blake3(found.digest + number_and_digest(array.dictionary)).digest()
    return found


def _missing(array: Any) -> Any:
    if not array.null_count:
        return None
    return array.is_null().to_numpy(zero_copy_only=False)


def _values(array: Any, dtype: Any) -> Any:
    """The values where they lie; what is under a null is arbitrary."""
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(len(array), dtype)
    size = np.dtype(dtype).itemsize
    return np.frombuffer(buffer, dtype, count=len(array), offset=array.offset * size)


def _hash_number(array: Any) -> Chunk:
    kind = array.type
    dtype = np.dtype(kind.to_pandas_dtype())
    sort = "float" if pa.types.is_floating(kind) else "integer"
    return hash_values(_values(array, dtype), sort, _missing(array))


def _hash_bool(array: Any) -> Chunk:
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return hash_values(np.zeros(len(array), bool), "bool", _missing(array))
    first, last = array.offset // 8, -(-(array.offset + len(array)) // 8)
    octets = np.frombuffer(buffer, "u1", count=last - first, offset=first)
    skip = array.offset - first * 8
    bits = np.unpackbits(octets, count=skip + len(array), bitorder="little")
    return hash_values(bits[skip:].view(bool), "bool", _missing(array))


def _hash_time(array: Any) -> Chunk:
    """Hash instants, dates, times of day (as nanoseconds) and durations as 64-bit counts."""
    kind = array.type
    types = pa.types
    if types.is_date32(kind):
        values = _values(array, "i4").astype("i8")
    elif types.is_date64(kind):
        values = _values(array, "i8") // 86_400_000
    elif types.is_time(kind):
        scale = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]
        values = _values(array, "i4" if types.is_time32(kind) else "i8").astype("i8") * scale
    else:
        values = _values(array, "i8")
        if kind.unit == "s":
            return hash_values(_with_nat(values, _missing(array)), "seconds")
    return _hash_counts(values, _missing(array))


def _hash_counts(values: Any, missing: Any) -> Chunk:
    return hash_values(_with_nat(values, missing), "time")


def _with_nat(values: Any, missing: Any) -> Any:
    if missing is not None:
        values = values.copy()
        values[missing] = NAT
    return values


def _hash_bytes(array: Any) -> Chunk:
    """Hash lengths (4 bytes each, all ones for null), then the bytes without a gap."""
    kind = array.type
    types = pa.types
    if types.is_fixed_size_binary(kind) or is_view(kind):
        array = array.cast(pa.large_binary())
    wide = types.is_large_string(array.type) or types.is_large_binary(array.type)
    rows = len(array)
    _, offsets_buffer, data = array.buffers()
    if not rows:
        return Chunk(blake3(b"").digest(), 0, 0)
    dtype = np.dtype("i8") if wide else np.dtype("i4")
    offsets = np.frombuffer(
        offsets_buffer, dtype, count=rows + 1, offset=array.offset * dtype.itemsize
    )
    nulls = array.null_count
    lengths = np.empty(rows, "u4")
    if wide and int(offsets[-1]) - int(offsets[0]) >= _NULL_LENGTH:
        spans = np.diff(offsets)
        if spans.max() >= _NULL_LENGTH:
            raise FingerprintError("A text or bytes value is 4 GiB long or longer.")
    np.subtract(offsets[1:], offsets[:-1], out=lengths, casting="unsafe")
    start, stop = int(offsets[0]), int(offsets[-1])
    if nulls:
        missing = _missing(array)
        if lengths[missing].any():  # Arrow allows bytes under a null
            return _hash_bytes(pc.if_else(array.is_valid(), array, pa.scalar(None, array.type)))
        lengths[missing] = _NULL_LENGTH
    hasher = blake3(lengths.view("u1").data)
    if stop > start:
        hasher.update(memoryview(data)[start:stop])
    return Chunk(hasher.digest(), nulls, lengths.nbytes + stop - start)


def _hash_category(array: Any) -> Chunk:
    return hash_codes(dictionary_codes(array), array.dictionary)


def dictionary_codes(array: Any) -> Array:
    """A dictionary array's codes, -1 where it is null."""
    codes: Array = _values(array.indices, np.dtype(array.indices.type.to_pandas_dtype()))
    missing = _missing(array.indices)
    if missing is None:
        return codes if codes.dtype.kind == "i" else codes.astype("i8")
    signed: Array = codes.astype("i8")
    signed[missing] = -1
    return signed


def hash_codes(codes: Array, dictionary: Any, unique: bool = False) -> Chunk:
    """Hash codes renumbered by first appearance (4 bytes, -1 for null), then the values they name.

    So neither the dictionary's order nor its unused or repeated values matter; a `unique` one is
    known to have no null and nothing twice.
    """
    numbers, order = renumber(codes, len(dictionary))
    if is_view(dictionary.type):
        dictionary = dictionary.cast(pa.large_binary())
    values = dictionary.take(pa.array(order))
    if not unique and (values.null_count or _repeats(values)):
        whole = pa.DictionaryArray.from_arrays(pa.array(numbers, mask=numbers < 0), values)
        return _hash_category(whole.dictionary_decode().dictionary_encode())
    return join_codes(numbers, hash_array(values))


def join_codes(numbers: Array, used: Chunk) -> Chunk:
    """Hash renumbered codes together with the values that they name."""
    digest = blake3(numbers.view("u1").data)
    digest.update(used.digest)
    nulls = int(np.count_nonzero(numbers < 0))
    return Chunk(digest.digest(), nulls, numbers.nbytes + used.nbytes)


def _repeats(values: Any) -> bool:
    if pa.types.is_nested(values.type) or isinstance(values.type, pa.BaseExtensionType):
        return False  # only pandas has such categories, and it keeps them unique
    return bool(pc.count_distinct(values, mode="all").as_py() != len(values))


def _hash_nested(array: Any) -> Chunk:  # noqa: PLR0911 - one return for each case
    kind = array.type
    types = pa.types
    if types.is_null(kind):
        return Chunk(blake3(b"").digest(), len(array), 0)
    if types.is_decimal(kind):
        return _hash_decimal(array)
    if types.is_map(kind) or is_list(kind):
        return _hash_list(array)
    if types.is_struct(kind):
        return hash_struct(len(array), _missing(array), array.flatten())
    if types.is_run_end_encoded(kind):
        return hash_array(pc.run_end_decode(array))
    if isinstance(kind, pa.BaseExtensionType):
        if kind.extension_name == "arrow.bool8":
            return hash_array(array.storage.cast(pa.bool_()))
        if kind.extension_name == "pandas.period":
            return _hash_counts(_values(array.storage, "i8"), _missing(array.storage))
        return hash_array(array.storage)
    if types.is_interval(kind):
        return hash_fixed(_values(array, "V16"), _missing(array), statistics=False)
    content, _ = encode_values(array.to_pylist())
    return Chunk(blake3(content).digest(), array.null_count, len(content))


def _hash_decimal(array: Any) -> Chunk:
    kind = array.type
    if kind.precision <= 38 and not pa.types.is_decimal128(kind):
        array = array.cast(pa.decimal128(38, kind.scale))
    size = 16 if pa.types.is_decimal128(array.type) else 32
    return hash_fixed(_values(array, f"V{size}"), _missing(array), statistics=False)


def _hash_list(array: Any) -> Chunk:
    """Hash lengths (4 bytes each, all ones for null), then the digest of the values end to end."""
    if pa.types.is_map(array.type):
        kind = array.type
        entry = pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)])
        array = array.cast(pa.list_(entry))
    lengths = pc.list_value_length(array).cast(pa.int64()).fill_null(_NULL_LENGTH)
    numbers = lengths.to_numpy(zero_copy_only=False).astype("u4")
    inner = _hash_inner(array.flatten())
    digest = blake3(numbers.view("u1").data)
    digest.update(inner.digest)
    return Chunk(digest.digest(), array.null_count, numbers.nbytes + inner.nbytes)


def hash_struct(rows: int, missing: Any, fields: list[Any]) -> Chunk:
    """Hash the digests of the fields (null where the struct is), then a bitmap if it has nulls."""
    parts = [_hash_inner(field) for field in fields]
    tail = b"" if missing is None else bitmap(~missing)
    nulls = 0 if missing is None else int(np.count_nonzero(missing))
    digest = blake3(b"".join(part.digest for part in parts) + tail).digest()
    return Chunk(digest, nulls, sum(part.nbytes for part in parts) + len(tail))
