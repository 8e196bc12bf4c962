"""The user's own code: which objects come from it, and how their functions were written."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import weakref
from types import CodeType, FunctionType, ModuleType
from typing import Any

from nbmlops.tracking.code.compiled import source_lent
from nbmlops.tracking.code.installed import is_installed_file

__all__ = ["definition_of", "is_own", "is_own_module", "own_functions"]

_known: weakref.WeakKeyDictionary[CodeType, ast.FunctionDef | ast.Lambda | None] = (
    weakref.WeakKeyDictionary()
)


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
        with source_lent(function.__code__):
            source = textwrap.dedent(inspect.getsource(function.__code__))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        return None
    wanted = ast.Lambda if function.__name__ == "<lambda>" else ast.FunctionDef
    for node in ast.walk(tree):
        if isinstance(node, wanted) and getattr(node, "name", None) in (None, function.__name__):
            return node
    return None
