"""The data that the fingerprint benchmark measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

__all__ = ["arrow_buffers", "built", "drained", "feature_table", "mixed", "numeric", "words"]


def numeric(rows: int, columns: int) -> tuple[pd.DataFrame, list[Any]]:
    """Half float64, half int64; the columns' bytes as one buffer each kind."""
    rng = np.random.default_rng(0)
    floats = rng.random((columns - columns // 2, rows))
    whole = rng.integers(-(2**40), 2**40, (columns // 2, rows))
    parts = [
        pd.DataFrame(block.T, columns=[f"{name}{at}" for at in range(len(block))], copy=False)
        for name, block in (("f", floats), ("i", whole))
    ]
    frame = pd.concat(parts, axis=1)
    return frame, [block.reshape(-1).view("u1") for block in (floats, whole) if block.size]


def words(rows: int) -> pd.Series:
    """Distinct texts of some 36 characters, as pandas holds text: in Arrow."""
    rng = np.random.default_rng(0)
    text = pd.Series(rng.integers(0, 10**12, rows)).astype(str) + " is a review of some length"
    return text.astype("str")


def mixed(rows: int) -> pd.DataFrame:
    """A column of each kind: floats, some missing, whole numbers, flags, instants, durations, a
    category, Arrow text (all distinct, or a thousand cities), Python text (a million names, an
    object each)."""
    rng = np.random.default_rng(0)
    cities = np.array([f"city {n}" for n in range(1000)], dtype=object)
    return pd.DataFrame(
        {
            "value": rng.random(rows),
            "gaps": np.where(rng.random(rows) < 0.1, np.nan, rng.random(rows)),
            "count": rng.integers(0, 1000, rows),
            "flag": rng.random(rows) < 0.5,
            "when": pd.date_range("2020", periods=rows, freq="s"),
            "took": pd.to_timedelta(rng.integers(0, 10**6, rows), unit="ms"),
            "region": pd.Categorical.from_codes(
                rng.integers(0, 4, rows), ["north", "south", "east", "west"]
            ),
            "review": words(rows),
            "city": pd.Series(cities[rng.integers(0, 1000, rows)]).astype("str"),
            "name": pd.Series([f"name {n}" for n in rng.integers(0, 10**6, rows)], dtype=object),
        }
    )


def feature_table(rows: int) -> pd.DataFrame:
    """As many tables for training are: mostly numbers, 9 columns of them beside a mixed frame's."""
    rng = np.random.default_rng(1)
    more = {
        **{f"f{at}": rng.random(rows) for at in range(4)},
        **{f"i{at}": rng.integers(0, 1000, rows) for at in range(4)},
        "flag1": rng.random(rows) < 0.5,
    }
    return mixed(rows).assign(**more)


def arrow_buffers(series: pd.Series) -> list[Any]:
    array = pa.array(series.array)
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    return [buffer for chunk in chunks for buffer in chunk.buffers() if buffer is not None]


def built(scale: float) -> dict[str, Callable[[Path], tuple[Any, Any]]]:
    """Large data of each kind, and a little of the same kind."""
    side = int((400_000_000 * scale / 8) ** 0.5)
    rows = int(2_000_000 * scale)
    rng = np.random.default_rng(0)

    def of(make: Callable[..., Any], *sizes: int) -> Callable[[Path], tuple[Any, Any]]:
        return lambda _: (make(*sizes), make(*(min(size, 50) for size in sizes)))

    def mapped(folder: Path) -> tuple[Any, Any]:
        rng.random(side * side).tofile(folder / "x")
        whole = np.memmap(folder / "x", "f8", mode="r")
        return whole, whole[:10]

    def parquet(folder: Path, rows: int) -> str:
        path = str(folder / f"{rows}.parquet")
        mixed(rows).to_parquet(path, row_group_size=65_536)
        return path

    def dataset(folder: Path) -> tuple[Any, Any]:
        import pyarrow.dataset as datasets

        many, few = (datasets.dataset(parquet(folder, n)) for n in (rows, 50))
        return many, few

    def wide_dataset(folder: Path) -> tuple[Any, Any]:
        import pyarrow.dataset as datasets

        for name, sizes in (("large", (rows // 40, 1_000)), ("small", (50, 50))):
            path = str(folder / f"{name}.parquet")
            numeric(*sizes)[0].to_parquet(path, row_group_size=65_536)
        large, small = (datasets.dataset(str(folder / f"{n}.parquet")) for n in ("large", "small"))
        return large, small

    def lazy(folder: Path) -> tuple[Any, Any]:
        import polars as pl

        return pl.from_pandas(mixed(rows)).lazy(), pl.from_pandas(mixed(50)).lazy()

    def relation(folder: Path) -> tuple[Any, Any]:
        import duckdb

        tables = [pa.Table.from_pandas(mixed(n)) for n in (rows, 50)]
        return duckdb.from_arrow(tables[0]), duckdb.from_arrow(tables[1])

    def items(count: int) -> Any:
        from torch import from_numpy
        from torch.utils.data import Dataset

        class Items(Dataset[Any]):
            values = from_numpy(rng.random((count, 1000)).astype("f4"))

            def __len__(self) -> int:
                return count

            def __getitem__(self, at: int) -> Any:
                return self.values[at] * 2, at

        return Items()

    def sparse(form: str) -> Callable[[int, int], Any]:
        from scipy.sparse import random_array

        return lambda a, b: random_array((a, b), density=0.01, rng=rng).asformat(form)

    cells = int((2_000_000_000 * scale) ** 0.5)
    return {
        "C-ordered array": of(lambda a, b: rng.random((a, b)), side, side),
        "F-ordered array": of(lambda a, b: np.asfortranarray(rng.random((a, b))), side, side),
        "strided array": of(lambda a, b: rng.random((2 * a, b))[::2, ::2], side, side),
        "memory map": mapped,
        "frame": of(lambda rows: numeric(rows, 40)[0], 25 * rows // 40),
        "wide frame": of(lambda rows, columns: numeric(rows, columns)[0], side // 7, 7 * side),
        "mixed frame": of(mixed, rows // 2),
        "Arrow text": of(lambda rows: words(rows).to_frame("x"), 4 * rows),
        "Polars text": of(lambda rows: _polars(words(rows)), 4 * rows),
        "objects": of(lambda rows: pd.Series(np.arange(rows)).astype(object), 4 * rows),
        "object text": of(
            lambda rows: pd.Series([f"name {n}" for n in range(rows)], dtype=object), 4 * rows
        ),
        "long texts": of(
            lambda rows: pd.Series([f"{n:0>9000}" for n in range(rows)], dtype=object), rows // 50
        ),
        "sparse CSR": of(sparse("csr"), cells, cells),
        "sparse CSC": of(sparse("csc"), cells, cells),
        "map-style dataset": of(items, rows // 20),
        "Arrow dataset": dataset,
        "wide Arrow dataset": wide_dataset,
        "Polars lazy frame": lazy,
        "DuckDB relation": relation,
    }


def _drain(batches: Any) -> None:
    for batch in batches:
        del batch


# Reads every row of what an engine computes, and does nothing with it.
drained: dict[str, Callable[[Any], None]] = {
    "DuckDB relation": lambda relation: _drain(relation.to_arrow_reader(65_536)),
    "Polars lazy frame": lambda frame: _drain(frame.collect_batches(chunk_size=65_536)),
}


def _polars(series: pd.Series) -> Any:
    import polars as pl

    return pl.from_pandas(series)
