"""What the code of a loop holds against what: inputs of a model, targets of a loss."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any

from nbmlops.tracking.instruments.torch_loops import Region

__all__ = ["loss_called", "targets_in", "value_at"]

_SHAPING = {
    "float", "long", "to", "cuda", "view", "reshape", "squeeze", "unsqueeze", "double", "flatten",
    "type", "half", "int",
}  # fmt: skip
_DEEPEST = 4  # assignments that a batch is followed through


def targets_in(regions: list[Region]) -> dict[int, bool]:
    """The values that the code feeds to a model (False) or holds against its answer (True), by id.

    What a loss is handed as it is, or what stands in a difference, is a target; what a model is
    handed is none, also where it is held against it, as an autoencoder's is.
    """
    from torch.nn import Module

    places: dict[int, bool] = {}
    for region in regions:
        made = _made_from(region)
        for node in ast.walk(region.node):
            if isinstance(node, ast.Call):
                loss = loss_called(node, region) is not None
                if not loss and not isinstance(value_at(node.func, region), Module):
                    continue
                parts = [*node.args, *(k.value for k in node.keywords)]
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
                loss, parts = True, [node.left, node.right]
            else:
                continue
            for part in parts:
                # A model may be fed what is made of a batch, with noise on it: the batch goes in.
                for value in _held_at(part, region, made) if loss else _behind(part, region, made):
                    places[id(value)] = loss and places.get(id(value), True)
    return places


def _made_from(region: Region) -> dict[str, ast.expr]:
    """What a region cuts its batches from, by their names."""
    made: dict[str, ast.expr] = {}
    for node in ast.walk(region.node):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
        else:
            pairs = [(target, value)]
        for place, part in pairs:
            if isinstance(place, ast.Name):
                made.setdefault(place.id, part)
    return made


def _unshaped(node: ast.expr) -> ast.expr:
    while True:
        if isinstance(node, ast.Subscript):
            node = node.value
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _SHAPING
        ):
            node = node.func.value
        else:
            return node


def _held_at(node: ast.expr, region: Region, made: dict[str, ast.expr]) -> Iterator[Any]:
    """The value below an expression that only picks or shapes it, and what it was cut from."""
    for _ in range(_DEEPEST):
        node = _unshaped(node)
        value = value_at(node, region)
        if value is not None:
            yield value
        if not isinstance(node, ast.Name) or node.id not in made:
            return
        node = made[node.id]


def _behind(node: ast.expr, region: Region, made: dict[str, ast.expr]) -> Iterator[Any]:
    """All values that an expression reads, also by the names that it was made from."""
    waiting, seen = [node], {""}
    while waiting:
        for part in ast.walk(waiting.pop()):
            if isinstance(part, ast.Attribute):
                yield value_at(part, region)
            elif isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                yield value_at(part, region)
                waiting += [made[part.id]] if part.id in made else []


def loss_called(call: ast.Call, region: Region) -> Any:
    """The loss module or function that `call` is of; None if it is of neither."""
    from torch.nn import Module

    called = value_at(call.func, region)
    if isinstance(called, Module) or type(called).__module__.startswith("keras."):
        return (
            called
            if "loss" in f"{type(called).__module__} {type(called).__name__}".lower()
            else None
        )
    name = getattr(called, "__name__", "")
    if inspect.isroutine(called) and re.search("loss|entropy|likelihood|divergence|kl_div", name):
        return called
    return None


def value_at(node: ast.expr, region: Region) -> Any:
    """What a name or a chain of plain attributes holds; no code of the user's is run for it."""
    if isinstance(node, ast.Name):
        frame = region.frame
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if not isinstance(node, ast.Attribute):
        return None
    owner = value_at(node.value, region)
    own = getattr(owner, "__dict__", None)
    if not isinstance(own, dict) or owner is None:
        return None
    inner = own.get("_modules")
    if node.attr not in own and isinstance(inner, dict) and node.attr in inner:
        return inner[node.attr]
    return own.get(node.attr)
