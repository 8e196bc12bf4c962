"""What cannot be read is refused by name, or is unknown with a reason; nothing else breaks."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import dask.array
import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from nbmlops.data import compare, fingerprint
from nbmlops.errors import FingerprintError


class Stranger:
    """Nothing that nbmlops knows."""


def test_unknown_objects_say_why() -> None:
    for obj in (
        Stranger(),
        print,
        duckdb.connect(),
        3,
        None,
        {"model": Stranger()},
        pd.Series([Stranger()]),
    ):
        found = fingerprint(obj)
        assert (found.kind, found.digest) == ("unknown", "")
        assert found.reason
    with pytest.raises(FingerprintError, match="Stranger"):
        compare(Stranger(), pd.DataFrame())


def _cycle() -> Any:
    held: list[Any] = [1]
    held.append(held)
    return held


def _ring() -> Any:
    held: dict[str, Any] = {}
    held["me"] = held
    return held


def _shrinking() -> Any:
    class Shrinking(dict[str, Any]):
        def items(self) -> Any:
            for key in self:
                self[key + "'"] = 1
                yield key, 1

    return Shrinking(a=1)


@pytest.mark.parametrize("make_bad", [_cycle, _ring, _shrinking])
def test_what_cannot_be_read_names_itself(make_bad: Any) -> None:
    with pytest.raises(FingerprintError, match="Cannot fingerprint training data"):
        fingerprint(make_bad(), "training data")


def test_a_map_whose_file_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    np.zeros(100_000).tofile(path)
    mapped = np.memmap(path, "f8", mode="r")
    assert fingerprint(mapped).rows == 100_000
    os.truncate(path, 8)
    with pytest.raises(FingerprintError, match="shorter"):
        fingerprint(mapped)


def _nested(depth: int, kind: type) -> Any:
    held: Any = 1
    for _ in range(depth):
        held = [held] if kind is list else {"a": held}
    return held


def _alone() -> Any:
    held: list[Any] = []
    held.append(held)
    return held


def _array_of_itself() -> Any:
    held = np.empty(1, dtype=object)
    held[0] = held
    return held


NO_END = {
    "a list of itself alone": _alone,
    "a dict in a column": lambda: pd.Series([_ring()]),
    "a list in a column": lambda: pd.Series([_cycle(), [1]]),
    "an array of itself": _array_of_itself,
    "lists without a bottom": lambda: [_nested(100_000, list)],
    "dicts without a bottom": lambda: [_nested(100_000, dict)],
}


@pytest.mark.parametrize("what", NO_END)
def test_what_has_no_end_is_refused(what: str) -> None:
    """Followed in C, it would take the whole process down."""
    with pytest.raises(FingerprintError, match=r"holds itself|more than 200 deep"):
        fingerprint(NO_END[what]())
    for kind in (list, dict):
        assert fingerprint([_nested(150, kind)]).kind == "list"
    shared = [1]
    assert (
        fingerprint([[shared], [shared, shared]]).digest == fingerprint([[[1]], [[1], [1]]]).digest
    )


def test_what_can_be_read_once_is_left_alone() -> None:
    """And so is what never ends."""
    numbers = iter([1, 2])
    for obj in (numbers, itertools.count(), (n for n in numbers), {"a": numbers}):
        assert fingerprint(obj).kind == "unknown"
    assert list(numbers) == [1, 2]
    assert fingerprint([1, 2]).kind == "list"


class _OwnError(Exception):
    """Of no kind that a library is known to raise."""


def _fail(_: Any) -> Any:
    raise _OwnError("no such partition")


def test_what_an_engine_says_is_passed_on() -> None:
    """Whatever it raises is a FingerprintError that names the object."""
    text = pl.LazyFrame({"a": ["x", "1"]})
    frame = dd.from_pandas(pd.DataFrame({"a": [1, 2]}), npartitions=1)
    bad = {
        "polars": text.select(pl.col("a").cast(pl.Int64)),
        "dask": frame.map_partitions(_fail, meta={"a": "i8"}),
        "duckdb": duckdb.sql("select cast(x as int) from (values ('a')) t(x)"),
    }
    for library, obj in bad.items():
        with pytest.raises(FingerprintError, match=f"Cannot fingerprint a {library}"):
            fingerprint(obj)
    assert fingerprint(text).rows == 2
    assert fingerprint(frame).rows == 2


def test_a_library_s_other_objects_are_unknown() -> None:
    union = duckdb.sql("select union_value(a := 1) x")
    for obj in (dask.array.ones(3), union, pl.DataFrame({"a": pl.Series([1], dtype=pl.Int128)})):
        found = fingerprint(obj)
        assert (found.kind, found.digest) == ("unknown", "")
        assert found.reason


class _NoItems(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, at: int) -> Any:
        return [torch.ones(1), torch.ones(1)][at]


def test_a_dataset_that_ends_early_says_where() -> None:
    with pytest.raises(FingerprintError, match="reading item 2 of _NoItems failed"):
        fingerprint(_NoItems())
