"""A model that is trained in pieces is on record with the whole table that they were cut from."""

from __future__ import annotations

import pytest

from .conftest import Kernel

SETUP = """
import numpy as np, pandas as pd, scipy.sparse as sp
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
texts = pd.DataFrame({"text": ["a b", "c d", "a c", "b d"] * 30, "y": [0, 1, 0, 1] * 30})
words = HashingVectorizer(n_features=16)
points = np.random.default_rng(0).normal(size=(120, 3))
few, y = sp.csr_matrix(np.eye(120, 6)), texts["y"].to_numpy()
"""


@pytest.mark.parametrize(
    ("loop", "names"),
    [
        (
            "for i in range(0, 120, 50):\n    chunk = texts.iloc[i:i + 50]\n"
            "    model.partial_fit(words.transform(chunk['text']), chunk['y'], classes=[0, 1])",
            ["texts", "texts"],
        ),
        (
            "for i in range(0, 120, 40):\n"
            "    model.partial_fit(few[i:i + 40], y[i:i + 40], classes=[0, 1])",
            ["few", "y"],
        ),
        (
            "for rows in np.array_split(np.arange(120)[::-1], 3):\n"
            "    batch, labels = points[rows], y[rows]\n"
            "    model.partial_fit(batch, labels, classes=[0, 1])",
            ["points", "y"],
        ),
        (
            "for chunk in np.array_split(points, 3):\n"
            "    model.partial_fit(chunk, y[:len(chunk)], classes=[0, 1])",
            ["points", "y"],
        ),
    ],
)
def test_batches_stand_for_the_table_that_they_were_cut_from(
    kernel: Kernel, loop: str, names: list[str]
) -> None:
    """Sparse, transformed, picked by index, under a name of their own."""
    kernel.run(SETUP)
    (run,) = kernel.trained(f"model = SGDClassifier(random_state=0)\n{loop}")
    assert [(i.name, i.fingerprint.rows) for i in run.inputs] == [(n, 120) for n in names]


def test_a_table_that_stays_the_same_in_each_round_stands_for_itself(kernel: Kernel) -> None:
    """However it was cut from another before the loop began."""
    kernel.run(SETUP)
    (run,) = kernel.trained(
        "from sklearn.model_selection import train_test_split\n"
        "some, rest, some_y, rest_y = train_test_split(points, y, random_state=0)\n"
        "some, some_y = some * 2, some_y * 1\n"
        "model = SGDClassifier(random_state=0)\nfor epoch in range(3):\n"
        "    model.partial_fit(some, some_y, classes=[0, 1])"
    )
    assert [(i.name, i.fingerprint.rows) for i in run.inputs] == [("some", 90), ("some_y", 90)]


def test_a_batch_that_was_cut_from_nothing_stands_for_itself(kernel: Kernel) -> None:
    """What a generator draws anew has no table behind it."""
    kernel.run(SETUP)
    (run,) = kernel.trained(
        "rng, model = np.random.default_rng(1), SGDClassifier(random_state=0)\n"
        "for _ in range(3):\n    drawn = rng.normal(size=(20, 3))\n"
        "    model.partial_fit(drawn, drawn[:, 0] > 0, classes=[False, True])"
    )
    assert (run.inputs[0].name, run.inputs[0].fingerprint.rows) == ("drawn", 20)
