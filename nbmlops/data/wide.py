"""Tables of tens of thousands of columns, where opening each would cost more than hashing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import Block, Column, Entry, Reading
from nbmlops.data.numeric import Array, numpy_type
from nbmlops.data.recording import SUMMARIZED_COLUMNS

__all__ = ["Apart", "Gathering", "LazyEntries", "WideReading", "in_a_row", "is_wide"]


def is_wide(columns: int, rows: int) -> bool:
    """Whether its columns are so many, and so short, that they are hashed many at a time."""
    return columns > SUMMARIZED_COLUMNS and 0 < rows <= CHUNK_ROWS


def in_a_row(places: list[int]) -> Sequence[int]:
    """As a range, if each place follows the one before it."""
    run = range(places[0], places[0] + len(places)) if places else range(0)
    return run if places == list(run) else places


class Apart(Sequence[Array]):
    """Rows of one length and dtype that lie apart; those that are taken are laid side by side."""

    def __init__(self, rows: list[Array]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: Any) -> Any:
        return np.stack(self._rows[at]) if isinstance(at, slice) else self._rows[at]


class Gathering:
    """Short columns that lie apart, gathered into blocks by their type."""

    def __init__(self) -> None:
        self._found: dict[Any, tuple[list[Array], list[int]]] = {}

    def add(self, at: int, values: Array) -> bool:
        """Take the column at place `at` in, if a block of its dtype can be made."""
        if values.dtype not in self._found:
            if numpy_type(values.dtype) is None or not values.dtype.isnative:
                return False
            self._found[values.dtype] = ([], [])
        rows, places = self._found[values.dtype]
        rows.append(values)
        places.append(at)
        return True

    def blocks(self) -> list[Block]:
        """A block for each dtype."""
        found = []
        for dtype, (rows, places) in self._found.items():
            kind, sort = numpy_type(dtype) or ("", "")
            found.append(Block(Apart(rows), kind, sort, in_a_row(places)))
        return found


class _Opened(Protocol):
    def entry(self, at: int) -> Entry: ...

    def __len__(self) -> int: ...


class LazyEntries(Sequence[Entry]):
    """A reading's entries, each made when it is asked for."""

    def __init__(self, reading: _Opened) -> None:
        self._reading = reading

    def __len__(self) -> int:
        return len(self._reading)

    def __getitem__(self, at: Any) -> Any:
        places = range(len(self))[at]
        if isinstance(places, range):
            return [self._reading.entry(place) for place in places]
        return self._reading.entry(places)


class WideReading(Reading):
    """A wide table of a library's own `columns`: `opened` opens one of them.

    `plain` hands one over as the array that its values lie in, or None.
    """

    def __init__(
        self,
        labels: Sequence[Any],
        rows: int,
        columns: Sequence[Any],
        opened: Callable[[Any], Column],
        plain: Callable[[Any], Array | None],
    ) -> None:
        super().__init__("table", (rows,), LazyEntries(self))
        self._labels = labels
        self._columns = columns
        self._opened = opened
        gathering = Gathering()
        loose: Iterable[int] = [
            at
            for at, column in enumerate(columns)
            if (values := plain(column)) is None or not gathering.add(at, values)
        ]
        self._loose = [(at, opened(columns[at])) for at in loose]
        self._blocks = gathering.blocks()

    @property
    def levels(self) -> int:
        """None of its columns is a level of an index."""
        return 0

    def labels(self) -> list[Any]:
        """Each column's label."""
        return list(self._labels)

    def loose(self) -> list[tuple[int, Column]]:
        """The columns that lie in no block, with their places."""
        return self._loose

    def blocks(self) -> list[Block]:
        """The columns that are hashed many at a time."""
        return self._blocks

    def entry(self, at: int) -> Entry:
        """The entry at one place."""
        return Entry(self._labels[at], self._opened(self._columns[at]))

    def __len__(self) -> int:
        return len(self._columns)
