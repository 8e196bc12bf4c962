"""Tables of more columns than anyone reads one by one are hashed many at a time, to the same end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import nbmlops
from nbmlops.data.readers import open_object
from nbmlops.data.recording import SUMMARIZED_COLUMNS
from nbmlops.errors import FingerprintError

ROWS = 40
COLUMNS = SUMMARIZED_COLUMNS + 80


def _columns() -> dict[str, Any]:
    """Columns of many types in turn, some of which miss values."""
    rng = np.random.default_rng(7)
    gaps = rng.random(ROWS)
    gaps[3] = np.nan
    # A NaN of another sign and payload is the same missing value.
    gaps.view("u8")[5] = 0xFFF0_0000_0000_0001
    times = np.arange(ROWS).astype("M8[us]")
    times[4] = np.datetime64("NaT")
    makers = [
        lambda: rng.random(ROWS),
        lambda: np.roll(gaps, rng.integers(0, ROWS)),
        lambda: rng.integers(0, 9, ROWS),
        lambda: rng.integers(0, 9, ROWS).astype("u2"),
        lambda: rng.random(ROWS).astype("f4"),
        lambda: rng.random(ROWS) < 0.5,
        lambda: times + rng.integers(0, 9),
    ]
    found = {f"column {at}": makers[at % len(makers)]() for at in range(COLUMNS)}
    found["text"] = np.array([f"text {n}" for n in range(ROWS)], dtype=object)
    return found


def _apart(columns: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(columns, copy=False)
    assert len(frame._mgr.blocks) > SUMMARIZED_COLUMNS
    return frame


def test_wide_tables_have_one_digest_however_they_are_held() -> None:
    columns = _columns()
    apart = _apart(columns)
    together = apart.copy()
    assert len(together._mgr.blocks) < 10
    table = pa.Table.from_pandas(apart, preserve_index=False)
    chunked = pa.concat_tables([table.slice(0, 9), table.slice(9)])
    held = {
        "apart": apart,
        "together": together,
        "out of order": apart[list(columns)[::-1]].copy()[list(columns)],
        "arrow": table,
        "batch": table.to_batches()[0],
        "sliced": pa.concat_tables([table, table]).slice(0, ROWS),
        "chunked": chunked,
    }
    digests = {how: nbmlops.fingerprint(table).digest for how, table in held.items()}
    assert len(set(digests.values())) == 1, digests
    # Polars has no missing number but null, which stands for NaN here and is not told apart.
    assert nbmlops.fingerprint(pl.from_arrow(table)).digest == digests["arrow"]


def test_a_wide_table_names_each_column_as_a_narrow_one_does() -> None:
    columns = _columns()
    narrow = {
        name: nbmlops.fingerprint(pd.DataFrame({name: values})).columns[0]
        for name, values in columns.items()
    }
    for frame in (_apart(columns), _apart(columns).copy()):
        for column in nbmlops.fingerprint(frame).columns:
            alone = narrow[column.name]
            told = (column.type, column.digest, column.nulls)
            assert told == (alone.type, alone.digest, alone.nulls), column.name
    assert {column.nulls for column in narrow.values()} == {0, 1, 2}


def test_an_index_stands_before_the_columns_of_a_wide_table() -> None:
    frame = _apart(_columns())
    frame.index = pd.Index(range(5, ROWS + 5), name="row")
    found, copied = nbmlops.fingerprint(frame), nbmlops.fingerprint(frame.copy())
    assert found.digest == copied.digest
    assert found.columns[0].index
    assert found.columns[0].name == "row"
    assert found.digest != nbmlops.fingerprint(frame.reset_index(drop=True)).digest


@pytest.mark.parametrize("how", ["apart", "arrow", "polars"])
def test_one_changed_cell_in_a_wide_table_is_named(how: str) -> None:
    columns = _columns()
    made = {
        "apart": _apart,
        "arrow": pa.table,
        "polars": pl.DataFrame,
    }[how]
    columns.pop("text")
    before = nbmlops.fingerprint(made(columns))
    assert nbmlops.compare(before, nbmlops.fingerprint(made(dict(columns)))).identical
    columns["column 707"] = columns["column 707"].copy()
    columns["column 707"][11] += 1
    after = nbmlops.fingerprint(made(columns))
    diff = nbmlops.compare(before, after)
    assert list(diff.changed) == ["column 707"], str(diff)


def test_a_wide_table_that_changes_meanwhile_is_refused() -> None:
    values = np.random.default_rng(0).random((SUMMARIZED_COLUMNS + 1, 2_500))
    frame = pd.DataFrame({f"c{at}": row for at, row in enumerate(values)}, copy=False)
    assert len(open_object(frame).blocks()) == 1
    nbmlops.fingerprint(frame)  # the control: it stands still

    def change(_: int) -> None:
        values[:] += 1

    with pytest.raises(FingerprintError, match="changed while it was hashed"):
        nbmlops.fingerprint(frame, progress=change)
