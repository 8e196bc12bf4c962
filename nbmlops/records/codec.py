"""One codec for disk, wire and digest: JSON with sorted keys, in UTF-8.

The same record always encodes to the same bytes, so ``digest`` can name it by content.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from blake3 import blake3

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="sorted")


class Record(msgspec.Struct, frozen=True):
    """What every noun is: a frozen value that encodes, decodes and compares by content."""


def encode(value: Any) -> bytes:
    """Encode a record, or plain data that holds records, to canonical JSON bytes.

    Half a surrogate pair, which UTF-8 cannot hold, is written as its escape.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_escaped(msgspec.to_builtins(value)))


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_escaped(k): _escaped(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    return value


def decode(data: bytes | str, kind: type[T]) -> T:
    """Decode JSON into `kind`.

    :raises msgspec.ValidationError: if the data does not have the shape of `kind`.
    :raises msgspec.DecodeError: if the data is not JSON.
    """
    return msgspec.json.decode(data, type=kind)


def to_plain(value: Any) -> Any:
    """Turn a record into dicts, lists and scalars, ready for any JSON writer."""
    return msgspec.to_builtins(value)


def digest(value: Any) -> str:
    """Name a record by its content: BLAKE3-256 of its canonical JSON, as 64 hex characters."""
    return digest_bytes(encode(value))


def digest_bytes(data: bytes) -> str:
    """BLAKE3-256 of `data`, as 64 hex characters."""
    return blake3(data).hexdigest()


def new_id(noun: str) -> str:
    """Mint an id that says what it names, such as ``run-3f9c0a1b2c4d``."""
    return f"{noun}-{secrets.token_hex(6)}"


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)
