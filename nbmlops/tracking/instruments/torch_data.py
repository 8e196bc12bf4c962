"""Datasets and loaders as inputs of a training, read beside the user's random numbers."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nbmlops.data import fingerprint
from nbmlops.records import DataInput, Fingerprint
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.trainings.inputs import Argument, input_of, is_data

__all__ = ["inputs_of"]

_PATIENCE = 1.0  # seconds that a cell may wait until the items of a dataset are read
_PROBE = 5  # items that tell how long the rest will take


def inputs_of(argument: Argument) -> tuple[list[Argument], list[DataInput]]:
    """What can be named as it is, and what was named here.

    A dataset of the user's own class is named by the data that it holds. Where it holds none, its
    items are read, if that does not take long.
    """
    from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

    dataset = argument.value.dataset if isinstance(argument.value, DataLoader) else argument.value
    argument = Argument(argument.role, dataset, argument.name)  # a library's loader may be none
    inner = dataset.dataset if isinstance(dataset, Subset) else dataset
    if _are_samples(inner):
        return [], [_read(argument, inner)]
    if not isinstance(inner, Dataset) or isinstance(inner, TensorDataset | IterableDataset):
        return [argument], []
    if dataset is inner and (parts := _held(argument, dataset)):
        return parts, []
    return [], [_read(argument, dataset)]


def _are_samples(value: Any) -> bool:
    """Whether a value is a list of tuples of tensors, as a loader takes it for a dataset."""
    from torch import Tensor

    if type(value) is not list or not value or type(value[0]) is not tuple:
        return False
    return any(isinstance(part, Tensor) for part in value[0])


def _held(argument: Argument, dataset: Any) -> list[Argument]:
    """The data objects among a dataset's attributes."""
    found = []
    for name, value in list(vars(dataset).items()):
        if not isinstance(value, str) and is_data(value) and not is_own(type(value)):
            shape = getattr(value, "shape", None)
            if shape is None and not isinstance(value, list):
                continue
            role = f"{argument.role}.{name}".replace("._", ".")
            found.append(Argument(role, value, f"{argument.name}.{name}"))
    return found


def _read(argument: Argument, dataset: Any) -> DataInput:
    with _randomness_kept():
        began = time.perf_counter()
        try:
            count, few = len(dataset), _PROBE
            if type(dataset) is list:  # to have an item takes no time; to read it does
                few *= _PROBE
                fingerprint(dataset[:few])
            else:
                for number in range(min(few, count)):
                    dataset[number]
        except Exception as error:  # noqa: BLE001 - the dataset's own code may raise anything; the reason stands in the record
            return _unknown(argument, f"reading its items raised {type(error).__name__}")
        needs = (time.perf_counter() - began) / max(1, min(few, count)) * count
        if needs > _PATIENCE:
            return _unknown(argument, f"reading its {count} items would take about {needs:.0f} s")
        return input_of(argument)


def _unknown(argument: Argument, reason: str) -> DataInput:
    print_ = Fingerprint(kind="unknown", name=argument.name, reason=reason)
    return DataInput(role=argument.role, name=argument.name, fingerprint=print_)


@contextmanager
def _randomness_kept() -> Iterator[None]:
    """Leave every random generator as it was: a dataset may augment its items at random."""
    import torch

    numpy: Any = sys.modules.get("numpy")
    states = random.getstate(), torch.get_rng_state(), numpy and numpy.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        torch.set_rng_state(states[1])
        if numpy:
            numpy.random.set_state(states[2])
