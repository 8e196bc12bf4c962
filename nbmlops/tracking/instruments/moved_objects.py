"""Objects that the code around them trains: which of a call's, and what they were made with."""

from __future__ import annotations

import ast
import numbers
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.records import Parameter
from nbmlops.tracking.brevity import plain_number
from nbmlops.tracking.code.frames import name_of
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.inference.assignments import bound_in
from nbmlops.tracking.inference.cell import parse_cell
from nbmlops.tracking.inference.function import Recipe
from nbmlops.tracking.inference.namespace import is_fitted, kind_of
from nbmlops.tracking.inference.world import Kind
from nbmlops.tracking.redaction import hide_value
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.parameters import attributes_of, defaults_of, parameters_of

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["is_plain_list", "is_trained_object", "module_owning", "moved_by", "settings_of"]

_MOST_PARTS = 20
_UNKNOWN = object()


def is_plain_list(value: Any) -> bool:
    """Whether a list or tuple is plain and short, as the sizes of a network's layers are."""
    return (
        type(value) in (list, tuple)
        and len(value) <= _MOST_PARTS
        and all(type(part) in (bool, int, float, str) for part in value)
    )


def is_trained_object(value: Any) -> bool:
    """Whether a value is one object that holds what is trained: a user's own, a torch module."""
    return kind_of(value) is Kind.OBJECT or hasattr(type(value), "parameters")


def moved_by(
    function: Callable[..., Any],
    recipe: Recipe,
    definition: ast.FunctionDef,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments of a call that it trains where they are, by name: a model, an array."""
    given = bind(function, args, kwargs).arguments
    # ``w = w - …`` leaves what was handed over as it was.
    anew = {
        name
        for node in ast.walk(definition)
        if isinstance(node, ast.Assign)
        for target in node.targets
        for name in bound_in(target)
    }
    roots = dict.fromkeys(_asked(name.partition(".")[0], definition) for name in recipe.parameters)
    return {
        name: given[name]
        for name in roots
        if name in given and name not in anew and not isinstance(given[name], numbers.Number)
        if is_trained_object(given[name]) or is_fitted(given[name])
    }


def _asked(name: str, definition: ast.FunctionDef) -> str:
    """``net``, of which ``params = list(net.parameters())`` asks for what is moved; else `name`."""
    for node in ast.walk(definition):
        made = isinstance(node, ast.Assign) and name in {ast.unparse(t) for t in node.targets}
        for part in ast.walk(node.value) if made and isinstance(node, ast.Assign) else ():
            if isinstance(part, ast.Attribute) and part.attr == "parameters":
                return part.value.id if isinstance(part.value, ast.Name) else name
    return name


def module_owning(tracker: Tracker, value: Any) -> tuple[str, Any] | None:
    """The one module, by its name, whose parameters a list, or an object's list, holds.

    So does an optimizer of one's own: what it moves is the module's.
    """
    torch = sys.modules.get("torch")
    if torch is None or isinstance(value, torch.nn.Module):
        return None
    held = list(attributes_of(value).values()) if is_own(type(value)) else [value]
    lists = [part for part in held if type(part) in (list, tuple)]
    tensors = [t for part in lists for t in part if isinstance(t, torch.nn.Parameter)]
    if not tensors:
        return None
    from nbmlops.tracking.instruments.torch_modules import owners_of

    owners = owners_of(tensors, tracker.frames(), dict(tracker.namespace))
    return owners[0] if len(owners) == 1 else None


def settings_of(tracker: Tracker, model: Any) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """What an object of the user's own class was made with, and what of it was hidden."""
    if not is_own(type(model)):
        return (), ()
    seen = tracker.constructions.of(model)
    written = _written_for(tracker, model) if seen is None else None
    plain = {k: v for k, v in (written or {}).items() if v is not _UNKNOWN}
    parameters, hidden, _ = parameters_of(model, plain if seen is None else seen)
    if written is not None:
        made_with = {**defaults_of(type(model)), **written}
        parameters = tuple(_as_made(p, made_with, written) for p in parameters)
    return parameters, hidden


def _as_made(now: Parameter, made_with: Mapping[str, Any], written: Mapping[str, Any]) -> Parameter:
    """A parameter as the object was made, whatever it became since: ``eps *= 0.9``."""
    value = plain_number(made_with.get(now.name, _UNKNOWN))
    if type(value) not in (bool, int, float, str) or value == now.value:
        return now
    if hide_value(now.name, str(value))[1]:
        return now
    return Parameter(name=now.name, value=value, is_default=now.name not in written)


def _written_for(tracker: Tracker, model: Any) -> Mapping[str, Any] | None:
    """What the constructor of `model` was handed, as the notebook wrote it.

    Not every class is watched, for its objects may be many; of those that a loop in a cell trains
    the call is read: its literals, and names that are bound to plain values.
    """
    name = name_of(model, tracker.namespace, [])
    if name is None:
        return None
    for executed in reversed(tracker.history.executed):
        if name not in executed.source or (tree := parse_cell(executed.source)) is None:
            continue
        for node in reversed(list(ast.walk(tree))):
            if isinstance(node, ast.Assign) and name in {ast.unparse(t) for t in node.targets}:
                return _written(node.value, model, tracker.namespace)
    return None


def _written(made: ast.expr, model: Any, namespace: Mapping[str, Any]) -> dict[str, Any] | None:
    if not (isinstance(made, ast.Call) and isinstance(made.func, ast.Name)):
        return None
    if namespace.get(made.func.id) is not type(model):
        return None
    args = [_plain(argument, namespace) for argument in made.args]
    named = {k.arg: _plain(k.value, namespace) for k in made.keywords if k.arg}
    try:
        return dict(bind(type(model), tuple(args), named).arguments)
    except (TypeError, ValueError):
        return None


def _plain(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        value = plain_number(namespace.get(node.id, _UNKNOWN))
    else:
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return _UNKNOWN
    return value if type(value) in (bool, int, float, str) or is_plain_list(value) else _UNKNOWN
