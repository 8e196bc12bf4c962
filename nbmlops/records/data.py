"""Nouns of the data room: which data was it, and what changed since?"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from nbmlops.records.codec import Record

Summary = dict[str, bool | int | float | str | list[list[str | int]] | None]


class ColumnFingerprint(Record, frozen=True, kw_only=True, gc=False):
    """One column's content and cheap statistics.

    `digest` is 64 hex characters and covers type, row count and every value, not the name. `chunks`
    is base64 of the 32-byte digests of its runs of 65,536 rows, in order; it is empty where there
    is but one run. `index` marks a level of a pandas index.
    """

    name: str
    type: str
    digest: str
    nulls: int = 0
    summary: Summary = {}
    chunks: str = ""
    index: bool = False

    def chunk_digests(self) -> tuple[bytes, ...]:
        """The digests of this column's runs of 65,536 rows, 32 bytes each."""
        packed = b64decode(self.chunks)
        return tuple(packed[at : at + 32] for at in range(0, len(packed), 32))


class Fingerprint(Record, frozen=True, kw_only=True):
    """The full content of a data object, by name: equal content, equal `digest`.

    `kind` says what it was (``table``, ``column``, ``array``, ``file`` ...); an object that nbmlops
    cannot read has kind ``unknown``, no digest, and the `reason`. `shape` is an array's, and `rows`
    its first axis. `nbytes` counts the bytes of content that were hashed. `multiset_digest` names
    the rows whatever their order; it is computed where the engine has no row order (kind ``rows``)
    or where it was asked for.
    """

    format: str = "nb1"
    kind: str
    digest: str = ""
    rows: int | None = None
    nbytes: int = 0
    columns: tuple[ColumnFingerprint, ...] = ()
    name: str | None = None
    reason: str | None = None
    shape: tuple[int, ...] | None = None
    multiset_digest: str | None = None

    @property
    def extent(self) -> tuple[int, ...]:
        """An array's shape, a table's rows and columns, else the rows; empty where it has none."""
        if self.shape is not None:
            return self.shape
        if self.rows is None:
            return ()
        columns = sum(not column.index for column in self.columns)
        return (self.rows, columns) if columns and self.kind in ("table", "rows") else (self.rows,)

    def __str__(self) -> str:
        size = " × ".join(f"{length:,}" for length in self.extent)
        named = f"{self.name}: " if self.name else ""
        told = f"{named}{self.kind}{size and ' '}{size}"
        return f"{told}, {self.digest[:16]}" if self.digest else f"{told}, {self.reason}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from nbmlops.records.data_html import fingerprint_html

        return fingerprint_html(self)


class DataDiff(Record, frozen=True, kw_only=True):
    """What changed between two data objects; ``str()`` tells it in one paragraph.

    `renamed` holds (old name, new name), `retyped` (name, old type, new type). `changed_rows` are
    half-open ranges of rows that hold every change, exact where both were in hand, else to the
    grain of 65,536; `changed_values` counts by column where both were in hand. `appended` counts
    rows added at the end, `cut` rows gone from there, `dropped` rows gone from the front;
    `deleted` and `inserted` rows gone from or come in among the others. `reordered` says: the same
    rows, or those left, in another order; `moved`: the same columns in another order.
    `notes` say what could not be told, and why.
    """

    identical: bool
    old: str
    new: str
    old_rows: int | None = None
    new_rows: int | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    changed: tuple[str, ...] = ()
    changed_rows: tuple[tuple[int, int], ...] = ()
    changed_values: dict[str, int] = {}
    moved: bool = False
    appended: int | None = None
    cut: int | None = None
    dropped: int | None = None
    deleted: int | None = None
    inserted: int | None = None
    reordered: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(self.sentences())

    def sentences(self) -> list[str]:
        """Tell the difference, a sentence each: rows first, then columns, then values."""
        if self.identical:
            return [f"{_start(self.new)} is exactly the same as {self.old}."]
        told = [*self._rows(), *self._columns(), *self._values(), *self.notes]
        return told or [f"{_start(self.new)} differs from {self.old}."]

    def _rows(self) -> list[str]:
        told = []
        if self.deleted:
            rest = "the others stand in another order" if self.reordered else "no other changed"
            told.append(f"{_count(self.deleted, 'row')} taken out; {rest}.")
        elif self.inserted:
            rest = "in another order than they were" if self.reordered else "none of which changed"
            told.append(f"{_count(self.inserted, 'row')} put in among the others, {rest}.")
        elif self.reordered:
            told.append("The rows are the same, in another order.")
        if self.dropped:
            told.append(f"{_count(self.dropped, 'row')} dropped from the front.")
        if self.cut:
            told.append(f"{_count(self.cut, 'row')} dropped from the end.")
        if self.appended:
            told.append(f"{_count(self.appended, 'row')} appended at the end.")
        old, new = self.old_rows, self.new_rows
        if not told and old is not None and new is not None and old != new:
            told.append(f"{old:,} rows became {new:,}.")
        return told

    def _columns(self) -> list[str]:
        told = []
        if self.added:
            told.append(f"Added: {_names(self.added)}.")
        if self.removed:
            told.append(f"Removed: {_names(self.removed)}.")
        if self.renamed:
            told.append("Renamed: " + _listed([f"{a} to {b}" for a, b in self.renamed]) + ".")
        if self.retyped:
            each = [f"{name or 'the values'} from {a} to {b}" for name, a, b in self.retyped]
            told.append("Retyped: " + _listed(each) + ".")
        if self.moved:
            told.append("The columns stand in another order.")
        return told

    def _values(self) -> list[str]:
        if not self.changed:
            return []
        unnamed = "the index" if len(self.changed) > 1 else "the values"
        each = [
            f"{name or unnamed} ({_count(self.changed_values[name], 'value')})"
            if name in self.changed_values
            else name or unnamed
            for name in self.changed
        ]
        where = ""
        if self.changed_rows:
            first, last = self.changed_rows[0][0], self.changed_rows[-1][1] - 1
            where = f", in row {first:,}" if first == last else f", in rows {first:,} to {last:,}"
        return [f"Changed: {_listed(each)}{where}."]

    def _repr_html_(self) -> str:
        from nbmlops.records.data_html import diff_html

        return diff_html(self)

    def told(self) -> list[tuple[str, str]]:
        """The sentences, each under what it is about."""
        if self.identical:
            return [("", "Exactly the same data.")]
        about = [
            ("rows", self._rows()),
            ("columns", self._columns()),
            ("values", self._values()),
            ("note", list(self.notes)),
        ]
        told = [(what, line) for what, lines in about for line in lines]
        return told or [("", "The data differs.")]


_SHOWN = 8


def _start(text: str) -> str:
    return text[:1].upper() + text[1:] if text.startswith("the ") else text


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _names(names: tuple[str, ...]) -> str:
    return _listed([name or "one without a name" for name in names])


def _listed(each: list[str]) -> str:
    more = len(each) - _SHOWN
    return ", ".join(each[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
