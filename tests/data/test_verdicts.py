"""compare says what happened: no false name, no false count, and no guess where data is missing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from nbmlops.data import compare, fingerprint
from nbmlops.errors import FingerprintError

LONG = 140_000


def make(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.random(rows), "n": rng.integers(0, 10**9, rows)})


FRAME = make(30)


def test_of_columns_that_share_a_name_only_the_renamed_one_is_told() -> None:
    old = pd.DataFrame([[1, 2, 3, 4]], columns=["a", "a", "a", "b"])
    new = pd.DataFrame([[1, 4, 3]], columns=["a", "b", "c"])
    diff = compare(old, new)
    assert (diff.renamed, diff.removed, diff.changed) == ((("a", "c"),), ("a",), ())


def test_of_columns_with_one_content_each_is_told_once() -> None:
    old = FRAME.assign(y=FRAME["x"])
    diff = compare(old, FRAME[["n"]].assign(z=FRAME["x"]))
    assert (diff.removed, diff.renamed, diff.added) == (("y",), (("x", "z"),), ())
    diff = compare(old, FRAME[["n"]].assign(z=FRAME["x"], w=FRAME["x"]))
    assert diff.renamed == (("x", "z"), ("y", "w"))


def test_swapped_contents_say_where_they_came_from() -> None:
    old = FRAME.assign(y=FRAME["x"] + 1)
    diff = compare(old, old.assign(x=old["y"], y=old["x"]))
    assert diff.changed == ("x", "y")
    assert diff.notes == ("x holds what y held.", "y holds what x held.")
    assert compare(old, old.assign(x=old["x"] + 2)).notes == ()


def test_a_column_that_becomes_the_index_is_not_renamed() -> None:
    held = FRAME.set_index("n")
    diff = compare(FRAME, held)
    assert (diff.renamed, diff.notes) == ((), ("n was a column and is an index.",))
    assert compare(held, FRAME).notes == ("n was an index and is a column.",)
    assert compare(held, held.rename_axis("m")).renamed == (("n", "m"),)


def test_rows_that_keep_their_old_numbers_have_an_index() -> None:
    diff = compare(FRAME, FRAME[5:])
    assert (diff.dropped, diff.added) == (5, ())
    assert diff.notes == ("The new data has an index of its own.",)
    assert compare(FRAME[5:], FRAME).notes[0] == "The old data's index is gone."
    assert compare(FRAME, FRAME[5:].reset_index(drop=True)).notes == ()


def test_repeated_rows_count_as_often_as_they_stand() -> None:
    doubled = pd.concat([FRAME, FRAME[:5]], ignore_index=True)
    assert compare(doubled, doubled.sample(frac=1, random_state=0)).reordered
    other = pd.concat([FRAME, FRAME[1:6]], ignore_index=True).sample(frac=1, random_state=0)
    assert not compare(doubled, other).reordered


def test_rows_reordered_across_runs_are_seen_and_columns_reordered_alone_are_not() -> None:
    """Only the runs that differ are summed: what stands still cancels out."""
    old = make(LONG)
    order = np.arange(LONG)
    order[[3, 70_000]] = order[[70_000, 3]]
    assert compare(old, old.iloc[order].reset_index(drop=True)).reordered
    torn = old.assign(n=old["n"].to_numpy()[order])
    diff = compare(old, torn)
    assert (diff.reordered, diff.changed, diff.changed_values) == (False, ("n",), {"n": 2})


def test_appended_rows_do_not_hide_a_changed_column() -> None:
    """Even one telling column of two proves the rows; a constant one proves nothing."""
    diff = compare(FRAME[:20], FRAME.assign(n=FRAME["n"] + 1))
    assert (diff.appended, diff.changed) == (10, ("n",))
    constant = FRAME.assign(x=1.0)
    diff = compare(constant[:20], constant.assign(n=constant["n"] + 1))
    assert (diff.appended, diff.changed) == (None, ("x", "n"))
    retyped = compare(FRAME[:20], FRAME.astype({"n": "float64"}))
    assert (retyped.appended, retyped.retyped) == (10, (("n", "int64", "float64"),))


def test_what_the_records_alone_cannot_tell_is_not_guessed() -> None:
    diff = compare(fingerprint(FRAME[:20]), fingerprint(FRAME))
    assert diff.appended is None
    assert "only the data itself could tell" in str(diff)
    assert compare(fingerprint(FRAME[:20]), FRAME).appended == 10
    whole = make(LONG)
    diff = compare(fingerprint(whole[:65_536]), fingerprint(whole))
    assert (diff.appended, diff.notes) == (LONG - 65_536, ())
    touched = whole[:65_536].assign(x=0.5)
    assert compare(fingerprint(touched), fingerprint(whole)).changed == ("x",)


def test_ordered_categories_that_changed_are_no_prefix() -> None:
    values = ["a", "b"] * (LONG // 2)
    old, new = (
        pd.DataFrame({"x": pd.Categorical(values, list(names), ordered=True), "n": range(LONG)})
        for names in ("ab", "ba")
    )
    diff = compare(old[:131_072], new)
    assert (diff.appended, diff.changed) == (LONG - 131_072, ("x",))
    assert compare(old[:131_072], old).changed == ()


def test_values_without_a_name_are_called_the_values() -> None:
    diff = compare(np.zeros(3), np.zeros(3, "f4"))
    assert str(diff) == "Retyped: the values from float64 to float32."


def test_one_row_is_a_row() -> None:
    one, two = pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [2, 1]})
    assert "· 1 row<" in compare(one, one.copy())._repr_html_()
    assert "· 1 → 2 rows<" in compare(one, two)._repr_html_()


def test_files_in_a_folder_are_no_rows(tmp_path: Path) -> None:
    for folder, names in (("old", "12"), ("new", "134")):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text(name)
    diff = compare(tmp_path / "old", tmp_path / "new")
    assert str(diff) == "Added: 3, 4. Removed: 2."
    assert "rows" not in diff._repr_html_()


def test_digests_of_another_format_are_not_compared() -> None:
    found = fingerprint(FRAME)
    with pytest.raises(FingerprintError, match="nb0"):
        compare(msgspec.structs.replace(found, format="nb0"), FRAME)
    assert compare(found, FRAME).identical
