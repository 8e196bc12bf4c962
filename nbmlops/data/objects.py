"""The canonical form of Python values of mixed types: MessagePack, with one extension.

None, bool, int, float, str and bytes are MessagePack's own, in its shortest form; a missing value
(None, NaN, NA, NaT) is nil; list and tuple are arrays; a dict is a map, sorted by encoded key.
Anything else is extension 1 around the array [tag, content].
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import math
import sys
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import msgspec

from nbmlops.errors import FingerprintError

__all__ = ["NoCanonicalForm", "array_head", "encode_value", "encode_values", "is_missing"]


class NoCanonicalForm(Exception):
    """An object has a part that nbmlops does not know how to read; the message is the reason."""


_pack = msgspec.msgpack.Encoder().encode
_OWN = frozenset({type(None), bool, int, float, str, bytes})
_MAY_BE_MISSING = frozenset({type(None), float})
_MISSING = frozenset({"NAType", "NaTType"})
# The NumPy arrays whose elements are Python's own values.
_PLAIN_ROWS = frozenset({"bool", "int64", "float64", "object"})


def is_missing(value: Any) -> bool:
    """Tell None, NaN, pandas' NA and NaT from values."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in _MISSING


def array_head(length: int) -> bytes:
    """Spell what MessagePack puts before the members of an array."""
    if length < 16:
        return bytes([0x90 | length])
    if length < 2**16:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")


def encode_values(values: list[Any]) -> tuple[bytes, int]:
    """Encode a run of values as one array, and count those that are missing.

    :raises NoCanonicalForm: if one of them is of a type that nbmlops does not know.
    :raises FingerprintError: if one of them holds itself.
    """
    kinds = set(map(type, values))
    if kinds <= _OWN:
        if float in kinds:
            values = [None if value != value else value for value in values]  # noqa: PLR0124 - only NaN differs from itself
        try:
            packed = _pack(values)
        except (OverflowError, UnicodeEncodeError):  # a long int, a lone surrogate: the slow way
            pass
        else:
            return packed, values.count(None) if kinds & _MAY_BE_MISSING else 0
    return encode_value(values), sum(map(is_missing, values))


def encode_value(value: Any) -> bytes:
    """Encode one value, whatever it holds."""
    return _pack(_plain(value, []))


def _tagged(tag: str, content: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(1, _pack([tag, content]))


def _plain(value: Any, above: list[int]) -> Any:  # noqa: PLR0911 - one line for each type
    """Put `value` in terms that MessagePack has; `above` are the ids of what holds it."""
    kind = type(value)
    if kind is bool or kind is bytes:
        return value
    if is_missing(value):
        return None
    if isinstance(value, enum.Enum):
        return _tagged("enum", [kind.__qualname__, value.name])
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else _tagged("int", str(int(value)))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (list, tuple, set, frozenset, Mapping)):
        return _container(value, above)
    return _scalar(value, above)


def _text(value: str) -> Any:
    try:
        value.encode()
    except UnicodeEncodeError:
        return _tagged("surrogates", value.encode("utf-8", "surrogatepass"))
    return str(value)


def _container(value: Any, above: list[int]) -> Any:
    if id(value) in above:
        raise FingerprintError(
            f"A {type(value).__name__} holds itself, so its content has no end. "
            "Break the cycle, or leave it out."
        )
    if len(above) > 200:
        raise FingerprintError(f"A {type(value).__name__} is nested more than 200 deep.")
    above.append(id(value))
    try:
        if isinstance(value, Mapping):
            pairs = [(_pack(_plain(k, above)), _plain(v, above)) for k, v in value.items()]
            pairs.sort(key=lambda pair: pair[0])
            return _tagged("map", [[msgspec.Raw(k), v] for k, v in pairs])
        if isinstance(value, (set, frozenset)):
            packed = sorted(_pack(_plain(member, above)) for member in value)
            return _tagged("set", [msgspec.Raw(member) for member in packed])
        if isinstance(value, (list, tuple)):
            return [_plain(member, above) for member in value]
        return _array(value, above)
    except RecursionError:
        raise
    except RuntimeError as error:  # "changed size during iteration"
        raise FingerprintError(
            f"A {type(value).__name__} changed while it was read: {error}. Hash a copy of it."
        ) from error
    finally:
        above.pop()


def _scalar(value: Any, above: list[int]) -> Any:
    plain = _TAGS.get(type(value))
    if plain is not None:
        return _tagged(plain[0], plain[1](value))
    for kind, (tag, spell) in _TAGS.items():
        if isinstance(value, kind):
            return _tagged(tag, spell(value))
    if type(value).__module__.partition(".")[0] == "numpy":
        return _numpy(value, above)
    if type(value).__module__.startswith("pandas.") and type(value).__name__ in _PANDAS:
        return _tagged(type(value).__name__.lower(), _PANDAS[type(value).__name__](value, above))
    raise NoCanonicalForm(f"{_type_name(value)} has no canonical form")


def _numpy(value: Any, above: list[int]) -> Any:
    numpy = sys.modules["numpy"]
    if isinstance(value, numpy.ndarray):
        return _container(value, above)
    if isinstance(value, (numpy.datetime64, numpy.timedelta64)):
        if numpy.isnat(value):
            return None
        return _tagged(value.dtype.name, int(value.astype("int64")))
    if isinstance(value, numpy.generic) and not isinstance(value, numpy.void):
        item = value.item()
        if not isinstance(item, numpy.generic):
            return _plain(item, above)
    raise NoCanonicalForm(f"{_type_name(value)} has no canonical form")


def _array(value: Any, above: list[int]) -> Any:
    """A row of what Python has too is its list; any other array says its type and shape."""
    members = value.reshape(-1)
    members = _plain(members.tolist() if value.dtype.kind not in "mM" else list(members), above)
    if value.ndim == 1 and (value.dtype.name in _PLAIN_ROWS or value.dtype.kind in "US"):
        return members
    return _tagged("array", [value.dtype.name, list(value.shape), members])


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _zoned(value: datetime.datetime) -> list[Any]:
    zone = value.tzinfo
    return [value.isoformat(), None if zone is None else str(zone)]


def _time(value: datetime.time) -> Any:
    iso = value.isoformat()
    return iso if value.tzinfo is None else [iso, str(value.tzinfo)]


def _duration(value: datetime.timedelta) -> str:
    """Microseconds; pandas' durations may have three more digits."""
    whole = (value.days * 86_400 + value.seconds) * 10**6 + value.microseconds
    rest = getattr(value, "nanoseconds", 0)
    return f"{whole}.{rest:03}" if rest else str(whole)


_TAGS: dict[type, tuple[str, Any]] = {
    datetime.datetime: ("datetime", _zoned),
    datetime.date: ("date", datetime.date.isoformat),
    datetime.time: ("time", _time),
    datetime.timedelta: ("timedelta", _duration),
    decimal.Decimal: ("decimal", str),
    fractions.Fraction: ("fraction", str),
    uuid.UUID: ("uuid", str),
    complex: ("complex", lambda v: [v.real, v.imag]),
    PurePath: ("path", lambda v: v.as_posix()),
    range: ("range", lambda v: [v.start, v.stop, v.step]),
}

_PANDAS = {
    "Interval": lambda v, above: [_plain(v.left, above), _plain(v.right, above), v.closed],
    "Period": lambda v, above: [v.ordinal, v.freqstr],
}
