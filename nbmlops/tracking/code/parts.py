"""What the parts of a dict of data are called: ``val`` of ``ds["val"]``, ``ds.north`` of others."""

from __future__ import annotations

import ast
import re
from types import FrameType
from typing import Any

from nbmlops.tracking.code.makers import assignments, scope_of
from nbmlops.tracking.code.names import names_among

__all__ = ["drawn_part", "part_name"]

_LONGEST = 40
_SPLIT = re.compile(
    r"[Xxy]_\w+$|(?:\w*_)?(?:train|test|val|valid|validation|dev|eval|holdout)(?:_\w*)?$",
    re.IGNORECASE,
)
# What a part holds, rather than which part it is: ``test["X"]`` is of ``test``.
_ROLES = frozenset(
    {"X", "x", "y", "data", "target", "features", "label", "labels", "inputs", "targets"}
)


def part_name(node: ast.expr | None, frame: FrameType, namespace: dict[str, Any]) -> str | None:
    """What the part of a dict under an expression is called; None where there is none.

    A key that names a split does so alone, as an attribute does; any other stands behind its dict.
    """
    told: str | None = None
    while node is not None:
        if isinstance(node, ast.Subscript):
            key = _key_of(node.slice, frame, namespace)
            if key is not None and issubclass(type(_held(node.value, frame, namespace)), dict):
                if _SPLIT.match(key):
                    return key
                if isinstance(node.value, ast.Name) and key not in _ROLES:
                    told = f"{node.value.id}.{key}"
            node = node.value
        elif isinstance(node, ast.Attribute | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = _held(node.func.value, frame, namespace)
            told_by = node.func.value if asked is None or hasattr(asked, "shape") else None
            node = told_by or (node.args[0] if node.args else None)
        else:
            return told
    return told


def drawn_part(name: str, frame: FrameType, namespace: dict[str, Any]) -> str | None:
    """The part that a name stands for in turn: in a loop over parts, or in a function of one."""
    scope = scope_of(frame)
    if scope is None:
        return None
    made = [maker for line, maker in assignments(scope).get(name, []) if line <= frame.f_lineno]
    if not made:
        return None
    maker = made[-1]
    for loop in ast.walk(scope):
        if isinstance(loop, ast.For) and loop.iter is maker:
            return part_name(_entry(loop, name), frame, namespace)
    in_turn = frame.f_globals is not frame.f_locals or any(
        isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Name)
        for part in ast.walk(maker)
    )
    return part_name(maker, frame, namespace) if in_turn else None


def _entry(loop: ast.For, name: str) -> ast.expr | None:
    """``ds[part]`` of ``for part, (X, y) in ds.items()``."""
    over, target = loop.iter, loop.target
    if (
        isinstance(over, ast.Call)
        and isinstance(over.func, ast.Attribute)
        and over.func.attr == "items"
        and isinstance(target, ast.Tuple)
        and len(target.elts) == 2
        and isinstance(target.elts[0], ast.Name)
        and name in names_among(ast.walk(target.elts[1]))
    ):
        key = ast.Name(id=target.elts[0].id, ctx=ast.Load())
        return ast.Subscript(value=over.func.value, slice=key, ctx=ast.Load())
    return None


def _key_of(node: ast.expr, frame: FrameType, namespace: dict[str, Any]) -> str | None:
    """A text that is written as a key, or that a name holds."""
    key = node.value if isinstance(node, ast.Constant) else _held(node, frame, namespace)
    return key if type(key) is str and 0 < len(key) <= _LONGEST else None


def _held(node: ast.expr, frame: FrameType, namespace: dict[str, Any]) -> Any:
    """What a name, or an entry of a dict, holds; no code of the object's own is run."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id, namespace.get(node.id)))
    if isinstance(node, ast.Attribute):
        try:
            return vars(_held(node.value, frame, namespace)).get(node.attr)
        except TypeError:
            return None
    if isinstance(node, ast.Subscript):
        owner = _held(node.value, frame, namespace)
        key = _key_of(node.slice, frame, namespace)
        return dict.get(owner, key) if key and issubclass(type(owner), dict) else None
    return None
