"""What went into a call: data by role and name with its fingerprint, and plain settings."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import msgspec

from nbmlops.data import fingerprint
from nbmlops.errors import FingerprintError
from nbmlops.records import DataInput, Fingerprint
from nbmlops.tracking.brevity import plain_number
from nbmlops.tracking.code.data_names import caller_name
from nbmlops.tracking.code.frames import (
    argument_of,
    call_node,
    data_root,
    name_of,
    names_of,
    written,
)
from nbmlops.tracking.trainings.binding import bind

__all__ = [
    "PAIR",
    "Argument",
    "Steps",
    "arguments_of",
    "input_of",
    "is_data",
    "is_table",
    "nbytes_of",
    "tables_of",
]

# Lists that say how to train rather than on what.
_SETTINGS = {
    "cat_features", "categorical_feature", "text_features", "embedding_features", "classes",
    "feature_name", "feature_names", "eval_names", "eval_metric",
}  # fmt: skip
_MOST_SETS = 20  # a longer list of pairs is one set of samples
PAIR = ("X", "y", "sample_weight")
_DATA_SIGNS = ("shape", "__array__", "__dataframe__", "__len__")


Steps = tuple[int | str, ...]
Parts = Callable[[str, Any], Iterator[tuple[str, Steps, Any]]]
"""The parts of an argument: each by its role, the steps that lead to it, and its value."""


class Argument(msgspec.Struct, frozen=True):
    """One argument of a call: the callee's name for it, its value, the user's name for it."""

    role: str
    value: Any
    name: str


def pairs_of(role: str, value: Any) -> Iterator[tuple[str, Steps, Any]]:
    """A validation set is a list of (X, y) pairs, or one pair: each of its parts is an input."""
    if type(value) not in (list, tuple) or not value or len(value) > _MOST_SETS:
        yield role, (), value
    elif all(type(pair) is tuple and all(map(is_table, pair)) for pair in value):
        for number, pair in enumerate(value):
            for place, (part, item) in enumerate(zip(PAIR, pair, strict=False)):
                yield f"{role}[{number}].{part}", (number, place), item
    elif type(value) is tuple and all(map(is_table, value)):
        for place, (part, item) in enumerate(zip(PAIR, value, strict=False)):
            yield f"{role}.{part}", (place,), item
    else:
        yield role, (), value


def tables_of(role: str, value: Any) -> Iterator[tuple[str, Steps, Any]]:
    """A list or dict of tables, as a model of several inputs takes it: each is an input."""
    several = type(value) in (list, tuple, dict) and 0 < len(value) <= _MOST_SETS
    if several and type(value) is dict and all(map(is_table, value.values())):
        for key, item in value.items():
            yield f"{role}.{key}", (key,), item
    elif several and type(value) is not dict and all(map(is_table, value)):
        for number, item in enumerate(value):
            yield f"{role}[{number}]", (number,), item
    else:
        yield role, (), value


def arguments_of(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    frames: list[FrameType],
    namespace: dict[str, Any],
    *,
    parts: Parts = pairs_of,
) -> tuple[list[Argument], dict[str, Any]]:
    """The data among a call's arguments, each of its `parts`, and its plain settings by name."""
    data: list[Argument] = []
    settings: dict[str, Any] = {}
    call = None
    for position, (role, value) in enumerate(_bound(function, args, kwargs)):
        if role in _SETTINGS:
            settings[role] = value
            continue
        for part, steps, item in parts(role, plain_number(value)):
            if not is_data(item):
                if part == role and (item is None or type(item) in (bool, int, float, str)):
                    settings[role] = item
                continue
            name = name_of(item, namespace, frames)
            several = len(names := names_of(item, namespace)) > 1
            if frames and (name is None or several):
                call = call or call_node(frames[0])
                node = _part_of(argument_of(call, position, role), steps)
                if name is None:
                    name = written(node)
                elif (told := caller_name(frames, node, namespace)) in names:
                    name = told  # of its names, the one that the cell has written here
            data.append(Argument(part, item, name or part))
    return data, settings


def input_of(argument: Argument) -> DataInput:
    """Fingerprint an argument; data that cannot be read is ``unknown``, with the reason.

    What was fingerprinted before, while it still lived, is taken as it is.
    """
    if type(argument.value) is DataInput:  # `isinstance` asks the object, which may raise
        return msgspec.structs.replace(argument.value, role=argument.role)
    try:
        print_ = fingerprint(argument.value, argument.name)
    except FingerprintError as error:
        print_ = Fingerprint(kind="unknown", name=argument.name, reason=str(error))
    except Exception as error:  # noqa: BLE001 - a user's own object may raise anything; the record says so
        why = f"it raised {type(error).__name__} while it was read"
        print_ = Fingerprint(kind="unknown", name=argument.name, reason=why)
    return DataInput(role=argument.role, name=argument.name, fingerprint=print_)


def is_data(value: Any) -> bool:
    """Whether a value is a data object: something with a shape, rows, or a sequence of values."""
    kind = type(value)  # never `value.__class__`, which may be code of the user's
    if value is None or issubclass(kind, bool | int | float | complex | str | bytes | type):
        return False
    try:
        if issubclass(kind, list | tuple):
            return len(value) > 0 and not callable(value[0])
        if issubclass(kind, dict | set) or callable(value):
            return False
        return any(hasattr(kind, sign) for sign in _DATA_SIGNS)
    except Exception:  # noqa: BLE001 - a user's own class may raise anything; what calls itself a sequence is data
        return True


def nbytes_of(value: Any) -> int:
    """How large a data object says that it is, in bytes; 0 if it does not."""
    try:
        told = getattr(value, "nbytes", 0)
    except Exception:  # noqa: BLE001 - a user's own attribute may raise anything
        return 0
    return told if type(told) is int else 0


def base_name(argument: Argument) -> str:
    """The name of the data underneath: ``X_test`` of ``X_test[columns]``."""
    try:
        return data_root(ast.parse(argument.name, mode="eval").body) or argument.name
    except SyntaxError:
        return argument.name


def _bound(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[tuple[str, Any]]:
    try:
        bound = bind(function, args, kwargs)
    except (TypeError, ValueError):
        names = ["X", "y", *(f"argument_{n}" for n in range(3, len(args) + 1))]
        return [*zip(names, args, strict=False), *kwargs.items()]
    found: list[tuple[str, Any]] = []
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            found += value.items()
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            # A decorated fit often takes (*args): its data then stands in scikit-learn's order.
            found += [
                (PAIR[n] if n < len(PAIR) else f"{name}[{n}]", v) for n, v in enumerate(value)
            ]
        else:
            found.append((name, value))
    return found


def _part_of(node: ast.expr | None, steps: Steps) -> ast.expr | None:
    """The expression of a part: ``b`` of ``[(a, b)]`` or ``{"y": b}``, ``s["y"]`` of ``s``."""
    for step in steps:
        if isinstance(node, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
            node = node.values[keys.index(step)] if step in keys else None
        elif isinstance(node, ast.List | ast.Tuple) and type(step) is int and step < len(node.elts):
            node = node.elts[step]
        elif isinstance(node, ast.Name) and type(step) is str:
            node = ast.Subscript(value=node, slice=ast.Constant(step), ctx=ast.Load())
        else:
            return None
    return node


def is_table(value: Any) -> bool:
    """Whether a value is an array or frame, rather than a sequence of Python's."""
    return hasattr(type(value), "shape") or hasattr(type(value), "__array__")
