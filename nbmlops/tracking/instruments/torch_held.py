"""Loaders that a tuple, list or dict holds together, as ``dls[0]`` and ``loaders["val"]``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from nbmlops.tracking.instruments.torch_loops import Region
from nbmlops.tracking.instruments.torch_roles import value_at

__all__ = ["loaders_held"]

_MOST = 20  # loaders that are held together


def loaders_held(region: Region, source: Any) -> Iterator[tuple[ast.Subscript, str, Any, bool]]:
    """The loaders that a region's function takes out of what holds several.

    Each with where it is taken, as what, and whether it feeds the training: of those that are held
    together with `source` only that one does. A key is written there, or goes over those that a
    loop names: ``for phase in ["train", "val"]: ... loaders[phase]``.
    """
    from torch.utils.data import DataLoader

    function = _function_around(region.node)
    for node in ast.walk(function):
        if not isinstance(node, ast.Subscript) or not isinstance(
            node.value, ast.Name | ast.Attribute
        ):
            continue
        held = value_at(node.value, region)
        if type(held) not in (tuple, list, dict) or len(held) > _MOST:
            continue
        members = list(held.values() if type(held) is dict else held)
        if not any(isinstance(member, DataLoader) for member in members):
            continue
        alone = all(member is not source for member in members)
        for key in _keys(node.slice, function):
            loader = _at(held, key)
            if isinstance(loader, DataLoader):
                name = f"{ast.unparse(node.value).removeprefix('self.')}[{key!r}]"
                yield node, name, loader, alone or loader is source


def _function_around(node: Any) -> Any:
    """The function that a region stands in; what feeds its loop may be taken before that."""
    around = node
    while around is not None:
        if isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef):
            return around
        around = getattr(around, "parent", None)
    return node


def _keys(index: ast.expr, function: Any) -> Iterator[Any]:
    if isinstance(index, ast.Constant):
        yield index.value
    elif isinstance(index, ast.Name):
        for part in ast.walk(function):
            over, target = getattr(part, "iter", None), getattr(part, "target", None)
            named = isinstance(target, ast.Name) and target.id == index.id
            if named and isinstance(over, ast.List | ast.Tuple):
                yield from (each.value for each in over.elts if isinstance(each, ast.Constant))


def _at(held: Any, key: Any) -> Any:
    try:
        return held[key]
    except (LookupError, TypeError):
        return None
