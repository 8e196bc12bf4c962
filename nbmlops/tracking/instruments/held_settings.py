"""Settings of a hand-written training that something holds: a dict, a class, an optimizer."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Parameter
from nbmlops.tracking.brevity import plain_number
from nbmlops.tracking.code.names import names_in
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.inference.assignments import bound_in
from nbmlops.tracking.inference.cell import parse_cell
from nbmlops.tracking.inference.hyperparameters import entries_read, literals
from nbmlops.tracking.instruments.moved_objects import settings_of

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["held_settings", "literals_handed", "settings_handed", "with_helpers"]

_PLAIN = (bool, int, float, str)


def held_settings(tracker: Tracker, node: ast.AST, fitted: Iterable[str]) -> dict[str, Any]:
    """What `node` reads of dicts and classes whose literals the notebook has written, by key."""
    own = {name.partition(".")[0] for name in fitted}
    space = tracker.namespace
    read = {
        text: (space.get(name), key)
        for text, (name, key) in entries_read(node).items()
        if name not in own and name in space
    }
    found: dict[str, Any] = {}
    for executed in reversed(tracker.history.executed if read else ()):
        words = {text: _spelled(text, holder) for text, (holder, _) in read.items()}
        if not any(word.split("[")[0].split(".")[0] in executed.source for word in words.values()):
            continue
        tree = parse_cell(executed.source)
        bound = literals(tree.body) if tree is not None else {}
        for text, (holder, key) in list(read.items()):
            if text in bound or words[text] in bound:
                del read[text]
                if type(value := _held(holder, key)) in _PLAIN:
                    found.setdefault(key, value)
    return found


def literals_handed(
    node: ast.AST, space: Mapping[str, Any], fitted: Iterable[str]
) -> dict[str, Any]:
    """The numbers that `node` writes into calls of the user's functions, by what those call them.

    The function must be handed more than plain values, or read what is fitted itself.
    """
    own = {name.partition(".")[0] for name in fitted}
    found: dict[str, set[Any]] = {}
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        function = space.get(call.func.id)
        if type(function) is not FunctionType or not is_own(function):
            continue
        taken = function.__code__.co_varnames[: function.__code__.co_argcount]
        given = [*zip(taken, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
        names = {n for _, value in given for n in names_in([value])}
        works = own & {*function.__code__.co_names}
        if not works and all(type(space.get(name)) in _PLAIN for name in names):
            continue
        for name, value in given:
            if name and isinstance(value, ast.Constant) and type(value.value) in (int, float):
                found.setdefault(name, set()).add(value.value)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def settings_handed(node: ast.AST, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a function reads of the dicts and objects of settings that it was handed, by key."""
    found: dict[str, Any] = {}
    for name, key in entries_read(node).values():
        holder = given.get(name)
        if _keeps_settings(holder) and type(value := _held(holder, key)) in _PLAIN:
            found.setdefault(key, value)
    return found


def with_helpers(
    tracker: Tracker,
    node: ast.AST,
    helpers: Mapping[str, Any],
    parameters: tuple[Parameter, ...],
) -> tuple[Parameter, ...]:
    """`parameters`, and those that the objects were made with whose methods `node` calls.

    An optimizer of one's own says how far a step goes.
    """
    known = {parameter.name for parameter in parameters}
    called = dict.fromkeys(
        part.func.value.id
        for part in ast.walk(node)
        if isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and isinstance(part.func.value, ast.Name)
    )
    made = bound_in(node)
    for name in called:
        # What the loop itself makes, such as a loss that goes backward, says nothing of it.
        if name not in made and name in helpers and is_own(type(helpers[name])):
            taken = _taken(type(helpers[name]))
            for parameter in settings_of(tracker, helpers[name])[0]:
                plain = type(parameter.value) in (bool, int, float)
                if parameter.name in taken - known and plain:
                    known.add(parameter.name)
                    parameters = (*parameters, parameter)
    return parameters


def _taken(kind: type) -> set[str]:
    """The names of what a class is made with; what its objects count is none of it."""
    try:
        return set(inspect.signature(kind).parameters)
    except (TypeError, ValueError):
        return set()


def _spelled(text: str, holder: Any) -> str:
    """An attribute as the class spells it that it is an object of: ``Config.lr`` of ``cfg.lr``."""
    if not is_own(type(holder)) or isinstance(holder, type):
        return text
    return f"{type(holder).__name__}.{text.partition('.')[2]}"


def _keeps_settings(holder: Any) -> bool:
    """Whether a value only keeps plain values by name."""
    if type(holder) is dict:
        return all(type(key) is str for key in holder) and any(
            type(value) in _PLAIN for value in holder.values()
        )
    kind = holder if isinstance(holder, type) else type(holder)
    if kind.__name__ in ("SimpleNamespace", "Namespace"):
        return True
    return is_own(kind) and not any(
        callable(value) for name, value in vars(kind).items() if not name.startswith("__")
    )


def _held(holder: Any, key: str) -> Any:
    try:
        held = holder[key] if type(holder) is dict else vars(holder).get(key)
        if held is None and not isinstance(holder, dict | type):
            held = vars(type(holder)).get(key)
    except Exception:  # noqa: BLE001 - a user's own object may raise anything; it then holds nothing
        return None
    return plain_number(held)
