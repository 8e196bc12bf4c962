"""PyTorch tensors, and datasets and loaders of tensors.

A tensor is the array of its elements. A dataset is one column per field of its items, the items'
tensors end to end; a loader is its dataset, for batching and shuffling are not data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from nbmlops.data.columns import Column, Entry, NoCanonicalForm, Reading
from nbmlops.data.numeric import NumericColumn
from nbmlops.data.readers.numpy import array_column
from nbmlops.errors import FingerprintError

__all__ = ["read"]


def read(obj: Any) -> Reading:
    """Open a tensor as an array, a dataset or loader as a dataset."""
    if isinstance(obj, torch.Tensor):
        return Reading("array", tuple(obj.shape), [Entry("", tensor_column(obj))])
    if isinstance(obj, DataLoader):
        obj = obj.dataset
    if isinstance(obj, IterableDataset):
        raise NoCanonicalForm("an IterableDataset can be read only once")
    if isinstance(obj, TensorDataset):
        return _dataset([tensor.detach() for tensor in obj.tensors])
    if isinstance(obj, Subset) and isinstance(obj.dataset, TensorDataset):
        return _dataset([tensor.detach()[list(obj.indices)] for tensor in obj.dataset.tensors])
    if isinstance(obj, Dataset) and hasattr(obj, "__len__"):
        return _dataset(_stacked(obj))
    raise NoCanonicalForm(f"torch's {type(obj).__qualname__} is no data that nbmlops can read")


def tensor_column(tensor: Any) -> Column:
    """Open a tensor's elements; one on another device, or sparse, is brought here first."""
    tensor = tensor.detach()
    if tensor.is_quantized:
        raise NoCanonicalForm("a quantized tensor has no canonical form")
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    tensor = tensor.cpu().resolve_conj().resolve_neg()
    if tensor.dtype == torch.bfloat16:
        bits = tensor.contiguous().view(torch.int16).numpy().view("u2").reshape(-1)
        nan = (bits & 0x7FFF) > 0x7F80
        bits = np.where(nan, np.uint16(0x7FC0), bits) if nan.any() else bits
        return NumericColumn(bits, "bfloat16", "opaque")
    try:
        return array_column(tensor.numpy())
    except TypeError:
        name = str(tensor.dtype).removeprefix("torch.")
        bits = tensor.contiguous().view(torch.uint8).numpy().reshape(-1)
        return NumericColumn(bits, name, "opaque")


def _dataset(tensors: list[Any]) -> Reading:
    rows = len(tensors[0]) if tensors else 0
    entries = [
        Entry((at, *tensor.shape[1:]), tensor_column(tensor)) for at, tensor in enumerate(tensors)
    ]
    return Reading("dataset", (rows,), entries)


def _stacked(dataset: Any) -> list[Any]:
    """Read every item of a map-style dataset."""
    what = type(dataset).__qualname__
    try:
        items = [_fields(dataset[at]) for at in range(len(dataset))]
        again = _fields(dataset[0]) if items else []
    except NoCanonicalForm:
        raise
    except Exception as error:  # the dataset's own code: whatever it raises is told to the caller
        raise FingerprintError(f"reading an item of {what} failed: {error!r}") from error
    if items and not all(torch.equal(a, b) for a, b in zip(items[0], again, strict=False)):
        raise NoCanonicalForm(f"the items of {what} differ from one reading to the next")
    shapes = {tuple((field.dtype, field.shape) for field in item) for item in items}
    if len(shapes) > 1:
        raise NoCanonicalForm(f"the items of {what} differ in shape")
    return [torch.stack(list(column)) for column in zip(*items, strict=True)]


def _fields(item: Any) -> list[Any]:
    fields = list(item) if isinstance(item, (tuple, list)) else [item]
    try:
        return [torch.as_tensor(field) for field in fields]
    except (TypeError, ValueError, RuntimeError) as error:
        raise NoCanonicalForm(f"an item holds {error}") from error
