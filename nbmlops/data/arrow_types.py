"""Arrow types, spelled as the canonical form does: containers of one content share a name."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from nbmlops.data.columns import NoCanonicalForm

__all__ = ["is_bytes", "is_list", "is_text", "is_view", "time_zone", "type_name"]

_UTC = frozenset(
    {"UTC", "UCT", "GMT", "GMT0", "Greenwich", "Universal", "Zulu", "Z"}
    | {"+00:00", "-00:00", "UTC+00:00"}
)
_SIMPLE = {
    pa.null(): "null",
    pa.bool_(): "bool",
    pa.float16(): "float16",
    pa.float32(): "float32",
    pa.float64(): "float64",
    pa.date32(): "date",
    pa.date64(): "date",
}


def type_name(kind: Any) -> str:  # noqa: PLR0911 - one return for each case
    """Spell one Arrow type.

    :raises NoCanonicalForm: for a type that nbmlops does not know.
    """
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if pa.types.is_integer(kind):
        return str(kind)
    if is_text(kind):
        return "string"
    if is_bytes(kind):
        return "binary"
    if pa.types.is_timestamp(kind):
        unit = "ms" if kind.unit == "s" else kind.unit
        return f"timestamp[{unit}, {time_zone(kind.tz)}]" if kind.tz else f"timestamp[{unit}]"
    if pa.types.is_duration(kind):
        return f"duration[{'ms' if kind.unit == 's' else kind.unit}]"
    if pa.types.is_time(kind):
        return "time"
    if pa.types.is_decimal(kind):
        width = "256" if pa.types.is_decimal256(kind) and kind.precision > 38 else ""
        return f"decimal{width}[{kind.scale}]"
    return _nested_name(kind)


def _nested_name(kind: Any) -> str:  # noqa: PLR0911 - one return for each case
    if pa.types.is_dictionary(kind):
        order = ", ordered" if kind.ordered else ""
        return f"category<{type_name(kind.value_type)}{order}>"
    if is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{type_name(kind.key_type)}, {type_name(kind.item_type)}>"
    if pa.types.is_struct(kind):
        inner = ", ".join(f"{json.dumps(f.name)}: {type_name(f.type)}" for f in kind)
        return f"struct<{inner}>"
    if pa.types.is_run_end_encoded(kind):
        return type_name(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _extension_name(kind)
    if pa.types.is_interval(kind):
        return "month_day_nano"
    raise NoCanonicalForm(f"Arrow type {kind} has no canonical form")


def _extension_name(kind: Any) -> str:
    storage = type_name(kind.storage_type)
    if kind.extension_name == "pandas.period":
        return f"period[{kind.freq}]"
    if kind.extension_name == "pandas.interval":
        return f"interval<{type_name(kind.subtype)}, {kind.closed}>"
    if kind.extension_name == "arrow.bool8":
        return "bool"
    if kind.extension_name == "arrow.fixed_shape_tensor":
        order = f", {kind.permutation}" if kind.permutation else ""
        return f"tensor<{type_name(kind.value_type)}, {kind.shape}{order}>"
    return storage


def is_text(kind: Any) -> bool:
    """Whether it is text, however stored."""
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_bytes(kind: Any) -> bool:
    """Whether it is bytes, however stored."""
    types = pa.types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def is_view(kind: Any) -> bool:
    """Whether it is text or bytes, stored as views."""
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def is_list(kind: Any) -> bool:
    """Whether it is a list of anything, however stored."""
    types = pa.types
    return bool(
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
        or types.is_list_view(kind)
        or types.is_large_list_view(kind)
    )


def time_zone(zone: Any) -> str:
    """Spell a time zone: every way to say UTC is ``UTC``."""
    try:
        text = zone if isinstance(zone, str) else pa.lib.tzinfo_to_string(zone)
    except ValueError:  # of a kind that Arrow does not know
        text = str(zone)
    return "UTC" if text.removeprefix("Etc/") in _UTC else text
