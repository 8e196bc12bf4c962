"""Any single mutation of a column of any type changes its digest, and compare names the column."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.data import compare, fingerprint

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "float64": st.floats(allow_nan=False),
    "float32": st.floats(allow_nan=False, width=32),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint8": st.integers(0, 255),
    "Int16": st.none() | st.integers(-(2**15), 2**15 - 1),
    "bool": st.booleans(),
    "boolean": st.none() | st.booleans(),
    "str": st.none() | texts,
    "category": st.sampled_from(["a", "b", "c", None]),
    "datetime64[us]": st.none() | st.datetimes(datetime.datetime(1800, 1, 1)),
    "timedelta64[us]": st.none() | st.timedeltas(datetime.timedelta(-9), datetime.timedelta(9)),
    "object": st.one_of(st.none(), st.integers(), texts, st.binary(max_size=3), st.booleans()),
    "decimals": st.decimals(-9, 9, places=2).map(lambda d: d + decimal.Decimal("0.00")),
    "lists": st.lists(st.integers(0, 9), max_size=3),
}


def column(kind: str, values: list[Any]) -> pd.Series:
    plain = kind in ("decimals", "lists")
    return pd.Series(values, dtype=object if plain else kind, name="x")


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, list[Any], list[Any]]:
    """Values of one type, and the same with one of them replaced."""
    kind = draw(st.sampled_from(sorted(SCALARS)))
    old = draw(st.lists(SCALARS[kind], min_size=1, max_size=8))
    at = draw(st.integers(0, len(old) - 1))
    before = _spelled(old[at])
    value = draw(SCALARS[kind].filter(lambda value: _spelled(value) != before))
    return kind, old, [*old[:at], value, *old[at + 1 :]]


def _spelled(value: Any) -> tuple[str, str]:
    """0.0 and -0.0, True and 1 are equal, and not the same."""
    return type(value).__name__, repr(value)


@given(mutations())
def test_one_mutation_shows_whatever_the_type(made: tuple[str, list[Any], list[Any]]) -> None:
    kind, old, new = made
    frames = [
        pd.DataFrame({"a": range(len(old)), "x": column(kind, values), "z": 1.5})
        for values in (old, new)
    ]
    digests = [fingerprint(frame).digest for frame in frames]
    assert digests[0] != digests[1]
    diff = compare(*frames)
    assert {*diff.changed, *(name for name, _, _ in diff.retyped)} == {"x"}
    diff = compare(*map(fingerprint, frames))
    assert {*diff.changed, *(name for name, _, _ in diff.retyped)} == {"x"}
    assert compare(frames[0], frames[0].copy(deep=True)).identical


@given(mutations(), st.integers(1, 4))
def test_rows_before_and_after_are_told_apart(
    made: tuple[str, list[Any], list[Any]], more: int
) -> None:
    """Whatever is appended or dropped, the row counts add up and no other column is blamed."""
    kind, old, new = made
    rows = len(old) + more
    whole = pd.DataFrame({"n": range(rows), "x": column(kind, (old + new * more)[:rows])})
    part = whole[: len(old)].reset_index(drop=True)
    assert compare(part, whole).appended == more
    assert compare(whole, part).cut == more
    tail = whole[more:].reset_index(drop=True)
    assert compare(whole, tail).dropped == more


@given(st.lists(st.sampled_from("abc"), min_size=3, max_size=3), st.booleans())
def test_names_and_duplicates_of_names_matter(names: list[str], index: bool) -> None:
    frame = pd.DataFrame([[1, 2, 3]], columns=names)
    other = frame.set_axis([*names[:2], names[2] + "!"], axis=1)
    assert fingerprint(frame).digest != fingerprint(other).digest
    assert compare(frame, other).renamed == ((names[2], names[2] + "!"),)
    if index:
        named = frame.rename_axis("k")
        assert fingerprint(frame).digest != fingerprint(named).digest


def test_categories_of_many_types_are_categories() -> None:
    mixed = [
        pd.Series(pd.Categorical([1, "a", None], categories=of)) for of in ([1, "a"], ["a", 1])
    ]
    assert fingerprint(mixed[0]).columns[0].type == "category<object>"
    assert fingerprint(mixed[0]).digest == fingerprint(mixed[1]).digest
    ordered = [series.cat.as_ordered() for series in mixed]
    assert len({fingerprint(series).digest for series in [mixed[0], *ordered]}) == 3
    assert fingerprint(pd.Series(pd.Categorical(["1", "a", None]))).digest != (
        fingerprint(mixed[0]).digest
    )
    assert np.array_equal(mixed[0].isna(), [False, False, True])
