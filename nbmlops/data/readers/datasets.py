"""Hugging Face's datasets: the Arrow table underneath, in the order that the dataset shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datasets import Dataset, DatasetDict

from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.columns import NoCanonicalForm, Reading
from nbmlops.data.readers.arrow import read_table
from nbmlops.data.streams import Stream

__all__ = ["read"]


def read(obj: Any) -> Reading | Stream:
    """Open a dataset as a table of the columns that its format shows, splits as a mapping.

    A dataset that was shuffled, sorted or filtered is its whole table and a list of row numbers.
    """
    if isinstance(obj, DatasetDict):
        from nbmlops.data.readers import python

        return python.read(obj)
    if not isinstance(obj, Dataset):
        raise NoCanonicalForm(f"an {type(obj).__qualname__} can be read only once")
    table = obj.data.table.select(obj.format["columns"])
    if obj._indices is None:
        return read_table(table)
    return Stream(table.schema, _rows(table, obj._indices.column(0)))


def _rows(table: Any, numbers: Any) -> Iterator[Any]:
    for start in range(0, len(numbers), CHUNK_ROWS):
        chosen = numbers.slice(start, CHUNK_ROWS)
        yield from table.take(chosen).to_batches()
