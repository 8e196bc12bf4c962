"""Which modules, schedulers and losses the user's names hold, found from an optimizer."""

from __future__ import annotations

from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any

from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.trainings.parameters import attributes_of

__all__ = ["original", "owners_of", "reachable", "scheduler_of"]

_MOST_ITEMS = 100  # of a list or dict of modules that is looked into
_WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module",
             "DistributedDataParallel": "module", "_FabricModule": "_original_module"}  # fmt: skip


def reachable(frames: list[FrameType], namespace: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the user's names hold and what is one step below; names nearest to the cell first."""
    places = [
        namespace,
        *(dict(f.f_locals) for f in reversed(frames) if f.f_locals is not namespace),
    ]
    for place in places:
        for name, value in list(place.items()):
            if name.startswith("_") or isinstance(value, type | ModuleType):
                continue
            yield name, value
            for inner, part in _inside(value):
                yield f"{name}.{inner}", part


def owners_of(
    tensors: list[Any], frames: list[FrameType], namespace: dict[str, Any]
) -> list[tuple[str, Any]]:
    """The outermost modules that own `tensors`, by name: one if there is one that owns all.

    Empty where no module owns any of them.
    """
    from torch.nn import Module

    wanted = {id(tensor) for tensor in tensors}
    found: dict[int, tuple[str, Any, set[int]]] = {}
    for name, value in reachable(frames, namespace):
        if isinstance(value, Module) and id(value) not in found:
            owned = {id(p) for p in value.parameters()} & wanted
            if owned:
                found[id(value)] = (name, value, owned)
    inner = {id(part) for _, module, _ in found.values() for part in _below(module)}
    outermost = [entry for key, entry in found.items() if key not in inner]
    whole = [(name, module) for name, module, owned in outermost if owned == wanted]
    if whole:
        return [(whole[0][0], original(whole[0][1]))]
    chosen: list[tuple[str, Any]] = []
    for name, module, owned in outermost:
        if owned & wanted:
            wanted -= owned
            chosen.append((name, original(module)))
    return chosen


def original(module: Any) -> Any:
    """The module that the user wrote, inside what compiles or distributes it."""
    while (name := _WRAPPERS.get(type(module).__name__)) and hasattr(module, name):
        module = getattr(module, name)
    return module


def scheduler_of(optimizer: Any, frames: list[FrameType], namespace: dict[str, Any]) -> Any:
    """The scheduler of an optimizer's learning rate; None if no name holds one.

    A library may have put something of its own around it.
    """
    from torch.optim.lr_scheduler import LRScheduler

    for _, value in reachable(frames, namespace):
        found: list[Any] = [value, attributes_of(value).get("scheduler")]
        for scheduler in found:
            if issubclass(type(scheduler), LRScheduler) and scheduler.optimizer is optimizer:
                return scheduler
    return None


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple) and len(value) <= _MOST_ITEMS:
        yield from ((str(number), item) for number, item in enumerate(value))
    elif isinstance(value, dict) and len(value) <= _MOST_ITEMS:
        yield from ((str(name), item) for name, item in list(value.items()))
    elif is_own(type(value)):
        # No getattr: a property of the user's may do anything.
        own = getattr(value, "__dict__", None)
        yield from list(own.items()) if isinstance(own, dict) else ()


def _below(module: Any) -> Iterator[Any]:
    parts = module.modules()
    next(parts)
    yield from parts
