"""Which files an input came from, whatever read them: also readers that Python does not see open."""

from __future__ import annotations

import pytest

from .conftest import Kernel

SETUP = """
import duckdb, h5py, sqlite3
import numpy as np, pandas as pd, polars as pl
import pyarrow.csv, pyarrow.dataset, pyarrow.feather, pyarrow.json, pyarrow.orc, pyarrow.parquet
from sklearn.linear_model import LinearRegression
frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "t"])
frame.to_csv("t.csv", index=False); frame.to_json("t.json", orient="records", lines=True)
frame.to_parquet("t.parquet"); frame.to_orc("t.orc"); frame.to_feather("t.feather")
frame.to_parquet("part-1.parquet"); frame.to_parquet("part-2.parquet")
with h5py.File("t.h5", "w") as file:
    file["a"] = frame.to_numpy()
with duckdb.connect("base.db") as made:
    made.execute("create table t as select * from frame")
where = "t.csv"
"""

READS = {
    "a query": ("duckdb.sql(\"select * from 't.parquet'\").df()", ["t.parquet"]),
    "a query by another spelling": ("duckdb.query(\"from 't.parquet'\").df()", ["t.parquet"]),
    "a reader inside a query": (
        "duckdb.connect().execute(\"select * from read_csv_auto('t.csv')\").fetchdf()",
        ["t.csv"],
    ),
    "a query's parameter": (
        "duckdb.connect().execute('select * from read_csv_auto(?)', ['t.csv']).df()",
        ["t.csv"],
    ),
    "a query put together": ("duckdb.sql(f\"select * from '{where}'\").df()", ["t.csv"]),
    "a pattern in a query": (
        "duckdb.sql(\"from 'part-*.parquet'\").df()",
        ["part-1.parquet", "part-2.parquet"],
    ),
    "a reader of DuckDB's": ("duckdb.read_csv('t.csv').df()", ["t.csv"]),
    "a reader of a connection's": ("duckdb.connect().read_parquet('t.parquet').df()", ["t.parquet"]),
    "a DuckDB database": ("duckdb.connect('base.db').sql('from t').df()", ["base.db"]),
    "Polars with a pattern": (
        "pl.read_parquet('part-*.parquet').to_pandas()",
        ["part-1.parquet", "part-2.parquet"],
    ),
    "Polars with a list": (
        "pl.scan_parquet(['part-1.parquet', 'part-2.parquet']).collect().to_pandas()",
        ["part-1.parquet", "part-2.parquet"],
    ),
    "Polars by keyword": ("pl.read_csv(source='t.csv', separator=',').to_pandas()", ["t.csv"]),
    "pandas by keyword": ("pd.read_csv(sep=',', filepath_or_buffer='t.csv')", ["t.csv"]),
    "Arrow's CSV": ("pyarrow.csv.read_csv('t.csv').to_pandas()", ["t.csv"]),
    "Arrow's JSON": ("pyarrow.json.read_json('t.json').to_pandas()", ["t.json"]),
    "Arrow's Feather": ("pyarrow.feather.read_feather('t.feather')", ["t.feather"]),
    "Arrow's ORC": ("pyarrow.orc.ORCFile('t.orc').read().to_pandas()", ["t.orc"]),
    "Arrow's data set": ("pyarrow.dataset.dataset('t.parquet').to_table().to_pandas()", ["t.parquet"]),
    "Arrow's Parquet file": ("pyarrow.parquet.ParquetFile('t.parquet').read().to_pandas()", ["t.parquet"]),
    "HDF5": ("pd.DataFrame(h5py.File('t.h5', 'r')['a'][:], columns=['a', 't'])", ["t.h5"]),
    "no file": ("frame.copy()", []),
    "a query of frames": ("duckdb.sql('select * from frame').df()", []),
}  # fmt: skip


@pytest.fixture(scope="module")
def kernel(kernel: Kernel) -> Kernel:
    reply = kernel.run(SETUP)
    assert reply.status == "ok", reply.error
    return kernel


@pytest.mark.parametrize("how", READS)
def test_an_input_names_the_files_that_it_was_read_from(kernel: Kernel, how: str) -> None:
    """Read in a cell before, and in the very call of the fit; the last two read none."""
    reads, files = READS[how]
    assert kernel.run(f"data = {reads}").status == "ok"
    (run,) = kernel.trained("LinearRegression().fit(data[['a']], data['t'])")
    assert [sorted(item.files) for item in run.inputs] == [files, files]
    (run,) = kernel.trained(
        f"LinearRegression().fit({reads}[['a']], np.resize(frame['t'], len(data)))"
    )
    assert [sorted(item.files) for item in run.inputs] == [files, []]


def test_what_a_query_writes_and_another_reads_joins_their_cells(kernel: Kernel) -> None:
    """The file between them is followed as one between pandas' readers and writers is."""
    kernel.run("duckdb.sql('select * from frame where a > 0').df()")
    reply = kernel.run("duckdb.sql(\"copy (from frame where a < 0) to 'low.parquet'\")")
    assert reply.status == "ok", reply.error
    writer = int(kernel.value("len(In) - 2"))
    (run,) = kernel.trained(
        "low = pd.read_parquet('low.parquet')\nLinearRegression().fit(low[['a']], low['t'])"
    )
    assert run.inputs[0].files == ("low.parquet",)
    counts = [cell.execution_count for cell in run.cells]
    assert writer in counts
    assert writer - 1 not in counts


def test_a_file_that_a_query_read_and_that_is_gone_is_said(kernel: Kernel) -> None:
    """As with any other reader; the control is every other run here."""
    kernel.run("frame.to_parquet('brief.parquet')")
    (run,) = kernel.trained(
        "brief = duckdb.sql(\"from 'brief.parquet'\").df()\nimport os; os.remove('brief.parquet')\n"
        "LinearRegression().fit(brief[['a']], brief['t'])"
    )
    assert "brief.parquet is no longer there." in [gap.why for gap in run.gaps]
