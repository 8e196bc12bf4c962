"""The user's own code: which objects come from it, and how their functions were written."""

from __future__ import annotations

import ast
import inspect
import os
import sys
import sysconfig
import textwrap
import weakref
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["definition_of", "is_installed_file", "is_own", "is_own_module", "own_functions"]

_INSTALLED = frozenset(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {f"{sys.base_prefix}/lib/python"}
)
_known: weakref.WeakKeyDictionary[CodeType, ast.FunctionDef | ast.Lambda | None] = (
    weakref.WeakKeyDictionary()
)


def is_installed_file(path: str) -> bool:
    """Whether code comes from an installed library, the standard library or the interpreter."""
    return path.startswith(_installed(tuple(sys.path)))


@lru_cache(maxsize=8)
def _installed(places: tuple[str, ...]) -> tuple[str, ...]:
    """Where libraries lie, of the `places` that modules are imported from.

    Some are put into folders of their own (``pip install --target``), beside what tells of them.
    """
    own = {"", os.getcwd()}
    others = (place for place in places if place not in own and place not in _INSTALLED)
    found = (f"{place}{os.sep}" for place in others if _holds_libraries(place))
    return (*_INSTALLED, "<frozen", *found)


def _holds_libraries(folder: str) -> bool:
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:  # a zip file, or not there
        return False


def is_own_module(module: ModuleType | None) -> bool:
    """Whether a module is the notebook or a local file, rather than an installed library's."""
    if module is None:
        return False
    if module.__name__ == "__main__":
        return True
    file = getattr(module, "__file__", None) or ""
    return bool(file) and not is_installed_file(file) and not module.__name__.startswith("nbmlops")


def is_own(obj: Any) -> bool:
    """Whether a function or class was written by the user."""
    name = getattr(obj, "__module__", None)
    return isinstance(name, str) and is_own_module(sys.modules.get(name))


def own_functions(cls: type) -> dict[str, FunctionType]:
    """The functions that a class of the user's defines itself, by name."""
    return {
        name: inspect.unwrap(value)
        for name, value in vars(cls).items()
        if isinstance(value, FunctionType)
    }


def definition_of(function: FunctionType) -> ast.FunctionDef | ast.Lambda | None:
    """A function's definition as written; None where its source cannot be had."""
    code = function.__code__
    if code not in _known:
        _known[code] = _parse(function)
    return _known[code]


def _parse(function: FunctionType) -> ast.FunctionDef | ast.Lambda | None:
    try:
        source = textwrap.dedent(inspect.getsource(function.__code__))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        return None
    wanted = ast.Lambda if function.__name__ == "<lambda>" else ast.FunctionDef
    for node in ast.walk(tree):
        if isinstance(node, wanted) and getattr(node, "name", None) in (None, function.__name__):
            return node
    return None
