"""A model's parameters, as its library spells them, and which differ from the defaults."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from typing import Any

from nbmlops.records import Gap, Parameter, Scalar
from nbmlops.tracking.redaction import hide_value

__all__ = ["as_scalar", "brief", "defaults_of", "named_parameters", "parameters_of"]

_LONGEST = 2000
_MOST = 2000
_NO_DEFAULT = object()
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # differs from run to run, and says nothing
_MANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters_of(model: Any) -> tuple[tuple[Parameter, ...], tuple[str, ...], tuple[Gap, ...]]:
    """The parameters of `model` before it is trained, what was hidden, and the gaps."""
    gaps: list[Gap] = []
    try:
        values = dict(model.get_params(deep=True))
    except AttributeError:
        values = _constructor_values(model)
    except (Exception, RecursionError) as error:  # noqa: BLE001 - a user's own get_params may raise anything; it becomes a gap
        gaps.append(Gap(what="parameters", why=f"get_params raised {type(error).__name__}."))
        values = _constructor_values(model)
    defaults: dict[str, dict[str, Any]] = {}
    told: dict[str, tuple[Any, bool]] = {}
    for name, value in values.items():
        owner, _, own = str(name).rpartition("__")
        if owner not in defaults:
            defaults[owner] = _defaults(values.get(owner) if owner else model)
        told[str(name)] = (value, _same(value, defaults[owner].get(own, _NO_DEFAULT)))
    parameters, hidden = _parameters(told)
    return parameters, hidden, tuple(gaps)


def named_parameters(
    values: dict[str, Any], defaults: dict[str, Any] | None = None
) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """Parameters handed to a function by name, beside what it takes by default."""
    known = defaults or {}
    told = {
        name: (value, _same(value, known.get(name, _NO_DEFAULT))) for name, value in values.items()
    }
    return _parameters(told)


def defaults_of(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function takes by default, by name."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    return {name: p.default for name, p in parameters.items() if p.default is not p.empty}


def as_scalar(value: Any) -> Scalar:
    """`value` as JSON holds it: a number, a truth value, None, or a bounded text."""
    if value is None or isinstance(value, bool | str):
        return value[:_LONGEST] if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return as_scalar(value.item())
    return brief(value)


def brief(value: Any, depth: int = 3) -> str:  # noqa: PLR0911 - one line a kind of value
    """A short text for any value, made without calling code of the value's own where possible."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)[:_LONGEST]
    kind = type(value)
    if depth == 0:
        return f"{kind.__name__}(…)"
    if kind in (list, tuple, set, frozenset):
        items = [brief(item, depth - 1) for item in list(value)[:20]]
        more = ", …" if len(value) > 20 else ""
        left, right = ("[", "]") if kind is list else ("(", ")") if kind is tuple else ("{", "}")
        return f"{left}{', '.join(items)}{more}{right}"[:_LONGEST]
    if kind is dict:
        items = [f"{brief(k, 1)}: {brief(v, depth - 1)}" for k, v in list(value.items())[:20]]
        return f"{{{', '.join(items)}{', …' if len(value) > 20 else ''}}}"[:_LONGEST]
    if isinstance(value, type) or inspect.isroutine(value):
        return f"{value.__module__}.{getattr(value, '__qualname__', kind.__name__)}"[:_LONGEST]
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{kind.__name__}{shape}"
    if hasattr(kind, "get_params"):
        return f"{kind.__name__}()"
    frozen = getattr(value, "dist", None)
    if frozen is not None and kind.__module__.startswith("scipy.stats"):
        given = [brief(item, depth - 1) for item in (*value.args, *value.kwds.values())]
        return f"{frozen.name}({', '.join(given)})"[:_LONGEST]
    if getattr(kind, "__repr__", None) is object.__repr__:
        return f"{kind.__name__}()"
    try:
        return _ADDRESS.sub("", repr(value))[:_LONGEST]
    except Exception:  # noqa: BLE001 - a user's own __repr__ may raise anything; the class names the value
        return f"{kind.__name__}()"


def _parameters(
    told: dict[str, tuple[Any, bool]],
) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    parameters, hidden = [], []
    for name, (value, is_default) in list(told.items())[:_MOST]:
        scalar = as_scalar(value)
        if isinstance(scalar, str):
            scalar, was_secret = hide_value(name, scalar)
            if was_secret:
                hidden.append(f"parameter {name}")
        parameters.append(Parameter(name=name[:250], value=scalar, is_default=is_default))
    return tuple(parameters), tuple(hidden)


def _constructor_values(model: Any) -> dict[str, Any]:
    """What the constructor took, as far as it is still there, and other plain settings."""
    try:
        attributes = dict(vars(model))
    except TypeError:
        return {}
    values = {}
    for name in _defaults(model):
        for spelled in (name, f"_{name}"):
            if spelled in attributes:
                values[name] = attributes[spelled]
    for name, value in attributes.items():
        if name.endswith("_"):
            continue
        if hasattr(type(value), "get_params") and hasattr(type(value), "fit"):
            values.setdefault(name.lstrip("_"), value)
            values.update(_inner_values(name.lstrip("_"), value))
        elif isinstance(value, bool | int | float | str) and value and not name.startswith("_"):
            # Nothing, zero and the empty text are where a state begins, not settings.
            values.setdefault(name, value)
    return {name: value for name, value in values.items() if not name.startswith("_")}


def _inner_values(name: str, estimator: Any) -> dict[str, Any]:
    """An estimator inside a class of the user's: its parameters as scikit-learn would nest them."""
    try:
        return {f"{name}__{k}": v for k, v in estimator.get_params(deep=True).items()}
    except Exception:  # noqa: BLE001 - a user's own get_params may raise anything; the owner's parameters still count
        return {}


def _defaults(model: Any) -> dict[str, Any]:
    """What the constructor takes by default; one that takes ``**kwargs`` hands them to its base."""
    found: dict[str, Any] = {}
    for cls in type(model).__mro__:
        if "__init__" not in vars(cls):
            continue
        try:
            signature = inspect.signature(vars(cls)["__init__"])
        except (TypeError, ValueError):
            break
        for name, parameter in signature.parameters.items():
            if name != "self" and parameter.kind not in _MANY:
                default = parameter.default
                found.setdefault(name, _NO_DEFAULT if default is parameter.empty else default)
        if not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
            break
    return found


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if type(value) is not type(default):
        return False
    if isinstance(value, float) and math.isnan(value):
        return math.isnan(default)
    if isinstance(value, bool | int | float | str | tuple | list | dict):
        try:
            return bool(value == default)
        except Exception:  # noqa: BLE001 - comparing users' objects may raise anything; they then differ
            return False
    return False
