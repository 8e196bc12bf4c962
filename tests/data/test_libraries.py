"""One table, one digest: whichever library holds it, however it is cut."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as datasets
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from nbmlops.data import fingerprint
from nbmlops.data.canonical import CHUNK_ROWS
from nbmlops.data.object_columns import ObjectColumn

ROWS = 70_000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": np.where(rng.random(ROWS) < 0.1, np.nan, rng.random(ROWS)),
            "count": rng.integers(-5, 5, ROWS).astype("i2"),
            "flag": rng.random(ROWS) < 0.5,
            "text": rng.choice(["a", "bb", "", "ü", None], ROWS),
            "when": pd.date_range("2020", periods=ROWS, freq="s").as_unit("us"),
            "zoned": pd.date_range("2020", periods=ROWS, freq="s", tz="Europe/Paris").as_unit("us"),
            "region": pd.Categorical(rng.choice(["x", "y"], ROWS)),
        }
    )


def _parquet(frame: pd.DataFrame) -> pd.DataFrame:
    file = io.BytesIO()
    frame.to_parquet(file)
    return pd.read_parquet(file)


def _recut(frame: pd.DataFrame) -> pa.Table:
    table = pa.Table.from_pandas(frame)
    return pa.concat_tables([table[:1], table[1:66_000], table[66_000:66_000], table[66_000:]])


def _polars(frame: pd.DataFrame) -> pl.DataFrame:
    return pl.from_pandas(frame)


def _duckdb(frame: pd.DataFrame) -> Any:
    # DuckDB keeps instants only, and shows them in the session's zone.
    connection = duckdb.connect()
    connection.execute("set timezone = 'Europe/Paris'")
    return connection.from_df(frame)


CONTAINERS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas on Arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "pandas from Parquet": _parquet,
    "pandas column by column": lambda frame: pd.DataFrame({c: frame[c].copy() for c in frame}),
    "pyarrow table": pa.Table.from_pandas,
    "pyarrow table, cut anew": _recut,
    "pyarrow record batch": pa.RecordBatch.from_pandas,
    "pyarrow dataset": lambda frame: datasets.dataset(_recut(frame)),
    "polars": _polars,
    "polars, in pieces": lambda f: pl.concat([_polars(f[:9]), _polars(f[9:])], rechunk=False),
    "polars, lazy": lambda frame: _polars(frame).lazy(),
    "duckdb": _duckdb,
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_table_is_the_same_in_every_library(frame: pd.DataFrame, container: str) -> None:
    expected = fingerprint(frame)
    found = fingerprint(CONTAINERS[container](frame))
    assert [(c.name, c.type, c.digest) for c in found.columns] == [
        (c.name, c.type, c.digest) for c in expected.columns
    ]
    assert found.digest == expected.digest
    assert found.nbytes == expected.nbytes
    assert found.rows == ROWS


@pytest.mark.parametrize("rename", [str, "part.{}".format], ids=["plain", "dotted"])
def test_a_dataset_of_parquet_files_is_its_table(
    tmp_path: Path, rename: Callable[[object], str]
) -> None:
    """Whether its columns are read a few at a time or, for dots in their names, all together."""
    rng = np.random.default_rng(0)
    columns = {rename(f"n{at}"): rng.random(ROWS) for at in range(40)}
    whole = pd.DataFrame(columns | {rename("text"): [f"row {n}" for n in range(ROWS)]})
    for at, part in enumerate((whole[:10_000], whole[10_000:])):
        part.to_parquet(tmp_path / f"{at}.parquet", index=False, row_group_size=7_000)
    found = fingerprint(datasets.dataset(tmp_path))
    expected = fingerprint(whole)
    assert found.digest == expected.digest
    assert [(c.name, c.digest, c.nulls) for c in found.columns] == [
        (c.name, c.digest, c.nulls) for c in expected.columns
    ]


@pytest.mark.parametrize("last", [None, 7, b"x"], ids=["missing", "number", "bytes"])
def test_texts_that_turn_out_to_hold_something_else(last: object) -> None:
    """They are taken for text until the run that disproves it, and then hashed as what they are."""
    values = np.array([f"row {n}" for n in range(ROWS)] + [last, "end"], dtype=object)
    texts = [value for value in values if isinstance(value, str)]
    found = fingerprint(pd.Series(values)).columns[0]
    if last is None:
        assert (found.type, found.nulls) == ("string", 1)
        again = fingerprint(pa.array(list(values)))
        assert found.digest == again.columns[0].digest
        assert found.digest != fingerprint(pd.Series(texts, dtype=object)).columns[0].digest
    else:
        assert found.type == "object"
        first = np.roll(values, 2)  # what is no text comes first, and nothing is assumed
        swapped = fingerprint(pd.Series(first)).columns[0]
        assert (swapped.type, swapped.summary) == (found.type, found.summary)
        whole = ObjectColumn(values, None)
        runs = [whole.chunk(at, min(at + CHUNK_ROWS, len(values))) for at in (0, CHUNK_ROWS)]
        assert list(found.chunk_digests()) == [run.digest for run in runs]


@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.floats(width=64),
            st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.booleans(),
        ),
        max_size=40,
    ),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_libraries_and_cuts_agree(rows: list[tuple[Any, ...]], cuts: list[int]) -> None:
    kinds = [pa.float64(), pa.string(), pa.int64(), pa.bool_()]
    columns = [[row[at] for row in rows] for at in range(4)]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
    table = pa.table(arrays, names=list("abcd"))
    places = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    pieces = [table[a:b] for a, b in pairwise(places)] or [table]
    ways = [
        table,
        pa.concat_tables(pieces),
        pl.from_arrow(table),
        table.to_pandas(types_mapper=pd.ArrowDtype),
        duckdb.from_arrow(table),
    ]
    assert len({fingerprint(way).digest for way in ways}) == 1


@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    kind=st.sampled_from(["f4", "i2", "?", "M8[ns]", "c8", "U3", ">f8"]),
    seed=st.integers(0, 99),
)
def test_layout_does_not_matter(shape: list[int], kind: str, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 50, shape).astype(kind)
    wide = np.repeat(values, 2, axis=-1)[..., ::2]
    ways = [values, np.asfortranarray(values), wide, np.flip(np.flip(values, 0).copy(), 0)]
    assert len({fingerprint(way).digest for way in ways}) == 1


def test_large_arrays_of_any_layout_agree() -> None:
    values = np.random.default_rng(0).random((300, 700))
    deep = np.random.default_rng(0).random((2, 3, 50_000))
    for array in (values, deep):
        expected = fingerprint(array).digest
        assert fingerprint(np.asfortranarray(array)).digest == expected
        assert fingerprint(np.repeat(array, 2, axis=0)[::2]).digest == expected


def test_memory_maps_and_masks(tmp_path: Any) -> None:
    values = np.arange(10.0)
    values.tofile(tmp_path / "x")
    assert fingerprint(np.memmap(tmp_path / "x")).kind == "array"
    assert fingerprint(np.memmap(tmp_path / "x", "f8")).digest == fingerprint(values).digest
    masked = np.ma.MaskedArray([1.0, 7.0], [False, True])
    assert fingerprint(masked).digest == fingerprint(np.array([1.0, np.nan])).digest


def test_every_sparse_format_is_one_matrix() -> None:
    matrix = scipy.sparse.random(50, 40, 0.1, format="csr", random_state=0)
    formats = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
    assert len({fingerprint(matrix.asformat(each)).digest for each in formats}) == 1
    padded = matrix.copy()
    padded.data = padded.data.copy()
    first = padded.data[0]
    padded.data[0] = 0
    assert fingerprint(padded).digest != fingerprint(matrix).digest
    padded.data[0] = first
    assert fingerprint(padded).digest == fingerprint(matrix).digest
    assert fingerprint(matrix.astype("f4")).digest != fingerprint(matrix).digest


def test_a_bunch_is_a_mapping() -> None:
    bunch = load_iris(as_frame=True)
    found = fingerprint(bunch)
    assert found.kind == "mapping"
    assert found.digest == fingerprint(dict(bunch)).digest
    assert "target" in [column.name for column in found.columns]


def test_tensors_and_datasets() -> None:
    import torch
    from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

    values = np.random.default_rng(0).random((6, 4)).astype("f4")
    tensor = torch.from_numpy(values)
    assert fingerprint(tensor).digest == fingerprint(values).digest
    assert fingerprint(tensor.T).digest == fingerprint(values.T).digest
    assert fingerprint(tensor.bfloat16()).digest != fingerprint(tensor).digest

    class Pairs(Dataset[Any]):
        def __len__(self) -> int:
            return 6

        def __getitem__(self, at: int) -> Any:
            return tensor[at], torch.tensor(at)

    class Noise(Pairs):
        def __getitem__(self, at: int) -> Any:
            return torch.rand(3)

    whole = TensorDataset(tensor, torch.arange(6))
    expected = fingerprint(whole)
    assert expected.kind == "dataset"
    listed = [(row, number) for number, row in enumerate(tensor)]
    ways = [Pairs(), DataLoader(whole, batch_size=2, shuffle=True), Subset(whole, range(6))]
    ways += [listed, DataLoader(listed, batch_size=2)]  # type: ignore[arg-type, list-item] # a list will do
    assert {fingerprint(way).digest for way in ways} == {expected.digest}
    assert fingerprint(Subset(whole, range(5))).digest != expected.digest
    assert fingerprint(Noise()).kind == "unknown"
    named = [{"b": row, "a": number} for row, number in listed]
    turned = [{"a": number, "b": row} for row, number in listed]
    assert fingerprint(named).digest == fingerprint(turned).digest != expected.digest
    assert fingerprint([(row, "text") for row in tensor]).kind == "unknown"


ROWLESS = pd.DataFrame({"x": pd.Series([], dtype="f8")})
ADVERSARIAL: dict[str, Any] = {
    "no columns, no rows": pd.DataFrame(),
    "no columns, two rows": pd.DataFrame(index=range(2)),
    "no rows": ROWLESS,
    "no rows, text": pd.DataFrame({"x": pd.Series([], dtype="str")}),
    "all null": pd.DataFrame({"x": [np.nan, np.nan]}),
    "all null, one more": pd.DataFrame({"x": [np.nan] * 3}),
    "all null objects": pd.DataFrame({"x": pd.Series([None, None], dtype=object)}),
    "all null text": pd.DataFrame({"x": pd.Series([None, None], dtype="string")}),
    "huge text": pd.DataFrame({"x": ["a" * 5_000_000, "b"]}),
    "huge text, cut elsewhere": pd.DataFrame({"x": ["a" * 4_999_999, "ab"]}),
    "a lone surrogate": pd.DataFrame({"x": pd.Series(["\ud800", "b"], dtype=object)}),
    "its escape": pd.DataFrame({"x": ["\\ud800", "b"]}),
    "a surrogate in a label": pd.DataFrame([[1]], columns=pd.Index(["\ud800"], dtype=object)),
    "NUL": pd.DataFrame({"x": ["a\0", "b"]}),
    "no NUL": pd.DataFrame({"x": ["a", "\0b"]}),
    "bytes": pd.DataFrame({"x": [b"a\0", b"b"]}),
    "a NaN with a payload": np.array([0x7FF8000000000123], "u8").view("f8"),
    "its bits": np.array([0x7FF8000000000123], "u8"),
    "infinities": np.array([np.inf, -np.inf]),
    "records": np.zeros(2, [("a", "i4"), ("b", "f8", (2,))]),
    "long doubles": np.zeros(2, "longdouble"),
    "empty list": [],
    "empty dict": {},
    "nested": [[], [[]]],
    "ordered levels": pd.MultiIndex.from_product([[1, 2], ["a", None]]),
    "intervals": pd.cut(pd.Series([1, 2, 9]), [0, 3, 10]),
    "periods": pd.period_range("2020", periods=3, freq="M"),
    "mixed": pd.Series([1, "a", None, (1, {"x": {2}}), 2**80, 1j], dtype=object),
}


def test_text_without_a_value_is_text_in_every_storage() -> None:
    """Python's objects and Arrow's buffers hold the same column; objects without a type do not."""
    python, arrow = (
        fingerprint(pd.Series([None, None], dtype=pd.StringDtype(storage)))
        for storage in ("python", "pyarrow")
    )
    assert python.digest == arrow.digest
    assert python.digest != fingerprint(pd.Series([None, None], dtype=object)).digest


def test_adversarial_data_neither_crashes_nor_collides() -> None:
    found = {what: fingerprint(obj) for what, obj in ADVERSARIAL.items()}
    assert [what for what, each in found.items() if each.kind == "unknown"] == []
    assert len({each.digest for each in found.values()}) == len(found)
