"""Numbers of bytes as people write and say them. No I/O."""

from __future__ import annotations

import re

__all__ = ["bytes_of", "size_told"]

_UNITS = {unit: 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}


def bytes_of(size: str) -> int:
    """How many bytes a text such as ``20 GB`` means.

    :raises ValueError: if it is none.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?B)\s*", size)
    if not found:
        raise ValueError(f"{size!r} is no size; write it as '20 GB'")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def size_told(size: int) -> str:
    """A number of bytes as people say it: ``1.5 GB``."""
    unit = next((u for u in reversed(_UNITS) if size >= _UNITS[u]), "B")
    return f"{size / _UNITS[unit]:.3g} {unit}"
