"""Python's objects have one type on every engine, whatever each partition of them looks like."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from nbmlops.data import fingerprint, multiset_digest

OBJECTS: dict[str, list[Any]] = {
    "nulls, then text": [None, None, "a", "b"],
    "text, then others": ["a", "b", 1, None],
    "text and bytes": ["a", "b", b"a", b"b"],
    "decimals of several scales": [Decimal("1.5"), Decimal("1.55"), None, Decimal(2)],
    "nothing": [None] * 4,
}


@pytest.mark.parametrize("what", OBJECTS)
def test_partitions_of_objects_sum_to_the_whole(what: str) -> None:
    held = np.empty(4, dtype=object)
    held[:] = OBJECTS[what]
    frame = pd.DataFrame({"n": range(4), "x": pd.Series(held, dtype=object)})
    with dask.config.set({"dataframe.convert-string": False}):
        found = [fingerprint(dd.from_pandas(frame, npartitions=count)) for count in (1, 2, 4)]
    assert {each.digest for each in found} == {multiset_digest(frame)}
    assert found[2].columns[1].nulls == OBJECTS[what].count(None)
