"""The canonical form ``nb1``: how chunk digests become one name. docs/fingerprints.md tells it all.

Every number is little-endian. ``field(b)`` is the length of b as 8 bytes, then b.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from blake3 import blake3

__all__ = [
    "CHUNK_ROWS",
    "column_digest",
    "column_head",
    "entry",
    "field",
    "number",
    "root_digest",
]

CHUNK_ROWS = 65_536


def number(value: int) -> bytes:
    """Spell a count in 8 bytes."""
    return value.to_bytes(8, "little")


def field(data: bytes) -> bytes:
    """Spell `data` so that it cannot run into what follows."""
    return len(data).to_bytes(8, "little") + data


def column_digest(type_name: str, rows: int, chunks: bytes, extra: bytes = b"") -> bytes:
    """Name a column by type, row count, the categories' order (`extra`) and its chunk digests."""
    return blake3(column_head(type_name, rows, extra) + chunks).digest()


@lru_cache(maxsize=256)
def column_head(type_name: str, rows: int, extra: bytes = b"") -> bytes:
    """Spell what stands before a column's chunk digests; in a wide frame, thousands share it."""
    return b"nb1 column" + field(type_name.encode()) + number(rows) + field(extra)


def entry(label: bytes, digest: bytes) -> bytes:
    """Spell one of an object's parts."""
    return len(label).to_bytes(8, "little") + label + digest


def root_digest(kind: str, extent: tuple[int, ...], entries: Iterable[bytes]) -> str:
    """Name an object by kind, extent (rows or shape) and its entries, in order."""
    head = b"nb1 " + kind.encode() + field(b"".join(map(number, extent)))
    return blake3(head + b"".join(entries)).hexdigest()
