"""The tables that a loop's batches are drawn from by functions and objects of the user's own.

``xb, yb = get_batch("train")`` reads its tables by their global names, ``loader.next_batch()`` from
the object; neither stands in the loop's own code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.instruments.torch_loops import Region, own_parts
from nbmlops.tracking.instruments.torch_roles import value_at

__all__ = ["drawn_from", "read_outside"]

_DEEPEST = 2  # functions that a sampler calls in turn

Held = tuple[str, Any]
"""A name and what it holds."""


def drawn_from(region: Region) -> Iterator[tuple[ast.Call, Held]]:
    """What is read by the samplers that a region calls, with the call.

    A sampler is what the user wrote and hands neither a module nor a tensor: what is handed one
    judges a batch or changes it.
    """
    for call in _bound_calls(region.node):
        handed = [*call.args, *(word.value for word in call.keywords)]
        if any(_is_torch(value_at(part, region)) for node in handed for part in _names(node)):
            continue
        for held in _read_by(call.func, region):
            yield call, held


def read_outside(function: FunctionType) -> Iterator[Held]:
    """The globals and the enclosing functions' names that a function reads, which have a value."""
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a name that has no value yet
            continue


def _bound_calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls whose answers are bound to names, one by one or by a loop."""
    for part in own_parts(node):
        made = part.value if isinstance(part, ast.Assign) else getattr(part, "iter", None)
        if isinstance(made, ast.Call):
            yield made


def _read_by(called: ast.expr, region: Region) -> Iterator[Held]:
    function = value_at(called, region)
    if isinstance(function, FunctionType) and is_own(function):
        yield from _of_function(function, _DEEPEST)
    elif isinstance(called, ast.Attribute):
        yield from _of_method(called, region)


def _of_function(function: FunctionType, deeper: int) -> Iterator[Held]:
    read = list(read_outside(function))
    if any(_is_torch(value, tensors=False) for _, value in read):
        return  # it works with the model
    for name, value in read:
        if _is_table(value):
            yield name, value
        elif isinstance(value, FunctionType) and deeper and is_own(value):
            yield from _of_function(value, deeper - 1)


def _of_method(called: ast.Attribute, region: Region) -> Iterator[Held]:
    owner = value_at(called.value, region)
    method = getattr(type(owner), called.attr, None)
    if not isinstance(method, FunctionType) or not is_own(type(owner)) or _is_torch(owner):
        return
    own = getattr(owner, "__dict__", {})
    for name in method.__code__.co_names:
        if _is_table(own.get(name)):
            yield f"{ast.unparse(called.value)}.{name}", own[name]


def _is_table(value: Any) -> bool:
    """Whether a value has rows: a list may be a vocabulary."""
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and len(shape) > 0 and not isinstance(value, type)


def _is_torch(value: Any, *, tensors: bool = True) -> bool:
    from torch import Tensor
    from torch.nn import Module

    return isinstance(value, Module) or (tensors and isinstance(value, Tensor))


def _names(node: ast.expr) -> Iterator[ast.expr]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute))
