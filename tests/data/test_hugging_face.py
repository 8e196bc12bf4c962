"""Hugging Face's datasets have the content of the table that they show."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset, DatasetDict, concatenate_datasets
from torch.utils.data import DataLoader

from nbmlops.data import fingerprint

ROWS = 70_000  # more than one run of rows


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    texts = [None if n % 7 == 0 else f"text {n}" for n in range(ROWS)]
    return pd.DataFrame({"text": texts, "label": rng.integers(0, 3, ROWS), "x": rng.random(ROWS)})


@pytest.fixture(scope="module")
def dataset(frame: pd.DataFrame) -> Dataset:
    return Dataset.from_pandas(frame)


def test_a_dataset_is_its_table(frame: pd.DataFrame, dataset: Dataset, tmp_path: Path) -> None:
    """In memory, in pieces and from the disk alike."""
    expected = fingerprint(frame)
    dataset.save_to_disk(tmp_path / "kept")
    pieces = [dataset.select(range(30_000)), dataset.select(range(30_000, ROWS))]
    for same in (dataset, concatenate_datasets(pieces), Dataset.load_from_disk(tmp_path / "kept")):
        found = fingerprint(same, "train")
        assert found.digest == expected.digest
        assert (found.kind, found.rows, found.name) == ("table", ROWS, "train")


def test_what_a_dataset_shows_counts_and_not_what_it_stores(
    frame: pd.DataFrame, dataset: Dataset
) -> None:
    """Chosen, shuffled and sorted rows, chosen columns; the table underneath is the same."""
    order = np.random.default_rng(1).permutation(ROWS)
    chosen = dataset.select(order)
    assert chosen.data.table is dataset.data.table or chosen._indices is not None
    assert (
        fingerprint(chosen).digest == fingerprint(frame.iloc[order].reset_index(drop=True)).digest
    )
    assert fingerprint(chosen).digest != fingerprint(dataset).digest
    few = dataset.filter(lambda row: row["label"] == 1)
    assert (
        fingerprint(few).digest
        == fingerprint(frame[frame["label"] == 1].reset_index(drop=True)).digest
    )
    narrow = dataset.with_format("numpy", columns=["label", "x"])
    assert fingerprint(narrow).digest == fingerprint(frame[["label", "x"]]).digest
    changed = dataset.map(lambda row: {"x": row["x"] + (row["label"] == 2)})
    assert fingerprint(changed).digest != fingerprint(dataset).digest


def test_splits_are_a_mapping_and_a_loader_its_dataset(dataset: Dataset) -> None:
    """Each split counts, under its name; batches do not."""
    splits = dataset.train_test_split(test_size=100, seed=0)
    digest = fingerprint(splits).digest
    assert digest == fingerprint(DatasetDict(test=splits["test"], train=splits["train"])).digest
    assert digest != fingerprint(DatasetDict(train=splits["test"], test=splits["train"])).digest
    loader = DataLoader(splits["test"], batch_size=7)
    assert fingerprint(loader).digest == fingerprint(splits["test"]).digest


def test_what_can_be_read_only_once_is_not_read(dataset: Dataset) -> None:
    """The record says so; the control is the same data where it can be read twice."""
    found = fingerprint(dataset.to_iterable_dataset())
    assert found.kind == "unknown"
    assert found.reason == "an IterableDataset can be read only once"
    assert fingerprint(dataset).digest


def test_other_data_does_not_import_the_library() -> None:
    """It is large."""
    code = (
        "import sys, pandas as pd; from nbmlops.data import fingerprint;"
        "fingerprint(pd.DataFrame({'a': [1]})); print('datasets' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "False"
