"""Data that changes under the hash is refused by name, and data that stands is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nbmlops.data import fingerprint
from nbmlops.errors import FingerprintError

ROWS = 1_200_000


def _values(frame: pd.DataFrame) -> Any:
    array = frame._mgr.blocks[0].values
    array.setflags(write=True)
    return array


def _frame() -> pd.DataFrame:
    return pd.DataFrame({"x": np.zeros(ROWS), "y": np.zeros(ROWS)})


CHANGES: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], str]] = {
    "an array, written to": (lambda: np.zeros((1000, 1200)), lambda a: a.fill(1), "its content"),
    "a frame, written to": (_frame, lambda f: _values(f).fill(1), "column '[xy]'"),
    "a wide frame, written to": (
        lambda: pd.DataFrame(np.zeros((500, 3000))),
        lambda f: _values(f).fill(1),
        r"column '\d+'",  # whichever of its threads sees it first
    ),
    "a column, replaced": (_frame, lambda f: f.__setitem__("x", 1.0), "its columns"),
    "a column, added": (_frame, lambda f: f.__setitem__("z", 1.0), "2 columns"),
    "a list, grown": (lambda: list(range(ROWS)), lambda values: values.append(1), "members"),
    "objects, replaced": (
        lambda: np.array([1, "a"] * (ROWS // 2), dtype=object),
        lambda a: a.fill(None),
        "its content",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_meanwhile_is_refused(what: str) -> None:
    """The change comes when the first of several parts is hashed; the same without it passes."""
    make, change, named = CHANGES[what]
    obj = make()
    steps: list[int] = []

    def meddle(nbytes: int) -> None:
        if not steps:
            change(obj)
        steps.append(nbytes)

    with pytest.raises(FingerprintError, match=f"Cannot fingerprint training data.*{named}"):
        fingerprint(obj, "training data", progress=meddle)
    assert fingerprint(make(), progress=steps.append).digest == fingerprint(make()).digest


def test_columns_put_together_are_not_columns_changed() -> None:
    frame = _frame()
    frame["z"] = 1.0
    expected = fingerprint(frame.copy()).digest
    found = fingerprint(frame, progress=lambda _: frame._consolidate_inplace())
    assert found.digest == expected


def test_a_code_beyond_the_categories_is_refused() -> None:
    """Taken for some other category's, it would give two tables one digest."""

    def coded(*codes: int) -> pa.DictionaryArray:
        names = pa.array(["a", "b"])
        return pa.DictionaryArray.from_arrays(pa.array(codes), names, safe=False)

    assert fingerprint(coded(0, 1)).digest == fingerprint(pd.Categorical(["a", "b"])).digest
    with pytest.raises(FingerprintError, match="stands for none of its categories"):
        fingerprint(coded(0, 5))
