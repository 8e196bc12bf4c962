"""The blocks that a section consists of, for a page and a PDF alike.

A block is ``{"kind": "pairs", "rows"}``, ``{"kind": "table", "caption", "head", "rows"}``,
``{"kind": "gap" | "text", "text"}`` or ``{"kind": "code", "caption", "text"}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nbmlops.records import to_plain

__all__ = ["Block", "gap", "number", "pairs", "table", "text"]

Block = dict[str, Any]


def number(value: Any) -> str:
    """A value in a cell: six digits of a number, nothing for none."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(to_plain(value))


def pairs(rows: Iterable[tuple[str, str]]) -> Block:
    """Names and what they are."""
    return {"kind": "pairs", "rows": [[str(a), str(b)] for a, b in rows]}


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Block:
    """A table with a head."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    return {"kind": "table", "caption": caption, "head": list(head), "rows": cells}


def text(told: str) -> Block:
    """A paragraph."""
    return {"kind": "text", "text": told}


def gap(told: str) -> Block:
    """What is not on record."""
    return {"kind": "gap", "text": told}
