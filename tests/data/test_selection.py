"""Filters, samples and merges: which rows one table has and the other lacks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbmlops
from nbmlops.data import selection
from nbmlops.data.multiset import cells
from nbmlops.data.readers import open_object

ROWS = 300


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "number": rng.random(ROWS),
            "group": rng.integers(0, 4, ROWS),
            "text": [f"text {n % 90}" if n % 7 else None for n in range(ROWS)],
            "when": pd.date_range("2024", periods=ROWS, freq="h"),
        }
    )


def test_a_filter_is_told_from_changed_values() -> None:
    table = _table()
    kept = table[table.number < 0.8].reset_index(drop=True)
    diff = nbmlops.compare(table, kept)
    assert (diff.deleted, diff.reordered, diff.changed) == (ROWS - len(kept), False, ())
    assert str(diff) == f"{ROWS - len(kept)} rows taken out; no other changed."
    # The control: one value changed besides is no filter.
    kept.loc[5, "number"] += 1
    diff = nbmlops.compare(table, kept)
    assert diff.deleted is None
    assert "number" in diff.changed


def test_rows_put_in_between_are_counted() -> None:
    table = _table()
    more = pd.concat([table[:100], table[7:9], table[100:]], ignore_index=True)
    diff = nbmlops.compare(table, more)
    assert (diff.inserted, diff.reordered, diff.changed) == (2, False, ())
    assert str(diff) == "2 rows put in among the others, none of which changed."


def test_a_sample_stands_in_another_order() -> None:
    table = _table()
    diff = nbmlops.compare(table, table.sample(50, random_state=1).reset_index(drop=True))
    assert (diff.deleted, diff.reordered) == (ROWS - 50, True)
    assert str(diff) == f"{ROWS - 50} rows taken out; the others stand in another order."
    back = nbmlops.compare(table.sample(50, random_state=1).reset_index(drop=True), table)
    assert (back.inserted, back.reordered) == (ROWS - 50, True)


def test_a_row_that_is_there_once_cannot_be_taken_twice() -> None:
    table = _table()
    twice = pd.concat([table[5:6], table[5:6], table[10:20]], ignore_index=True)
    assert nbmlops.compare(table, twice).deleted is None


def test_columns_must_agree_on_the_rows() -> None:
    """Each column alone may be a filter of the other's: the rows are not, if they were mixed up."""
    old = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]})
    mixed = pd.DataFrame({"a": [1, 3, 4], "b": [1, 4, 3]})
    assert nbmlops.compare(old, mixed).deleted is None
    assert nbmlops.compare(old, pd.DataFrame({"a": [1, 3, 4], "b": [1, 3, 4]})).deleted == 1


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_any_filter_is_found(keep: list[bool]) -> None:
    old = pd.DataFrame({"x": range(len(keep)), "y": [str(n) for n in range(len(keep))]})
    new = old[keep].reset_index(drop=True)
    diff = nbmlops.compare(old, new)
    gone = keep.count(False)
    if gone and len(new):
        told = (diff.deleted or 0) + (diff.dropped or 0) + (diff.cut or 0)
        assert told == gone, str(diff)
        assert not diff.changed
    elif not gone:
        assert diff.identical


def test_data_too_large_to_be_looked_through_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    table = _table()
    kept = table[table.number < 0.8].reset_index(drop=True)
    monkeypatch.setattr(selection, "_MOST_VALUES", 100)
    diff = nbmlops.compare(table, kept)
    assert "was not looked for: the data is too large" in str(diff)
    assert set(diff.changed) == set(table)


def test_a_value_has_one_name_in_every_container() -> None:
    values = ["a", None, "", "ä" * 300, "a"]
    text = pa.array(values)
    held = [
        text,
        text.cast(pa.large_string()),
        text.cast(pa.string_view()),
        pa.chunked_array([text[:2], text[2:]]),
        pd.Series(values, dtype=object),
        pd.Series(values, dtype="str"),
        pl.Series(values),
    ]
    named = [cells(open_object(each).loose()[0][1], 0, 5) for each in held]
    assert all(each == named[0] for each in named)
    one_by_one = open_object(text).loose()[0][1]
    assert named[0] == [one_by_one.chunk(at, at + 1).digest for at in range(5)]
    odd = pd.Series(["a", "\ud800", None], dtype=object)
    column = open_object(odd).loose()[0][1]
    assert cells(column, 0, 3) == [column.chunk(at, at + 1).digest for at in range(3)]
