"""Statistics are right whichever library holds the data, and name groups, never persons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nbmlops.data import fingerprint
from nbmlops.records import encode

FRAME = pd.DataFrame(
    {
        "n": [1, 2, 6] * 20,
        "x": [0.5, np.nan, 1.5] * 20,
        "when": pd.to_datetime(["2020-01-01", "2020-01-03", None] * 20).as_unit("us"),
        "flag": [True] * 45 + [False] * 15,
        "group": pd.Categorical(["a"] * 30 + ["b"] * 21 + ["one"] * 9),
        "mail": pd.Categorical(["ann@example.org"] * 60),
        "key": pd.Categorical(["sk0123456789abcdefgh"] * 60),
        "phone": pd.Categorical(["555 0123456"] * 60),
        "text": ["Ann Smith", "Bob Jones", None] * 20,
    }
)
WAYS: list[Callable[[pd.DataFrame], Any]] = [
    lambda frame: frame,
    pa.Table.from_pandas,
    pl.from_pandas,
    lambda frame: pl.from_pandas(frame).lazy(),
    lambda frame: frame.astype({"text": object}),
]


@pytest.mark.parametrize("way", WAYS)
def test_statistics_are_those_of_the_values(way: Callable[[pd.DataFrame], Any]) -> None:
    found = {column.name: column.summary for column in fingerprint(way(FRAME)).columns}
    assert found == {
        "n": {"min": 1, "max": 6, "mean": 3.0},
        "x": {"min": 0.5, "max": 1.5, "mean": 1.0},
        "when": {
            "min": "2020-01-01T00:00:00",
            "max": "2020-01-03T00:00:00",
            "mean": "2020-01-02T00:00:00",
        },
        "flag": {"mean": 0.75, "distinct": 2, "top": [["true", 45], ["false", 15]]},
        "group": {"distinct": 3, "top": [["a", 30], ["b", 21]]},
        "mail": {"distinct": 1},
        "key": {"distinct": 1},
        "phone": {"distinct": 1},
        "text": {"distinct": 2},
    }


@pytest.mark.parametrize("way", WAYS)
def test_no_value_of_a_text_or_of_a_small_group_goes_on_record(way: Any) -> None:
    told = encode(fingerprint(way(FRAME))).decode()
    for value in ("Ann", "Bob", "ann@", "sk0123", "555 ", '"one"'):
        assert value not in told
    assert '["a",30]' in told.replace(" ", "")


def test_many_categories_are_only_counted() -> None:
    values = [f"group {n}" for n in range(51)] * 10
    (column,) = fingerprint(pd.Series(pd.Categorical(values))).columns
    assert column.summary == {"distinct": 51}
    (column,) = fingerprint(pd.Series(pd.Categorical(values[:50] * 10))).columns
    assert len(column.summary["top"]) == 5  # type: ignore[arg-type] # a list of them


def test_a_sample_of_many_rows_says_that_it_is_one() -> None:
    """And it is fooled by no period in the data."""
    names = [f"p{n}" for n in range(8)]
    texts = names * 5_000
    for column in (pd.Series(texts), pd.Series(texts, dtype=object), pa.array(texts)):
        assert fingerprint(column).columns[0].summary == {"distinct": 8, "sampled": 4_096}
    pieces = pa.chunked_array([texts[:10_001], texts[10_001:]])
    assert fingerprint(pieces).columns[0].summary == {"distinct": 8, "sampled": 4_096}
    many = pd.Series(pd.Categorical(names * 50_000))
    found = fingerprint(many).columns[0].summary
    assert (found["distinct"], found["sampled"]) == (8, 65_536)
