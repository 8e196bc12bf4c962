"""What a reader hands over: labelled columns that can hash any run of their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from nbmlops.data.objects import NoCanonicalForm, encode_value

__all__ = [
    "Block",
    "Chunk",
    "Column",
    "Entry",
    "NoCanonicalForm",
    "Reading",
    "label_bytes",
    "label_text",
]


class Chunk(msgspec.Struct, gc=False):
    """A run of rows, hashed: 32-byte digest, nulls, bytes of content, and running statistics."""

    digest: bytes
    nulls: int
    nbytes: int
    low: Any = None
    high: Any = None
    total: Any = None


class Column(Protocol):
    """Rows of one type, each run of which can be hashed on its own, from any thread.

    `width` estimates the bytes in a row; `extra` is hashed with the type.
    """

    @property
    def type(self) -> str: ...

    @property
    def rows(self) -> int: ...

    @property
    def width(self) -> float: ...

    @property
    def extra(self) -> bytes: ...

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`, at most 65,536 of them."""
        ...


class Entry(msgspec.Struct, gc=False):
    """A column under its label: any hashable scalar that pandas allows."""

    label: Any
    column: Column
    index: bool = False


@dataclass(slots=True)
class Block:
    """Columns of one run each, of one NumPy dtype, that are hashed as they lie.

    They are the rows of `values`: an array, or what gives an array of those that are taken.
    `places` say where they stand among the entries.
    """

    values: Any
    type: str
    sort: str
    places: Sequence[int]

    @property
    def nbytes(self) -> int:
        """How many bytes all columns take."""
        return len(self.values) * int(self.values[0].nbytes)

    def column(self, row: int) -> Column:
        """One of its columns, alone."""
        from nbmlops.data.numeric import NumericColumn

        return NumericColumn(self.values[row], self.type, self.sort)


@dataclass
class Reading:
    """An object, opened: its kind, its extent (rows, or an array's shape) and its columns.

    `changed` tells, once it was read, what shows that it is not what it was when it was opened.
    """

    kind: str
    extent: tuple[int, ...]
    entries: Sequence[Entry] = field(default_factory=list)
    changed: Callable[[], str | None] | None = None

    @property
    def rows(self) -> int:
        """The length of the first axis; a 0-d array has one row."""
        return self.extent[0] if self.extent else 1

    @property
    def levels(self) -> int:
        """How many of the first entries are levels of an index."""
        return sum([entry.index for entry in self.entries])

    def labels(self) -> list[Any]:
        """Each column's label."""
        return [entry.label for entry in self.entries]

    def loose(self) -> list[tuple[int, Column]]:
        """The columns that lie in no block, with their places."""
        return [(at, entry.column) for at, entry in enumerate(self.entries)]

    def blocks(self) -> Sequence[Block]:
        """The columns that lie side by side."""
        return ()


def label_bytes(label: Any, index: bool = False) -> bytes:
    """Spell a label so that 0, ``"0"`` and an index level called ``"0"`` stay three things."""
    mark = b"i" if index else b"c"
    if isinstance(label, str):
        return mark + b"s" + str.encode(label, "utf-8", "surrogatepass")
    return mark + b"o" + encode_value(label)


def label_text(label: Any) -> str:
    """Show a label to a person; what UTF-8 cannot hold is escaped."""
    if type(label) is str and label.isascii():
        return label
    text = label if isinstance(label, str) else "" if label is None else str(label)
    return text.encode("utf-8", "backslashreplace").decode()
