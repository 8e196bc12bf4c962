"""A model's parameters, as its library spells them, and which differ from the defaults."""

from __future__ import annotations

import ast
import dis
import inspect
import math
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from nbmlops.records import Gap, Parameter, digest
from nbmlops.tracking.brevity import as_scalar, brief, plain_number, shortened, spelled
from nbmlops.tracking.code.makers import assignments
from nbmlops.tracking.code.own import definition_of, is_own
from nbmlops.tracking.redaction import hide_value

__all__ = [
    "as_scalar",
    "attributes_of",
    "brief",
    "defaults_of",
    "named_parameters",
    "parameters_of",
]

_MOST = 2000  # parameters of one model; the rest is kept as a digest
_NO_DEFAULT = object()
_MANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters_of(
    model: Any, given: Mapping[str, Any] | None = None
) -> tuple[tuple[Parameter, ...], tuple[str, ...], tuple[Gap, ...]]:
    """The parameters of `model` before it is trained, what was hidden, and the gaps.

    `given` is what its constructor was handed and it does not keep, as far as that was seen.
    """
    gaps: list[Gap] = []
    told_by_itself = False
    try:
        values = dict(model.get_params(deep=True))
        values = _without_own_callbacks(model, values)
        told_by_itself = True
    except AttributeError:
        values = _constructor_values(model)
    except Exception as error:  # noqa: BLE001 - a user's own get_params may raise anything; it becomes a gap
        gaps.append(Gap(what="parameters", why=f"get_params raised {type(error).__name__}."))
        values = _constructor_values(model)
    for name, value in (given or {}).items():
        # An estimator inside may keep it.
        if not any(n.endswith(f"__{name}") and _same(value, v) for n, v in values.items()):
            values.setdefault(name, value)
    lost = [] if told_by_itself else [name for name in _defaults(model) if name not in values]
    if lost:
        why = f"{type(model).__name__} keeps no {', '.join(lost[:5])} of what it was made with."
        gaps.append(Gap(what="parameters", why=why))
    defaults: dict[str, dict[str, Any]] = {}
    told: dict[str, tuple[Any, bool]] = {}
    for name, value in values.items():
        owner, own = _owner_of(str(name), values)
        if own.startswith("_"):
            continue  # a library's own, as skorch keeps it among its parameters
        if owner not in defaults:
            defaults[owner] = _defaults(values.get(owner) if owner else model)
        told[str(name)] = (value, _same(value, defaults[owner].get(own, _NO_DEFAULT)))
    parameters, hidden = _parameters(told)
    if len(told) > _MOST:
        why = f"{len(told):,} parameters; the record keeps {_MOST:,} and a digest of the rest."
        gaps.append(Gap(what="parameters", why=why))
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


def attributes_of(obj: Any) -> dict[str, Any]:
    """What an object holds by name, without code of its own; empty where it does not tell."""
    try:
        return dict(vars(obj))
    except Exception:  # noqa: BLE001 - a user's own `__dict__` may raise anything
        return {}


def _parameters(
    told: dict[str, tuple[Any, bool]],
) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    parameters, hidden = [], []
    if len(told) > _MOST:  # what differs from the defaults says most
        told = dict(sorted(told.items(), key=lambda item: item[1][1]))
    for name, (value, is_default) in list(told.items())[:_MOST]:
        scalar = spelled(value)
        if isinstance(scalar, str):
            # Before it is shortened: half a credential looks like none.
            scalar, was_secret = hide_value(name, scalar)
            if was_secret:
                hidden.append(f"parameter {shortened(name, 100)}")
            scalar = shortened(scalar)
        parameters.append(Parameter(name=shortened(name, 250), value=scalar, is_default=is_default))
    if (more := len(told) - _MOST) > 0:
        rest = [[name, as_scalar(value)] for name, (value, _) in list(told.items())[_MOST:]]
        text = f"{more:,} more, blake3 {digest(rest)[:16]}"
        parameters.append(Parameter(name="more_parameters", value=text, is_default=False))
    return tuple(parameters), tuple(hidden)


def _constructor_values(model: Any) -> dict[str, Any]:
    """What the constructor took, as far as it is still there, and other plain settings."""
    attributes = attributes_of(model)
    values: dict[str, Any] = {}
    renamed = _renamed(type(model))
    for name in _defaults(model):
        for kept in (name, f"_{name}", *(k for k, given in renamed.items() if given == name)):
            if kept in attributes:
                values.setdefault(name, attributes[kept])
    own, worked_out = _set_by_own_code(type(model)), _worked_out(type(model))
    for name, value in attributes.items():
        if name.endswith("_") or (own is not None and name not in own):
            continue
        if hasattr(type(value), "get_params") and hasattr(type(value), "fit"):
            values.setdefault(name.lstrip("_"), value)
            values.update(_inner_values(name.lstrip("_"), value))
        elif name in worked_out or name in renamed:
            continue
        elif type(value) in (bool, int, float, str) and value and not name.startswith("_"):
            # Nothing, zero and the empty text are where a state begins, not settings.
            values.setdefault(name, value)
    return {name: value for name, value in values.items() if not name.startswith("_")}


def _set_by_own_code(cls: type) -> set[str] | None:
    """The attributes that the user's part of a class sets, where it has a library's base as well.

    What the base alone sets is its state, such as ``training`` of every torch module.
    """
    bases = [base for base in cls.__mro__ if base is not object]
    own = [base for base in bases if is_own(base)]
    if not own or len(own) == len(bases):
        return None
    return {
        str(step.argval)
        for base in own
        for value in vars(base).values()
        if (code := getattr(value, "__code__", None)) is not None
        for step in dis.get_instructions(code)
        if step.opname == "STORE_ATTR"
    }


def _renamed(cls: type) -> dict[str, str]:
    """The attributes that keep an argument under another name: ``self.lr0 = lr``."""
    taken = _defaults_of_class(cls)
    kept = {
        place.partition(".")[2]: value.id
        for constructor in _constructors(cls)
        for place, made in assignments(constructor).items()
        for _, value in made
        if isinstance(value, ast.Name) and value.id in taken
    }
    return {attribute: name for attribute, name in kept.items() if attribute not in {"", *taken}}


def _worked_out(cls: type) -> set[str]:
    """The attributes that constructors of the user's work out: ``self.n_layers = len(sizes)``.

    What they bind to a literal is a setting, written where others have an argument.
    """
    found: set[str] = set()
    for node in (part for constructor in _constructors(cls) for part in ast.walk(constructor)):
        if isinstance(node, ast.Assign) and not isinstance(
            node.value, ast.Constant | ast.Name | ast.UnaryOp | ast.Tuple
        ):
            found |= {t.attr for t in node.targets if isinstance(t, ast.Attribute)}
    return found - _defaults_of_class(cls).keys()


def _constructors(cls: type) -> list[ast.FunctionDef]:
    """The constructors of a class that are the user's, as written."""
    made = [vars(base).get("__init__") for base in cls.__mro__ if is_own(base)]
    plain = [f for f in map(inspect.unwrap, filter(callable, made)) if type(f) is FunctionType]
    return [f for f in map(definition_of, plain) if isinstance(f, ast.FunctionDef)]


def _inner_values(name: str, estimator: Any) -> dict[str, Any]:
    """An estimator inside a class of the user's: its parameters as scikit-learn would nest them."""
    try:
        return {f"{name}__{k}": v for k, v in estimator.get_params(deep=True).items()}
    except Exception:  # noqa: BLE001 - a user's own get_params may raise anything; the owner's parameters still count
        return {}


def _defaults(model: Any) -> dict[str, Any]:
    return _defaults_of_class(type(model))


def _defaults_of_class(kind: type) -> dict[str, Any]:
    """What the constructor takes by default; one that takes ``**kwargs`` hands them to its base."""
    found: dict[str, Any] = {}
    for cls in kind.__mro__:
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


def _owner_of(name: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The parameter that holds `name`'s object, and what that object calls it."""
    owner, _, own = name.rpartition("__")
    before, _, private = name.partition("___")
    return (before, f"_{private}") if private and before in values else (owner, own)


def _without_own_callbacks(model: Any, values: dict[str, Any]) -> dict[str, Any]:
    """`values` without the callbacks that skorch's networks, also inside others, bring along."""
    networks = {"": model, **{f"{name}__": value for name, value in values.items()}}
    own = tuple(
        f"{prefix}callbacks__{name}"
        for prefix, network in networks.items()
        if any(base.__module__.startswith("skorch.") for base in type(network).__mro__)
        for name, *_ in getattr(network, "_default_callbacks", ())
    )
    if not own:
        return values
    return {
        name: value
        for name, value in values.items()
        if name not in own and not name.startswith(tuple(f"{callback}__" for callback in own))
    }


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    value, default = plain_number(value), plain_number(default)
    kind, other = type(value), type(default)
    if (kind is int and other is float) or (kind is float and other is int):
        return bool(value == default)  # 1 and 1.0 are one setting
    if kind is not other or not issubclass(kind, bool | int | float | str | tuple | list | dict):
        return False
    if kind is float and math.isnan(value):
        return math.isnan(default)
    try:
        return bool(value == default)
    except Exception:  # noqa: BLE001 - comparing users' objects may raise anything; they then differ
        return False
