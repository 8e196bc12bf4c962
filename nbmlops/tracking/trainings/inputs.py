"""What went into a call: data by role and name with its fingerprint, and plain settings."""

from __future__ import annotations

import ast
import inspect
import re
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

__all__ = ["Argument", "arguments_of", "input_of", "is_data", "nbytes_of"]

# Lists that say how to train rather than on what.
_SETTINGS = {
    "cat_features", "categorical_feature", "text_features", "embedding_features", "classes",
    "feature_name", "feature_names", "eval_names", "eval_metric",
}  # fmt: skip
_MOST_SETS = 20  # a longer list of pairs is one set of samples
_PAIR = ("X", "y", "sample_weight")
_DATA_SIGNS = ("shape", "__array__", "__dataframe__", "__len__")


class Argument(msgspec.Struct, frozen=True):
    """One argument of a call: the callee's name for it, its value, the user's name for it."""

    role: str
    value: Any
    name: str


def arguments_of(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    frames: list[FrameType],
    namespace: dict[str, Any],
) -> tuple[list[Argument], dict[str, Any]]:
    """The data among a call's arguments, and its plain settings by name."""
    data: list[Argument] = []
    settings: dict[str, Any] = {}
    call = None
    for position, (role, value) in enumerate(_bound(function, args, kwargs)):
        if role in _SETTINGS:
            settings[role] = value
            continue
        for part, item in _parts(role, plain_number(value)):
            if not is_data(item):
                if part == role and (item is None or type(item) in (bool, int, float, str)):
                    settings[role] = item
                continue
            name = name_of(item, namespace, frames)
            several = len(names := names_of(item, namespace)) > 1
            if frames and (name is None or several):
                call = call or call_node(frames[0])
                node = _part_of(argument_of(call, position, role), part[len(role) :])
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
                (_PAIR[n] if n < len(_PAIR) else f"{name}[{n}]", v) for n, v in enumerate(value)
            ]
        else:
            found.append((name, value))
    return found


def _parts(role: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A validation set is a list of (X, y) pairs, or one pair: each of its parts is an input."""
    if type(value) not in (list, tuple) or not value or len(value) > _MOST_SETS:
        yield role, value
    elif all(type(pair) is tuple and all(map(_is_table, pair)) for pair in value):
        for number, pair in enumerate(value):
            for part, item in zip(_PAIR, pair, strict=False):
                yield f"{role}[{number}].{part}", item
    elif type(value) is tuple and all(map(_is_table, value)):
        for part, item in zip(_PAIR, value, strict=False):
            yield f"{role}.{part}", item
    else:
        yield role, value


def _part_of(node: ast.expr | None, path: str) -> ast.expr | None:
    """The expression of a part that `_parts` names: ``b`` of ``[(a, b)]`` for ``[0].y``."""
    for step in re.findall(r"\w+", path):
        place = _PAIR.index(step) if step in _PAIR else int(step)
        if not isinstance(node, ast.List | ast.Tuple) or place >= len(node.elts):
            return None
        node = node.elts[place]
    return node


def _is_table(value: Any) -> bool:
    return hasattr(type(value), "shape") or hasattr(type(value), "__array__")
