"""The notebook's namespace, as the rules ask about it: what is data, a number, an own object."""

from __future__ import annotations

import ast
import builtins
import inspect
import numbers
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

from nbmlops.tracking.code.own import definition_of, is_own
from nbmlops.tracking.inference.world import Function, Kind

__all__ = ["NamespaceWorld", "holds_numbers", "holds_signs", "is_fitted", "is_grid", "kind_of"]

_SHORTEST_TEXT = 50  # characters; what is shorter is a name, a path or a choice
_MOST_HELD = 200  # arrays of one list
_LIBRARY_MODELS = ("torch.nn", "torch.optim", "keras", "sklearn", "tensorflow", "flax")


class NamespaceWorld:
    """Answers from live objects; `functions` are those that the code itself defines."""

    def __init__(
        self, namespace: Mapping[str, Any], functions: Mapping[str, Function] | None = None
    ) -> None:
        self._namespace = namespace
        self._functions = functions or {}

    def value(self, name: str) -> Any:
        """What a name, also a dotted one, is bound to; None if to nothing."""
        root, *attributes = name.split(".")
        value = self._namespace.get(root, getattr(builtins, root, None))
        for attribute in attributes:
            value = _attribute(value, attribute)
        return value

    def kind(self, name: str) -> Kind:
        """What a name is bound to; a longer text counts as data here, where it is learned from."""
        value = self.value(name)
        return Kind.DATA if _is_text(value) else kind_of(value)

    def holders(self, name: str) -> frozenset[str]:
        """The lists and dicts of the namespace that hold the very array that `name` is bound to."""
        value = self.value(name)
        if kind_of(value) is not Kind.DATA:
            return frozenset()
        return frozenset(
            other
            for other, holder in list(self._namespace.items())
            if type(holder) in (list, tuple, dict)
            and 0 < len(holder) <= _MOST_HELD
            and not other.startswith("_")
            and any(
                part is value for part in (holder.values() if isinstance(holder, dict) else holder)
            )
        )

    def function(self, name: str) -> Function | None:
        """The user's function of that name, also one that a class or a local module holds."""
        if name in self._functions:
            return self._functions[name]
        holder, _, held = name.rpartition(".")
        if not holder:
            return _definition(self._namespace.get(name))
        around = self._namespace.get(holder)
        if not isinstance(around, type | ModuleType):
            return None
        found = inspect.getattr_static(around, held, None)
        return None if isinstance(found, classmethod) else _definition(found)

    def methods(self, owner: str, name: str) -> tuple[Function, ...]:
        """The method of an own object's class, its bases' included; of a list's, each class's."""
        value = self.value(owner)
        classes = dict.fromkeys(map(type, value if isinstance(value, list | tuple) else [value]))
        found = [_definition(inspect.getattr_static(cls, name, None)) for cls in classes]
        return tuple(dict.fromkeys(each for each in found if each is not None))


def _attribute(value: Any, name: str) -> Any:
    """What an object holds under a name; what a list of objects does, of those that hold any."""
    if type(value) not in (list, tuple):
        return getattr(value, "__dict__", {}).get(name)
    held = [getattr(part, "__dict__", {}).get(name) for part in value]
    return [part for part in held if part is not None and not _is_empty(part)] or None


def _is_empty(value: Any) -> bool:
    return type(value) in (list, tuple, dict) and not value


def _is_text(value: Any) -> bool:
    """Whether a value is a corpus: a text of some length, a list of words or of sentences."""
    if isinstance(value, str):
        return len(value) >= _SHORTEST_TEXT
    if type(value) is not list or len(value) < 2:
        return False
    words = [w for v in value[:20] for w in (v if type(v) in (list, tuple) else [v])]
    return bool(words) and all(type(word) is str for word in words)


def _definition(value: Any) -> Function | None:
    function = inspect.unwrap(value) if callable(value) else value
    if isinstance(function, staticmethod | classmethod):
        function = function.__func__
    if type(function) is not FunctionType or not is_own(function):
        return None
    found = definition_of(function)
    return found if isinstance(found, ast.FunctionDef | ast.Lambda) else None


def kind_of(value: Any) -> Kind:  # noqa: PLR0911 - one line a kind of value
    """What an object is to a training."""
    if value is None or isinstance(value, str | bytes | type | ModuleType):
        return Kind.OTHER
    if isinstance(value, numbers.Number):
        return Kind.NUMBER
    if isinstance(value, list | tuple):
        if _is_numeric_list(value):
            return Kind.DATA
        return Kind.OBJECT if _are_own(value) else Kind.OTHER
    if isinstance(value, dict):
        inner = {kind_of(part) for part in list(value.values())[:20]}
        return Kind.DATA if Kind.DATA in inner else Kind.OTHER
    kind = type(value)
    shape = getattr(value, "shape", None) if hasattr(kind, "shape") else None
    if isinstance(shape, tuple):
        return Kind.DATA if shape and shape[0] > 1 else Kind.NUMBER if not shape else Kind.DATA
    if hasattr(kind, "__iter__") and type(value).__module__.startswith("torch.utils.data"):
        return Kind.DATA
    roots = {base.__module__ for base in kind.__mro__}
    if is_own(kind) and not callable_only(value):
        return Kind.OTHER if any(r.startswith(_LIBRARY_MODELS) for r in roots) else Kind.OBJECT
    return Kind.OTHER


def _are_own(values: list[Any] | tuple[Any, ...]) -> bool:
    """Whether all of a list are objects of the user's, as a network's layers are."""
    return 0 < len(values) <= _MOST_HELD and all(
        not isinstance(part, list | tuple | dict) and kind_of(part) is Kind.OBJECT
        for part in values
    )


def callable_only(value: Any) -> bool:
    """Whether an object is a function rather than a holder of state."""
    return inspect.isroutine(value)


def is_fitted(value: Any) -> bool:
    """Whether a value can be what a training leaves: floating-point numbers, in any holder."""
    if isinstance(value, bool | int | str) or value is None:
        return False
    if isinstance(value, float | complex):
        return True
    if isinstance(value, dict):
        return bool(value) and all(is_fitted(v) or isinstance(v, int) for v in value.values())
    if isinstance(value, list | tuple):
        return bool(value) and all(
            is_fitted(v) or (isinstance(v, int) and not isinstance(v, bool)) for v in value
        )
    if hasattr(type(value), "parameters"):
        return hasattr(type(value), "forward") or is_own(type(value))
    dtype = str(getattr(value, "dtype", ""))
    return "float" in dtype or "complex" in dtype


def holds_numbers(value: Any) -> bool:
    """Whether floating-point numbers, own objects or lists of words are in a value."""
    if isinstance(value, dict):
        return any(holds_numbers(part) or _is_text(part) for part in value.values())
    if isinstance(value, list | tuple):
        return any(map(holds_numbers, value))
    return is_fitted(value) or kind_of(value) is Kind.OBJECT


def holds_signs(value: Any) -> bool:
    """Whether an array or list holds nothing but -1 and 1."""
    import numpy as np

    try:
        return bool(np.isin(np.asarray(value, dtype=float), (-1.0, 1.0)).all())
    except (TypeError, ValueError):
        return False


def is_grid(value: Any) -> bool:
    """Whether an array is only evenly spaced points, as of time: no data by itself."""
    if getattr(value, "ndim", 0) != 1 or not hasattr(value, "__array__") or len(value) < 3:
        return False
    import numpy as np

    try:
        steps = np.diff(np.asarray(value, dtype=float))
    except (TypeError, ValueError):
        return False
    return bool(np.allclose(steps, steps[0]))


def _is_numeric_list(value: list[Any] | tuple[Any, ...]) -> bool:
    if len(value) < 2:
        return False
    first = value[0]
    if isinstance(first, list | tuple):
        return any(isinstance(part, numbers.Number) or kind_of(part) is Kind.DATA for part in first)
    return isinstance(first, numbers.Number) or kind_of(first) is Kind.DATA
