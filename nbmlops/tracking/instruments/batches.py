"""The whole table that a batch was cut from, for models that are trained in pieces."""

from __future__ import annotations

import ast
import sys
from types import FrameType
from typing import Any

from nbmlops.tracking.code.frames import call_node, data_root
from nbmlops.tracking.code.makers import assignments, scope_of
from nbmlops.tracking.trainings.inputs import Argument, base_name

__all__ = ["whole"]


def whole(argument: Argument, namespace: dict[str, Any], frames: list[FrameType]) -> Argument:
    """The data that a batch was cut from: the array that it views, or that the code names."""
    loops = _loops_around(call_node(frames[0])) if frames else []
    if frames and not loops and _in_a_cell(frames[0], namespace):
        return argument  # not one of many
    places = [*(f.f_locals for f in frames[:1]), namespace]
    for place in places:
        if (found := _viewed(argument.value, place)) is not None:
            return Argument(argument.role, found[1], found[0])
    length = _length(argument.value)
    since = loops[-1].lineno if loops else 0
    for name in _names_behind(base_name(argument), frames, since):
        value = next((place[name] for place in places if place.get(name) is not None), None)
        if length is not None and (_length(value) or -1) > length:
            return Argument(argument.role, value, name)
    return argument


def _names_behind(name: str, frames: list[FrameType], since: int) -> list[str]:
    """A batch's name, and those of what the code has cut it from: ``chunk = df[i:j]``.

    What was made before the line `since`, where the loop begins, is the same in each round.
    """
    scope = scope_of(frames[0]) if frames else None
    makers = assignments(scope) if scope is not None else {}
    found: list[str] = []
    waiting = [name]
    while waiting:
        if (now := waiting.pop(0)) not in found:
            found.append(now)
            made = [maker for line, maker in makers.get(now, []) if line >= since]
            waiting += filter(None, map(data_root, made))
    return found


def _length(value: Any) -> int | None:
    """How many rows something has; a sparse matrix tells it by its shape alone."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
        return shape[0]
    try:
        return len(value)
    except Exception:  # noqa: BLE001 - a user's own __len__ may raise anything; it then has no rows
        return None


def _in_a_cell(frame: FrameType, namespace: dict[str, Any]) -> bool:
    """Whether a call stands in the cell itself, and in no function that a loop may call."""
    own = frame.f_globals is namespace and frame.f_code.co_name == "<module>"
    return own and call_node(frame) is not None


def _loops_around(node: Any) -> list[ast.stmt]:
    """The loops that a call stands in, innermost first."""
    found: list[ast.stmt] = []
    while node is not None and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            found.append(node)
        node = getattr(node, "parent", None)
    return found


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
