"""Any single mutation shows, and compare says which."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import nbmlops
from nbmlops.data import compare, fingerprint, multiset_digest
from nbmlops.errors import FingerprintError
from nbmlops.records import Fingerprint, decode, encode
from nbmlops.surfaces.cli.data import compare as compare_command
from nbmlops.surfaces.cli.data import fingerprint as fingerprint_command

BIG = 150_000


def make(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.random(rows),
            "n": rng.integers(0, 10**9, rows),
            "s": pd.Series([f"{number:x}" for number in rng.integers(0, 10**9, rows)], dtype="str"),
            # pandas 2 and 3 choose another unit by themselves, and the unit is content.
            "t": (pd.Timestamp("2020") + pd.to_timedelta(rng.integers(0, 10**9, rows), "s")).astype(
                "datetime64[us]"
            ),
        }
    )


FRAME = make(30)
NEW_VALUE = {"x": 2.5, "n": -1, "s": "other", "t": pd.Timestamp("1999")}


@given(row=st.integers(0, 29), column=st.sampled_from("xnst"), null=st.booleans())
def test_one_changed_cell_shows(row: int, column: str, null: bool) -> None:
    changed = FRAME.copy()
    null = null and column != "n"
    changed.loc[row, column] = None if null else NEW_VALUE[column]
    diff = compare(FRAME, changed)
    assert not diff.identical
    assert diff.changed == (column,)
    assert diff.changed_rows == ((row, row + 1),)
    assert diff.changed_values == {column: 1}
    assert compare(fingerprint(FRAME), fingerprint(changed)).changed == (column,)


@given(rows=st.lists(st.integers(0, 29), min_size=2, max_size=2, unique=True))
def test_two_swapped_rows_show(rows: list[int]) -> None:
    order = list(range(30))
    order[rows[0]], order[rows[1]] = rows[1], rows[0]
    swapped = FRAME.iloc[order].reset_index(drop=True)
    assert fingerprint(swapped).digest != fingerprint(FRAME).digest
    assert compare(FRAME, swapped).reordered
    assert compare(FRAME, FRAME.iloc[order]).reordered
    swapped.loc[0, "n"] += 1
    assert not compare(FRAME, swapped).reordered


@given(columns=st.permutations("xnst"))
def test_swapped_columns_show(columns: list[str]) -> None:
    diff = compare(FRAME, FRAME[columns])
    same = columns == list("xnst")
    assert diff.identical is same
    assert diff.moved is not same
    assert diff.changed == ()


@given(column=st.sampled_from("xnst"))
def test_a_renamed_a_retyped_and_a_lost_column_show(column: str) -> None:
    assert compare(FRAME, FRAME.rename(columns={column: "new"})).renamed == ((column, "new"),)
    assert compare(FRAME, FRAME.drop(columns=column)).removed == (column,)
    assert compare(FRAME.drop(columns=column), FRAME).added == (column,)
    narrow = {"x": "float32", "n": "int32", "s": "category", "t": "datetime64[ns]"}
    ((name, _, _),) = compare(FRAME, FRAME.astype({column: narrow[column]})).retyped
    assert name == column


def test_a_flipped_label_far_down_shows() -> None:
    labels = np.zeros(BIG, "i8")
    flipped = labels.copy()
    flipped[70_000:] = 1
    assert compare(labels, flipped).changed_rows == ((70_000, BIG),)
    diff = compare(fingerprint(labels), fingerprint(flipped))
    assert diff.changed_rows == ((65_536, BIG),)


@pytest.mark.parametrize("rows", [1, 40_000, 65_536, 100_000, 131_072])
def test_appended_and_cut_rows_are_counted(rows: int) -> None:
    whole, part = make(BIG), make(BIG)[:rows]
    for old in (part, fingerprint(part)):
        diff = compare(old, whole)
        assert (diff.appended, diff.changed, diff.notes) == (BIG - rows, (), ())
    assert compare(whole, part).cut == BIG - rows
    touched = whole.copy()
    touched.loc[rows - 1, "n"] = -1
    assert compare(fingerprint(part), touched).changed == ("n",)


def test_appended_rows_from_the_records_alone() -> None:
    whole = make(BIG)
    diff = compare(fingerprint(whole[:131_072]), fingerprint(whole))
    assert (diff.appended, diff.notes) == (BIG - 131_072, ())
    diff = compare(fingerprint(whole[:100_000]), fingerprint(whole))
    assert diff.appended == 50_000
    assert "34,464" in str(diff)


@pytest.mark.parametrize(("gone", "come"), [(1, 0), (70_000, 0), (777, 50), (65_536, 65_536)])
def test_a_window_that_slid_is_seen(gone: int, come: int) -> None:
    old = make(BIG)
    new = pd.concat([old[gone:], make(come, seed=1)], ignore_index=True)
    diff = compare(old, new)
    assert (diff.dropped, diff.appended or 0, diff.changed) == (gone, come, ())
    new.loc[5, "n"] = -1
    assert compare(old, new).dropped is None


def test_a_constant_column_does_not_hide_what_the_others_tell() -> None:
    """It is a prefix of itself, however the rows moved."""
    old = FRAME.assign(constant=1)
    diff = compare(old, old[3:].reset_index(drop=True))
    assert (diff.dropped, diff.cut, diff.changed) == (3, None, ())
    other = make(40, seed=3).assign(constant=1)
    diff = compare(old, other)
    assert (diff.appended, set(diff.changed)) == (None, set(old.columns))


def test_arrays_are_compared_row_by_row() -> None:
    old = np.random.default_rng(0).random((1000, 300))
    new = old.copy()
    new[5, 5] = 0
    assert compare(old, new).changed_rows == ((5, 6),)
    assert compare(old, np.vstack([old, old[:3]])).appended == 3
    assert "shape" in str(compare(old, old.reshape(300, 1000)))


def test_it_reads_well_and_escapes_names() -> None:
    old = pd.DataFrame({"<script>": [1], "b": [1]})
    diff = compare(old, old.assign(**{"<script>": 2}))
    assert str(diff) == "Changed: <script> (1 value), in row 0."
    assert "<script>" not in diff._repr_html_()
    assert "&lt;script&gt;" in diff._repr_html_()
    assert "the old data <strong" in diff._repr_html_()
    itself = msgspec.structs.replace(diff, old="X_train", new="X_train")._repr_html_()
    assert itself.count("X_train") == 1
    assert str(compare(old, old.copy())) == "The new data is exactly the same as the old data."


def test_a_fingerprint_shows_what_it_is_of() -> None:
    """Its size as people say it, and a line for each column; a name is text and no markup."""
    table = pd.DataFrame({"<script>": [1.0, None], "city": ["Rome", "Oslo"]})
    html = fingerprint(table, "<b>")._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    for told in ("&lt;script&gt;", "&lt;b&gt;", "2 × 2", "float64", "distinct 2"):
        assert told in html
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall("<t[hd].*?</t[hd]>", html)]
    assert cells[:7] == ["", "", "missing", "min", "max", "mean", ""]
    assert cells[7:14] == ["&lt;script&gt;", "float64", "1", "1", "1", "1", ""]
    assert cells[14:] == ["city", "string", "", "distinct 2"]
    assert fingerprint(table).extent == (2, 2)
    assert fingerprint(table["city"]).extent == (2,)
    assert fingerprint(np.zeros((3, 4, 5))).extent == (3, 4, 5)
    assert str(fingerprint(np.zeros((3, 4)))).startswith("array 3 × 4, ")
    days = fingerprint(
        pd.Series(pd.to_datetime(["2013-01-01 00:00", "2013-01-02 10:30:00.25"], format="ISO8601"))
    )
    assert ">2013-01-01<" in days._repr_html_()
    assert ">2013-01-02 10:30:00<" in days._repr_html_()
    unknown = fingerprint(object())
    assert unknown.extent == ()
    assert str(unknown.reason) in unknown._repr_html_()


def test_a_changed_index_is_not_called_the_values() -> None:
    """Beside changed columns it is the index; alone, an array's one column is its values."""
    old = pd.DataFrame({"a": [1, 2, 3]}, index=[5, 6, 9])
    assert "the index" in str(compare(old, pd.DataFrame({"a": [1, 2, 4]}, index=[5, 6, 8])))
    assert "the values" in str(compare(np.zeros(3), np.ones(3)))


def test_records_survive_the_wire() -> None:
    found = fingerprint(make(BIG), "train")
    assert decode(encode(found), Fingerprint) == found
    assert len(encode(fingerprint(make(100)))) < 2_000
    assert found.columns[0].summary.keys() == {"min", "max", "mean"}


def test_the_order_free_digest_is_one_on_every_engine() -> None:
    frame = make(500)
    shuffled = frame.sample(frac=1, random_state=0)
    expected = multiset_digest(frame)
    assert multiset_digest(shuffled) == expected
    assert multiset_digest(pl.from_pandas(shuffled)) == expected
    assert multiset_digest(duckdb.from_df(shuffled).order("x")) == expected
    lazy = dd.from_pandas(frame, npartitions=4)
    assert fingerprint(lazy).digest == expected
    assert compare(shuffled, lazy).identical
    frame.loc[3, "n"] += 1
    assert multiset_digest(frame) != expected
    diff = compare(lazy, dd.from_pandas(frame, npartitions=2))
    assert diff.changed == ("n",)
    doubled = pd.concat([shuffled, shuffled[:1]])
    assert multiset_digest(doubled) != expected


def test_spark_rows_are_hashed_on_the_engine() -> None:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    root = str(Path(nbmlops.__file__).parents[1])
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC")
    spark = builder.config("spark.executorEnv.PYTHONPATH", root).getOrCreate()
    try:
        table = make(200).drop(columns="t")
        found = fingerprint(spark.createDataFrame(table).repartition(3))
        assert found.kind == "rows"
        assert found.digest == multiset_digest(table)
        table.loc[0, "n"] += 1
        assert found.digest != multiset_digest(table)
    finally:
        spark.stop()


def test_the_commands(tmp_path: Path) -> None:
    old, new = tmp_path / "old.parquet", tmp_path / "new.csv"
    frame = FRAME.drop(columns="t")
    frame.to_parquet(old)
    frame.assign(n=frame["n"] + 1).to_csv(new, index=False)
    shown = CliRunner().invoke(fingerprint_command, [str(old)])
    assert fingerprint(old).digest in shown.output
    told = CliRunner().invoke(fingerprint_command, [str(old), str(new), "--json"])
    assert [each.name for each in decode(told.stdout, list[Fingerprint])] == [str(old), str(new)]
    assert (
        "Changed: n (30 values)" in CliRunner().invoke(compare_command, [str(old), str(new)]).output
    )
    missing = CliRunner().invoke(fingerprint_command, [str(tmp_path / "no")])
    assert isinstance(missing.exception, FingerprintError)


class Impatient:
    """A timer for which no second is too long."""

    daemon = False

    def __init__(self, seconds: float, then: Any) -> None:
        self.then = then

    def start(self) -> None:
        self.then()

    def cancel(self) -> None:
        pass

    join = cancel


@pytest.mark.parametrize("slow", [True, False])
def test_a_bar_is_shown_of_what_takes_over_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    """Hashing and comparing alike, and on stderr; what is done before is told without."""
    if slow:
        monkeypatch.setattr("nbmlops.surfaces.cli.data.Timer", Impatient)
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    FRAME.to_csv(old)
    FRAME[:20].to_csv(new)
    terminal = CliRunner(env={"FORCE_COLOR": "1", "COLUMNS": "100"})
    for command in (fingerprint_command, compare_command):
        shown = terminal.invoke(command, [str(old), str(new)])
        assert shown.exit_code == 0
        assert ("Reading" in shown.stderr) is slow
        assert "Reading" not in shown.stdout


def test_looking_costs_no_library() -> None:
    code = (
        "import sys, nbmlops.data; print(sorted({'numpy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
