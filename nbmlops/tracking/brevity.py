"""Any value as a scalar that a record can hold: bounded, with a digest of what was cut."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

from nbmlops.records import Scalar, digest_bytes
from nbmlops.tracking.redaction import hide_in_text

__all__ = ["as_scalar", "brief", "plain_number", "shortened", "spelled"]

_LONGEST = 2000  # characters that a record keeps of one value
_READ = 2_000_000  # characters of a value's own text that are read
_ITEMS = 20
_HASHED = 64 << 20  # bytes of an array up to which its digest is taken
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # differs from run to run, and says nothing
_PLAIN = (bool, int, float, str, bytes)


def as_scalar(value: Any) -> Scalar:
    """`value` as JSON holds it, without credentials: a number, a truth value, None, or a text."""
    scalar = spelled(value)
    return shortened(hide_in_text(scalar)[0]) if isinstance(scalar, str) else scalar


def spelled(value: Any) -> Scalar:
    """`value` as JSON holds it, its text as long as it is."""
    kind = type(value)
    if value is None or kind is bool:
        return value  # type: ignore[no-any-return] # its type was just asked
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        number = int.__int__(value)
        return number if abs(number) < 2**53 else _digits(number)
    if issubclass(kind, float):
        real = float.__float__(value)
        return real if math.isfinite(real) else str(real)
    number = plain_number(value)
    return brief(value) if number is value else spelled(number)


def plain_number(value: Any) -> Any:
    """A single number of NumPy's, as a table of settings holds them, as Python's; else `value`."""
    kind = type(value)
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        number = value.item()
        return value if type(number) is kind else number
    return value


def shortened(text: str, longest: int = _LONGEST) -> str:
    """`text`, or its beginning with its length and digest where it is longer than `longest`."""
    if len(text) <= longest:
        return text
    digest = digest_bytes(text.encode("utf-8", "surrogatepass"))[:16]
    told = f"… ({len(text):,} characters, blake3 {digest})"
    return text[: longest - len(told)] + told


def brief(value: Any, depth: int = 3) -> str:
    """A text for any value, made without calling code of the value's own where possible."""
    kind = type(value)
    try:
        return _brief(value, kind, depth)[:_READ]
    except Exception:  # noqa: BLE001 - a user's own attributes and __repr__ may raise anything; the class names the value
        return f"{kind.__name__}()"


def _brief(value: Any, kind: type, depth: int) -> str:  # noqa: PLR0911 - one line a kind of value
    if kind is int:
        return _digits(value)
    if value is None or kind in _PLAIN:
        return repr(value)
    if depth == 0:
        return f"{kind.__name__}(…)"
    if kind in (list, tuple, set, frozenset):
        items = [brief(item, depth - 1) for item in list(value)[:_ITEMS]]
        more = f", … ({len(value):,} items)" if len(value) > _ITEMS else ""
        left, right = ("[", "]") if kind is list else ("(", ")") if kind is tuple else ("{", "}")
        comma = "," if kind is tuple and len(value) == 1 else ""
        return f"{left}{', '.join(items)}{comma}{more}{right}"
    if kind is dict:
        items = [f"{brief(k, 1)}: {brief(v, depth - 1)}" for k, v in list(value.items())[:_ITEMS]]
        more = f", … ({len(value):,} items)" if len(value) > _ITEMS else ""
        return f"{{{', '.join(items)}{more}}}"
    if issubclass(kind, type) or inspect.isroutine(value):
        return f"{value.__module__}.{getattr(value, '__qualname__', kind.__name__)}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and hasattr(value, "dtype"):
        # The text of an array of any library would be its first values.
        dtype = str(value.dtype).rpartition(".")[2]
        return f"{kind.__name__}{tuple(shape)} {dtype}{_content(value, kind)}"
    if type(shape) is tuple:
        return f"{kind.__name__}{shape}{_content(value, kind)}"
    if hasattr(kind, "get_params"):
        return f"{kind.__name__}()"
    frozen = getattr(value, "dist", None)
    if frozen is not None and kind.__module__.startswith("scipy.stats"):
        given = [brief(item, depth - 1) for item in (*value.args, *value.kwds.values())]
        return f"{frozen.name}({', '.join(given)})"
    if getattr(kind, "__repr__", None) is object.__repr__:
        return f"{kind.__name__}()"
    return _ADDRESS.sub("", repr(value))


def _content(value: Any, kind: type) -> str:
    """The beginning of an array's digest: its shape alone does not tell two of them apart."""
    if kind.__module__ != "numpy" or value.dtype.hasobject or value.nbytes > _HASHED:
        return ""
    return f" blake3 {digest_bytes(value.tobytes())[:16]}"


def _digits(number: int) -> str:
    """Python refuses to write out a number of thousands of digits."""
    return str(number) if number.bit_length() < 4000 else hex(number)
