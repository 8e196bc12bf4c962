"""Columns that Arrow holds, in one array or in chunks."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from nbmlops.data.arrow import dictionary_codes, hash_array, number_and_digest
from nbmlops.data.arrow_types import is_text, type_name
from nbmlops.data.columns import Chunk
from nbmlops.data.sketches import arrow_texts, categories
from nbmlops.records.data import Summary

__all__ = ["ArrowColumn"]


class ArrowColumn:
    """An Arrow array or chunked array, however cut."""

    __slots__ = ("array", "extra", "rows", "type", "width")

    def __init__(self, array: Any) -> None:
        if isinstance(array, pa.ChunkedArray) and array.num_chunks == 1:
            array = array.chunk(0)
        self.array = array
        self.type = type_name(array.type)
        self.rows = len(array)
        self.width = array.nbytes / self.rows if self.rows else 0.0
        self.extra = _ordered_categories(array)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Hash rows `start` to `stop`."""
        run = self.array.slice(start, stop - start)
        return hash_array(_joined(run) if isinstance(run, pa.ChunkedArray) else run)

    def sketch(self) -> Summary:
        """Count distinct texts in a sample, or categories."""
        kind = self.array.type
        if pa.types.is_dictionary(kind):
            first = self.array.chunk(0) if isinstance(self.array, pa.ChunkedArray) else self.array
            told = categories(dictionary_codes(first), first.dictionary)
            return told if len(first) == self.rows else {"sampled": len(first)} | told
        if not is_text(kind):
            return {}
        return arrow_texts(self.array)


def _joined(run: Any) -> Any:
    if run.num_chunks == 1:
        return run.chunk(0)
    joined = run.unify_dictionaries().combine_chunks()
    if not isinstance(joined, pa.ChunkedArray):
        return joined
    return joined.chunk(0) if joined.num_chunks else pa.array([], type=joined.type)


def _ordered_categories(array: Any) -> bytes:
    """Hash the categories of an ordered category, whose order is content; else nothing."""
    if not (pa.types.is_dictionary(array.type) and array.type.ordered):
        return b""
    if isinstance(array, pa.ChunkedArray):
        unified = array.unify_dictionaries()
        if not unified.num_chunks:
            return number_and_digest(pa.array([], type=array.type.value_type))
        array = unified.chunk(0)
    return number_and_digest(array.dictionary)
