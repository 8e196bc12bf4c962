"""Python's values keep what tells them apart, wherever they stand: no two contents share a digest."""

from __future__ import annotations

import datetime
import decimal
from datetime import UTC
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from nbmlops.data import fingerprint

NOON = datetime.time(12)
DAY = datetime.datetime(2020, 1, 1)
PARIS, ROME = (DAY.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=h))) for h in (1, 2))


def objects(*values: Any) -> pd.Series:
    held = np.empty(len(values), dtype=object)
    held[:] = values
    return pd.Series(held, dtype=object)


def grouped(*values: Any) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes([0], pd.Index(objects(*values), dtype=object)))


DIFFERENT = {
    "nanoseconds of durations": [
        objects(pd.Timedelta(nanos, "ns"), "a") for nanos in (1, 2, 1_000, -1)
    ],
    "NumPy's instants, durations and units": [
        objects(np.datetime64(1, "D"), "a"),
        objects(np.timedelta64(1, "D"), "a"),
        objects(np.datetime64(1, "2D"), "a"),
        objects(np.datetime64(1, "s"), "a"),
    ],
    "types and shapes of arrays": [
        objects(np.zeros((2, 2), "i1"), 1),
        objects(np.zeros((2, 2), "i8"), 1),
        objects(np.zeros((1, 4), "i8"), 1),
        objects(np.zeros((0, 3)), 1),
        objects(np.zeros((0, 5)), 1),
        objects(np.zeros(2, "f4"), 1),
        objects(np.zeros(2, "f8"), 1),
    ],
    "images": [objects(np.zeros((2, 2), kind), np.ones((2, 2), kind)) for kind in ("u1", "f4")],
    "times of day with a zone": [
        objects(NOON),
        objects(NOON.replace(tzinfo=UTC)),
        objects(NOON.replace(tzinfo=PARIS.tzinfo)),
    ],
    "text and bytes in lists": [
        objects(["a"], ["b"]),
        objects(["a"], [b"b"]),
        objects([b"a"], [b"b"]),
        objects([b"a"], ["b"]),
    ],
    "text and bytes in dicts": [
        objects({"k": "a"}, {"k": "b"}),
        objects({"k": "a"}, {"k": b"b"}),
        objects({"k": b"a"}, {"k": b"b"}),
        objects({b"k": "a"}, {b"k": "b"}),
    ],
    "zones in lists": [
        objects([DAY], [DAY]),
        objects([DAY], [PARIS]),
        objects([PARIS], [PARIS]),
        objects([ROME], [PARIS]),
        objects([DAY.date()], [DAY]),
    ],
    "nanoseconds in lists": [objects([pd.Timestamp(nanos)]) for nanos in (1, 2)],
    "numbers in lists": [
        objects([True], [1]),
        objects([1], [1]),
        objects([2**53 + 1], [1.5]),
        objects([2**53], [1.5]),
        objects([2**63], [1]),
        objects([2**64], [1]),
    ],
    "surrogates in lists and dicts": [
        objects(["\ud800"]),
        objects(["\ud801"]),
        objects({"\ud800": 1}),
        objects({"\ud801": 1}),
    ],
    "masks in lists": [
        objects(np.ma.MaskedArray([1, 2], [True, False]), 1),
        objects(np.ma.MaskedArray([1, 2], [False, False]), 1),
    ],
    "categories of several types": [
        grouped("b", b"a"),
        grouped(b"b", b"a"),
        grouped("b", "a"),
        grouped(1, 2.5),
        grouped(1.0, 2.5),
        grouped(2**70, 1),
        grouped(NOON),
        grouped(NOON.replace(tzinfo=UTC)),
    ],
    "objects in records": [
        np.array([(value,)], [("x", "O")]) for value in ("a", b"a", 1, 1.0, None)
    ],
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_no_two_contents_share_a_digest(what: str) -> None:
    digests = [fingerprint(obj).digest for obj in DIFFERENT[what]]
    assert "" not in digests
    assert len(set(digests)) == len(digests)


SAME = {
    "nested values, as Arrow holds them": [
        objects({"a": [1, None], "b": {"c": "x"}}, None),
        pa.array([{"a": [1, None], "b": {"c": "x"}}, None]),
        pl.Series([{"a": [1, None], "b": {"c": "x"}}, None]),
    ],
    "rows of NumPy's and of Python's": [
        objects([1.0, 2.0], [0.5]),
        objects(np.array([1.0, 2.0]), np.array([0.5])),
        objects((1.0, np.float64(2)), [0.5]),
        pa.array([[1.0, 2.0], [0.5]]),
    ],
    "rows beside other values": [objects(np.array([1, 2]), "a"), objects([1, 2], "a")],
    "whole numbers among floats": [objects([1, 0.5]), pa.array([[1.0, 0.5]])],
    "a key that a dict lacks, and null": [
        objects({"a": 1}, {"a": 1, "b": 2}),
        pa.array([{"a": 1, "b": None}, {"a": 1, "b": 2}]),
    ],
    "decimals": [
        objects([decimal.Decimal("1.5")], [decimal.Decimal("1.50")]),
        pa.array([[decimal.Decimal("1.50")]] * 2),
    ],
    "lists of numbers, Python's and NumPy's": [
        [1.0, 2.0],
        [np.float64(1), 2.0],
        list(np.array([1.0, 2.0])),
    ],
    "whole numbers, Python's and NumPy's": [[1, 2], [np.int64(1), 2], list(np.arange(1, 3))],
    "a range and its numbers": [range(3, -4, -2), [3, 1, -1, -3]],
    "a range out of 64 bits": [range(2**63, 2**63 + 2), [2**63, 2**63 + 1]],
    "labels that are text": [
        pd.DataFrame({"a": [1]}),
        pd.DataFrame([[1]], columns=pd.Index([np.str_("a")], dtype=object)),
    ],
    "sparse and dense objects": [
        pd.Series(pd.arrays.SparseArray(np.array(["a", None], dtype=object))),
        pd.Series(["a", None], dtype=object),
    ],
}


@pytest.mark.parametrize("what", SAME)
def test_one_content_has_one_digest(what: str) -> None:
    digests = {fingerprint(obj).digest for obj in SAME[what]}
    assert len(digests) == 1
    assert digests != {""}


def test_a_list_of_series_or_tensors_is_a_sequence() -> None:
    """One of NumPy's rows is a column of lists, as any list of lists."""
    import torch

    of = [
        [pd.Series([1, 2]), pd.Series([3])],
        [pl.Series([1]), pl.Series([2])],
        [pa.array([1]), pa.array([2])],
        [torch.ones(2), torch.ones(3)],
    ]
    for held in of:
        found = fingerprint(held)
        assert (found.kind, found.rows) == ("sequence", 2)
        assert fingerprint(held[::-1]).digest != found.digest
    assert fingerprint([np.ones(2), np.ones(3)]).kind == "list"
    assert fingerprint([pd.Timestamp("2020"), pd.Timestamp("2021")]).kind == "list"
