"""What the code of a loop holds against what: inputs of a model, targets of a loss."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from nbmlops.tracking.code.names import picked_from
from nbmlops.tracking.instruments.torch_loops import Region

__all__ = ["Place", "inputs_taken", "loss_called", "places_in", "value_at"]

_SHAPING = {
    "float", "long", "to", "cuda", "view", "reshape", "squeeze", "unsqueeze", "double", "flatten",
    "type", "half", "int",
}  # fmt: skip
_DEEPEST = 4  # assignments that a batch is followed through


class Place(msgspec.Struct):
    """Where the code puts a value: against a model's answer, or into a model's `argument`."""

    target: bool
    argument: str | None = None


def places_in(regions: list[Region]) -> dict[int, Place]:
    """Where the code puts the values that it feeds to a model or holds against its answer, by id.

    What a loss is handed as it is, or what stands in a difference, is a target; what a model is
    handed is none, also where it is held against it, as an autoencoder's is.
    """
    from torch.nn import Module

    places: dict[int, Place] = {}
    for region in regions:
        made = _made_from(region)
        for node in ast.walk(region.node):
            if isinstance(node, ast.Call):
                loss = loss_called(node, region) is not None
                if not loss and not isinstance(value_at(node.func, region), Module):
                    continue
                parts = _named(node, None if loss else value_at(node.func, region))
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
                loss, parts = True, [(None, node.left), (None, node.right)]
            else:
                continue
            for name, part in parts:
                # A model may be fed what is made of a batch, with noise on it: the batch goes in.
                for value in _held_at(part, region, made) if loss else _behind(part, region, made):
                    place = places.setdefault(id(value), Place(loss, name))
                    place.target, place.argument = place.target and loss, place.argument or name
    return places


def _named(call: ast.Call, model: Any) -> list[tuple[str | None, ast.expr]]:
    """What a call hands over, each by the argument of the `model`'s ``forward`` if it has one."""
    names = [] if model is None else [p.name for p in inputs_taken(model)]
    by_place = zip(itertools.chain(names, itertools.repeat(None)), call.args, strict=False)
    return [*by_place, *((k.arg if names else None, k.value) for k in call.keywords)]


def inputs_taken(model: Any) -> list[inspect.Parameter]:
    """The arguments of a model's ``forward`` that have a name; none where it does not tell."""
    try:
        taken = inspect.signature(model.forward).parameters.values()
    except (AttributeError, TypeError, ValueError):
        return []
    return [p for p in taken if p.kind is p.POSITIONAL_OR_KEYWORD]


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


def _held_at(node: ast.expr, region: Region, made: dict[str, ast.expr]) -> Iterator[Any]:
    """The value below an expression that only picks or shapes it, and what it was cut from."""
    for _ in range(_DEEPEST):
        node = picked_from(node, _SHAPING)
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
