"""The whole table that a batch was cut from, for models that are trained in pieces."""

from __future__ import annotations

import ast
import sys
from types import FrameType
from typing import Any

from nbmlops.tracking.code.frames import call_node
from nbmlops.tracking.trainings.inputs import Argument, base_name

__all__ = ["whole"]


def whole(argument: Argument, namespace: dict[str, Any], frames: list[FrameType]) -> Argument:
    """The data that a batch was cut from: the array that it views, or that the code names."""
    if frames and not _in_pieces(frames[0], namespace):
        return argument
    places = [*(f.f_locals for f in frames[:1]), namespace]
    for place in places:
        if (found := _viewed(argument.value, place)) is not None:
            return Argument(argument.role, found[1], found[0])
    root = base_name(argument)
    for place in places:
        value = place.get(root)
        if value is not None and hasattr(value, "__len__") and hasattr(argument.value, "__len__"):
            longer = len(value) >= len(argument.value)
            return Argument(argument.role, value, root) if longer else argument
    return argument


def _in_pieces(frame: FrameType, namespace: dict[str, Any]) -> bool:
    """Whether a call may be one of many: in a loop, or in a function that a loop may call."""
    node: Any = call_node(frame)
    if frame.f_globals is not namespace or frame.f_code.co_name != "<module>" or node is None:
        return True
    while node is not None:
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            return True
        node = getattr(node, "parent", None)
    return False


def _viewed(batch: Any, names: dict[str, Any]) -> tuple[str, Any] | None:
    """The smallest array under a name of which `batch`, a view, is a part."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(batch) is not numpy.ndarray or batch.base is None:
        return None
    low, high = _bounds(batch)
    best: tuple[str, Any] | None = None
    for name, value in list(names.items()):
        if name.startswith("_") or type(value) is not numpy.ndarray or value.dtype != batch.dtype:
            continue
        if value.ndim != batch.ndim or len(value) <= len(batch):
            continue
        first, last = _bounds(value)
        if first <= low and high <= last and (best is None or value.nbytes < best[1].nbytes):
            best = (name, value)
    return best


def _bounds(array: Any) -> tuple[int, int]:
    """The addresses of an array's first byte and of the byte after its last."""
    first = last = array.__array_interface__["data"][0]
    for length, stride in zip(array.shape, array.strides, strict=True):
        reach = (length - 1) * stride
        first, last = (first + reach, last) if reach < 0 else (first, last + reach)
    return first, last + array.itemsize
