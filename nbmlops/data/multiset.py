"""The order-free digest: equal for the same rows in any order, on any engine.

A cell is named by the digest of a run of that one row; a row by BLAKE3 of its cells' digests,
stretched to 512 bytes and read as 64 numbers of 8 bytes; the rows by the sums of those numbers,
modulo 2**64 each. So wide a sum resists rows made up to cancel each other (Bellare and Micciancio,
"A new paradigm for collision-free hashing", 1997; Wagner, "A generalized birthday problem", 2002).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from blake3 import blake3

from nbmlops.data.arrow_column import ArrowColumn
from nbmlops.data.arrow_types import is_bytes, is_text
from nbmlops.data.canonical import CHUNK_ROWS, column_digest, entry, root_digest
from nbmlops.data.columns import Column, Entry, NoCanonicalForm, label_bytes, label_text
from nbmlops.data.numeric import NumericColumn
from nbmlops.data.object_columns import ObjectColumn
from nbmlops.records.data import ColumnFingerprint, Fingerprint

__all__ = ["Multiset", "cells", "sum_rows", "unordered_entries"]

_LANES = 64
_RUN = 4096


class Multiset(msgspec.Struct):
    """Rows, summed: a partition's share, small enough to travel, and added to others' shares.

    `total` holds 512 bytes, `sums` 32 bytes for each column; `names` are the labels' bytes.
    """

    names: list[bytes] = []
    labels: list[str] = []
    types: list[str] = []
    extras: list[bytes] = []
    rows: int = 0
    nbytes: int = 0
    nulls: list[int] = []
    sums: list[bytes] = []
    total: bytes = bytes(8 * _LANES)

    @classmethod
    def of(cls, entries: Sequence[Entry], rows: int) -> Multiset:
        """Sum rows that are in hand."""
        found = cls(
            names=[label_bytes(each.label) for each in entries],
            labels=[label_text(each.label) for each in entries],
            types=[each.column.type for each in entries],
            extras=[each.column.extra for each in entries],
            rows=rows,
        )
        sums = np.zeros((len(entries), 4), "u8")
        total = np.zeros(_LANES, "u8")
        for start in range(0, rows, _RUN):
            stop = min(start + _RUN, rows)
            table = [cells(each.column, start, stop) for each in entries]
            for at, column in enumerate(table):
                sums[at] += _lanes(column, 4)
            named = zip(*table, strict=True) if table else [()] * (stop - start)
            total += _sum_named(named)
        found.sums = [row.tobytes() for row in sums]
        found.total = total.tobytes()
        for each in entries:
            runs = range(0, rows, CHUNK_ROWS)
            chunks = [each.column.chunk(at, min(at + CHUNK_ROWS, rows)) for at in runs]
            found.nulls.append(sum(chunk.nulls for chunk in chunks))
            found.nbytes += sum(chunk.nbytes for chunk in chunks)
        return found

    @classmethod
    def of_batch(cls, batch: Any) -> Multiset:
        """Sum an Arrow record batch or table."""
        names = batch.schema.names
        entries = [Entry(name, ArrowColumn(batch.column(at))) for at, name in enumerate(names)]
        return cls.of(entries, batch.num_rows)

    def plus(self, other: Multiset) -> Multiset:
        """Add another partition's share.

        :raises NoCanonicalForm: if its columns are not the same.
        """
        if not other.rows or (not self.rows and not self.names):
            return self if self.names else other
        if not self.rows:
            return other
        if (self.names, self.extras) != (other.names, other.extras):
            raise NoCanonicalForm("its partitions have different columns")
        return Multiset(
            names=self.names,
            labels=self.labels,
            types=[_one(*pair) for pair in zip(self.types, other.types, strict=True)],
            extras=self.extras,
            rows=self.rows + other.rows,
            nbytes=self.nbytes + other.nbytes,
            nulls=[a + b for a, b in zip(self.nulls, other.nulls, strict=True)],
            sums=[_add(a, b) for a, b in zip(self.sums, other.sums, strict=True)],
            total=_add(self.total, other.total),
        )

    def column_digests(self) -> list[bytes]:
        """Name each column's values whatever their order."""
        named = zip(self.types, self.sums, self.extras, strict=True)
        return [column_digest(kind, self.rows, total, extra) for kind, total, extra in named]

    def digest(self) -> str:
        """Name the rows whatever their order."""
        entries = [*map(entry, self.names, self.column_digests()), entry(b"", self.total)]
        return root_digest("rows", (self.rows,), entries)

    def fingerprint(self, name: str | None) -> Fingerprint:
        """Put rows that have no order on record."""
        columns = zip(self.labels, self.types, self.column_digests(), self.nulls, strict=True)
        digest = self.digest()
        return Fingerprint(
            kind="rows",
            digest=digest,
            multiset_digest=digest,
            rows=self.rows,
            nbytes=self.nbytes,
            name=name,
            columns=tuple(
                ColumnFingerprint(name=label, type=kind, digest=of.hex(), nulls=nulls)
                for label, kind, of, nulls in columns
            ),
        )


def unordered_entries(entries: Sequence[Entry]) -> list[Entry]:
    """What is content without an order: the columns, and the index levels that have a name."""
    return [each for each in entries if not each.index or each.label is not None]


def cells(column: Column, start: int, stop: int) -> list[bytes]:
    """Name each of the rows `start` to `stop`: 32 bytes each."""
    if isinstance(column, NumericColumn) and column.sort in ("integer", "time", "float", "bool"):
        return _numeric_cells(column, start, stop)
    run = _arrow_run(column, start, stop)
    if run is None:
        return [column.chunk(at, at + 1).digest for at in range(start, stop)]
    if is_text(run.type) or is_bytes(run.type):
        return _text_cells(run)
    encoded = run.dictionary_encode(null_encoding="encode")
    values = ArrowColumn(encoded.dictionary)
    named = [values.chunk(at, at + 1).digest for at in range(values.rows)]
    return [named[at] for at in encoded.indices.to_pylist()]


def _arrow_run(column: Column, start: int, stop: int) -> Any:
    """Rows as one Arrow array of a type whose values can be named one by one, or None."""
    if isinstance(column, ObjectColumn) and column.type == "string":
        return column.arrow(start, stop)
    if not isinstance(column, ArrowColumn):
        return None
    kind = column.array.type
    types = pa.types
    if not (
        is_text(kind)
        or types.is_integer(kind)
        or types.is_boolean(kind)
        or types.is_timestamp(kind)
    ):
        return None
    run = column.array.slice(start, stop - start)
    if isinstance(run, pa.ChunkedArray):
        run = run.combine_chunks()
        if isinstance(run, pa.ChunkedArray):
            run = run.chunk(0) if run.num_chunks else pa.array([], run.type)
    return run


def _text_cells(run: Any) -> list[bytes]:
    """Name texts as a run of one is: by the length in 4 bytes, all ones for null, and the bytes."""
    spelled = run.cast(pa.large_binary()).to_pylist()
    absent = blake3(b"\xff" * 4).digest()
    return [
        absent if value is None else blake3(len(value).to_bytes(4, "little") + value).digest()
        for value in spelled
    ]


def _numeric_cells(column: NumericColumn, start: int, stop: int) -> list[bytes]:
    run = NumericColumn(column.values[start:stop], column.type, column.sort)
    if column.missing is not None or run.values.dtype.byteorder == ">":
        return [column.chunk(at, at + 1).digest for at in range(start, stop)]
    values = np.ascontiguousarray(run.values)
    if column.sort == "float":
        values = np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
    octets = values.view(f"V{values.dtype.itemsize}").tolist()
    return [blake3(value).digest() for value in octets]


def sum_rows(columns: Sequence[Column], start: int, stop: int) -> Any:
    """Sum the rows `start` to `stop` of some columns: 64 numbers, modulo 2**64."""
    total = np.zeros(_LANES, "u8")
    for at in range(start, stop, _RUN):
        named = [cells(column, at, min(at + _RUN, stop)) for column in columns]
        total += _sum_named(zip(*named, strict=True))
    return total


def _sum_named(rows: Iterable[Sequence[bytes]]) -> Any:
    wide = [blake3(b"".join(row)).digest(length=8 * _LANES) for row in rows]
    return _lanes(wide, _LANES)


def _lanes(digests: list[bytes], lanes: int) -> Any:
    return np.frombuffer(b"".join(digests), "u8").reshape(-1, lanes).sum(axis=0, dtype="u8")


def _add(left: bytes, right: bytes) -> bytes:
    return bytes((np.frombuffer(left, "u8") + np.frombuffer(right, "u8")).tobytes())


def _one(left: str, right: str) -> str:
    if right in (left, "null"):
        return left
    if left == "null":
        return right
    raise NoCanonicalForm(f"a column is {left} in one partition and {right} in another")
