"""What the notebook calls the data of a call, followed up through the functions around it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import FrameType
from typing import Any

from nbmlops.tracking.code.frames import (
    argument_of,
    call_node,
    data_root,
    name_of,
    names_of,
    root_name,
)
from nbmlops.tracking.code.makers import assignments, data_beside, scope_of
from nbmlops.tracking.code.names import names_among
from nbmlops.tracking.code.parts import drawn_part, part_name

__all__ = ["caller_name", "data_called", "handed", "names_behind"]


def caller_name(
    frames: Sequence[FrameType], node: ast.expr | None, namespace: dict[str, Any]
) -> str | None:
    """The name under an expression of the innermost of `frames`, as the cell itself calls it.

    What a loop goes over stands for its batches, and a part of a dict for itself.
    """
    if frames and (part := part_name(node, frames[0], namespace)):
        return part
    name = data_root(node)
    several: list[str] = []
    for depth, frame in enumerate(frames):
        if name is None:
            return None
        if part := drawn_part(name, frame, namespace):
            return part
        name = _gone_through(frame, name)
        if frame.f_globals is not frame.f_locals:
            own = names_of(frame.f_locals.get(name), namespace)
            if len(own) == 1:
                return own[0]
            several = own or several  # which of them the cell has written is told further up
            name = _unpacked(frame, name)
        given = handed(frames, depth, name)
        if given is not None and (part := part_name(given, frames[depth + 1], namespace)):
            return part
        above = data_root(given) if given is not None else None
        if above is None:
            break
        name = above
    return several[0] if several and name not in several else name


def _unpacked(frame: FrameType, name: str) -> str:
    """The argument that a function takes apart into `name` and others: ``X, y = pair``."""
    scope = scope_of(frame)
    made = assignments(scope).get(name, []) if scope is not None else []
    whole = made[0][1] if len(made) == 1 else None
    taken = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    return whole.id if isinstance(whole, ast.Name) and whole.id in taken else name


def _gone_through(frame: FrameType, name: str) -> str:
    """What a loop's variable comes from: the loop around the call, or the last one before it.

    A comprehension is a loop, too, where no statement goes over that name.
    """
    scope = scope_of(frame)
    nodes = list(ast.walk(scope)) if scope is not None else []
    loops = [
        (node.iter, node.lineno, node.end_lineno or 0)
        for node in nodes
        if isinstance(node, ast.For) and name in names_among(ast.walk(node.target))
    ] or [
        (node.iter, node.iter.lineno, node.iter.lineno)
        for node in nodes
        if isinstance(node, ast.comprehension) and name in names_among(ast.walk(node.target))
    ]
    before = [loop for loop in loops if loop[1] <= frame.f_lineno]
    if not before:
        return name
    over, _, _ = max(before, key=lambda loop: (loop[2] >= frame.f_lineno, loop[1]))
    return root_name(over) or name


def names_behind(frame: FrameType) -> dict[str, str | None]:
    """The names that the values in a frame's call were made from, each with the data beside."""
    call, scope = call_node(frame), scope_of(frame)
    makers = assignments(scope) if scope is not None else {}
    found: dict[str, str | None] = {}
    waiting: list[ast.AST] = [*call.args, *(k.value for k in call.keywords)] if call else []
    while waiting:
        node = waiting.pop(0)
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id not in found:
                found[part.id] = data_beside(node, part.id)
                waiting += [maker for _, maker in makers.get(part.id, [])]
    return found


def data_called(
    value: Any, node: ast.expr | None, frames: Sequence[FrameType], namespace: dict[str, Any]
) -> str | None:
    """What data is called: the notebook's own name for it, else what the caller has written."""
    told = name_of(value, namespace, [])
    if told is not None and told == data_root(node) and frames:
        # The name of a loop over several parts tells none of them.
        told = drawn_part(told, frames[0], namespace) or told
    return told or caller_name(frames, node, namespace) or name_of(value, namespace, list(frames))


def handed(frames: Sequence[FrameType], depth: int, name: str) -> ast.expr | None:
    """What the caller of frame `depth` handed to its parameter `name`, as written."""
    code = frames[depth].f_code
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_name == "<module>" or name not in parameters or depth + 1 >= len(frames):
        return None
    position = parameters.index(name)
    call = call_node(frames[depth + 1])
    if call is not None and isinstance(call.func, ast.Attribute) and parameters[0] == "self":
        position -= 1
    return argument_of(call, position, name) if position >= 0 else None
