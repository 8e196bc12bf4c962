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
from nbmlops.data.multiset import Multiset
from nbmlops.data.numeric import NumericColumn, numpy_type
from nbmlops.data.readers import open_object
from nbmlops.data.readers.numpy import array_column
from nbmlops.data.runs import RunCutter
from nbmlops.data.streams import Stream
from nbmlops.errors import FingerprintError

__all__ = ["read", "read_items"]

# Items wait for each other until so many bytes are together.
_HELD_BYTES = 4_000_000


def read(obj: Any) -> Reading | Stream | Multiset:
    """Open a tensor as an array, a dataset or loader as a dataset."""
    if isinstance(obj, torch.Tensor):
        return Reading("array", tuple(obj.shape), [Entry("", tensor_column(obj))])
    if isinstance(obj, DataLoader):
        obj = obj.dataset
        if not isinstance(obj, Dataset):  # a loader takes another library's, too
            return open_object(obj)
    if isinstance(obj, IterableDataset):
        raise NoCanonicalForm("an IterableDataset can be read only once")
    if isinstance(obj, TensorDataset):
        return _dataset([tensor.detach() for tensor in obj.tensors])
    if isinstance(obj, Subset) and isinstance(obj.dataset, TensorDataset):
        return _dataset([tensor.detach()[list(obj.indices)] for tensor in obj.dataset.tensors])
    if isinstance(obj, Dataset) and hasattr(obj, "__len__"):
        return read_items(obj)
    raise NoCanonicalForm(f"torch's {type(obj).__qualname__} is no data that nbmlops can read")


def tensor_column(tensor: Any) -> Column:
    """Open a tensor's elements; one on another device, or sparse, is brought here first."""
    tensor = _plain(tensor)
    if tensor.dtype == torch.bfloat16 or not _has_numpy_type(tensor):
        return NumericColumn(_elements(tensor), *_element_type(tensor))
    return array_column(tensor.numpy())


def _plain(tensor: Any) -> Any:
    tensor = tensor.detach()
    if tensor.is_quantized:
        raise NoCanonicalForm("a quantized tensor has no canonical form")
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    return tensor.cpu().resolve_conj().resolve_neg()


def _element_type(tensor: Any) -> tuple[str, str]:
    """The canonical type of a tensor's elements, and its sort."""
    if tensor.dtype == torch.bfloat16:
        return "bfloat16", "opaque"
    if not _has_numpy_type(tensor):
        return str(tensor.dtype).removeprefix("torch."), "opaque"
    known = numpy_type(torch.empty(0, dtype=tensor.dtype).numpy().dtype)
    if known is None:
        raise NoCanonicalForm(f"a tensor of {tensor.dtype} has no canonical form")
    return known


def _has_numpy_type(tensor: Any) -> bool:
    try:
        torch.empty(0, dtype=tensor.dtype).numpy()
    except TypeError:
        return False
    return True


def _elements(tensor: Any) -> Any:
    """Every element in order, as NumPy has them; what it has no type for, byte by byte."""
    tensor = _plain(tensor)
    if tensor.dtype == torch.bfloat16:
        bits = tensor.contiguous().view(torch.int16).numpy().view("u2").reshape(-1)
        nan = (bits & 0x7FFF) > 0x7F80
        return np.where(nan, np.uint16(0x7FC0), bits) if nan.any() else bits
    if not _has_numpy_type(tensor):
        return tensor.contiguous().view(torch.uint8).numpy().reshape(-1)
    return tensor.contiguous().numpy().reshape(-1)


def _dataset(tensors: list[Any]) -> Reading:
    rows = len(tensors[0]) if tensors else 0
    entries = [
        Entry((at, *tensor.shape[1:]), tensor_column(tensor)) for at, tensor in enumerate(tensors)
    ]
    return Reading("dataset", (rows,), entries)


def read_items(dataset: Any) -> Reading:
    """Read a map-style dataset item by item; no two items are in memory longer than a run needs.

    A list of such items is one, too.
    """
    what = type(dataset).__qualname__
    rows, nbytes = len(dataset), 0
    shapes: list[Any] = []
    cutters: list[RunCutter] = []
    waiting: list[list[Any]] = []
    names: list[Any] = []
    first: list[Any] = []
    for at in range(rows):
        fields = _item(dataset, at, what)
        if not at:
            names = _names(dataset[at])
            first = [field.clone() for field in fields]
            shapes = [(field.dtype, field.shape) for field in fields]
            cutters = [RunCutter(*_element_type(field)) for field in fields]
            waiting = [[] for _ in fields]
        elif [(field.dtype, field.shape) for field in fields] != shapes:
            raise NoCanonicalForm(f"the items of {what} differ in shape")
        for field, held in zip(fields, waiting, strict=True):
            held.append(field.detach())
        nbytes += sum(field.nbytes for field in fields)
        if nbytes > _HELD_BYTES:
            _push(waiting, cutters)
            nbytes = 0
    _push(waiting, cutters)
    again = _item(dataset, 0, what) if rows else []
    if not all(_same(a, b) for a, b in zip(first, again, strict=True)):
        raise NoCanonicalForm(f"the items of {what} differ from one reading to the next")
    entries = [
        Entry((name, *shape), cutter.column())
        for name, (_, shape), cutter in zip(names, shapes, cutters, strict=True)
    ]
    return Reading("dataset", (rows,), entries)


def _push(waiting: list[list[Any]], cutters: list[RunCutter]) -> None:
    for held, cutter in zip(waiting, cutters, strict=True):
        if held:
            cutter.push(_elements(torch.stack(held)))
            held.clear()


def _same(one: Any, other: Any) -> bool:
    """Whether two readings of an item agree, bit for bit or by value."""
    return one.shape == other.shape and bool(torch.allclose(one, other, 0, 0, equal_nan=True))


def _item(dataset: Any, at: int, what: str) -> list[Any]:
    try:
        return _fields(dataset[at])
    except NoCanonicalForm:
        raise
    except Exception as error:  # the dataset's own code: whatever it raises is told to the caller
        raise FingerprintError(f"reading item {at} of {what} failed: {error!r}") from error


def _names(item: Any) -> list[Any]:
    """What the fields of an item are called: by its keys, else by their places."""
    return sorted(item) if type(item) is dict else list(range(len(_fields(item))))


def _fields(item: Any) -> list[Any]:
    if type(item) is dict:
        item = [item[name] for name in sorted(item)]
    fields = list(item) if isinstance(item, (tuple, list)) else [item]
    try:
        return [torch.as_tensor(field) for field in fields]
    except (TypeError, ValueError, RuntimeError) as error:
        raise NoCanonicalForm(f"an item holds {error}") from error
