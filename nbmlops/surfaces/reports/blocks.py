"""The blocks that a section consists of, for a page and a PDF alike.

A block is ``{"kind": "pairs", "caption", "rows"}``, ``{"kind": "table", "caption", "head", "rows",
"numbers"}``, ``{"kind": "gap" | "text", "text"}`` or ``{"kind": "code", "caption", "text"}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from nbmlops.records import to_plain

__all__ = ["Block", "gap", "number", "pairs", "table", "text"]

Block = dict[str, Any]
_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?")


def number(value: Any) -> str:
    """A value in a cell: six digits of a number, thousands of a whole one, nothing for none."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(to_plain(value))


def pairs(rows: Iterable[tuple[str, str]], caption: str = "") -> Block:
    """Names and what they are."""
    return {"kind": "pairs", "caption": caption, "rows": [[str(a), str(b)] for a, b in rows]}


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Block:
    """A table with a head; `numbers` says of each column whether it stands to the right."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    columns = [[row[at] for row in cells if row[at]] for at in range(len(head))]
    numbers = [bool(column) and all(map(_NUMBER.fullmatch, column)) for column in columns]
    return {
        "kind": "table", "caption": caption, "head": list(head), "rows": cells, "numbers": numbers
    }  # fmt: skip


def text(told: str) -> Block:
    """A paragraph."""
    return {"kind": "text", "text": told}


def gap(told: str) -> Block:
    """What is not on record."""
    return {"kind": "gap", "text": told}
