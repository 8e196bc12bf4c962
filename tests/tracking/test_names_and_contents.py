"""What data is called in an expression, and how a prediction is known again by its content."""

from __future__ import annotations

import ast

import numpy as np
import pandas as pd
import pytest

from nbmlops.tracking.code.frames import data_root
from nbmlops.tracking.metrics.contents import content_of


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("X_test", "X_test"),
        ("X_test[columns].to_numpy()", "X_test"),
        ("df.drop(columns=['y'])", "df"),
        ("np.asarray(X_val)", "X_val"),
        ("scaler.transform(X_test)", "X_test"),
        ("xgb.DMatrix(X_test)", "X_test"),
        ("self.X_test", "X_test"),
        ("split.X_test.copy()", "X_test"),
        ("experiment.test_frame[cols]", "test_frame"),
        ("iris.data", "iris"),
        ("pl.concat([X, more])", "X"),
        ("{'rooms': X_rooms, 'town': X_town}", "X_rooms"),
        ("{}", None),
        ("3 + 4", None),
    ],
)
def test_data_is_called_by_what_is_underneath(written: str, name: str | None) -> None:
    """Through the data's own methods, other people's transformers, and objects that hold it."""
    assert data_root(ast.parse(written, mode="eval").body) == name


PREDICTED = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1], dtype="int32")


@pytest.mark.parametrize(
    "kept",
    [
        PREDICTED.astype("int64"),
        pd.Series(PREDICTED, index=range(9, 0, -1)),
        pd.DataFrame({"p": PREDICTED})["p"],
        PREDICTED.tolist(),
        PREDICTED[:, None],
        PREDICTED.astype(float),
    ],
)
def test_a_prediction_has_one_content_wherever_it_is_kept(kept: object) -> None:
    """In a column, a list, another type of number."""
    assert content_of(kept) == content_of(PREDICTED) is not None


@pytest.mark.parametrize(
    "other",
    [1 - PREDICTED, PREDICTED[::-1], PREDICTED[:8], np.array(list("abcdefghi")), PREDICTED.reshape(3, 3)],
)  # fmt: skip
def test_other_values_have_another_content(other: object) -> None:
    """The control."""
    assert content_of(other) != content_of(PREDICTED)


@pytest.mark.parametrize("value", [[1, 0, 1], "text that is long enough", 5, None, {"a": 1}])
def test_what_is_short_or_no_sequence_has_none(value: object) -> None:
    """It would be taken for another's too easily."""
    assert content_of(value) is None
