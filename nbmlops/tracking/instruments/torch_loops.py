"""A hand-written loop as it is written: its epochs, the data that it reads, its loss."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

import msgspec

from nbmlops.tracking.code.compiled import source_lent

__all__ = [
    "DEFINITIONS",
    "Loop",
    "Region",
    "epoch_loop",
    "loops_around",
    "own_parts",
    "regions_around",
]

_EPOCH = re.compile(r"(n_?)?(epoch|ep)(_?(idx|i|num|no))?$", re.IGNORECASE)
_STEP = re.compile(r"(global_?)?(step|iter|iteration|it|batch)(_?(idx|i|num|no))?$", re.IGNORECASE)
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_LOOPS = ast.For | ast.AsyncFor | ast.While
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_COMPREHENSIONS_CODE = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}


class Loop(msgspec.Struct, frozen=True):
    """One loop around a statement, in the code that it stands in."""

    code: CodeType
    node: Any

    @property
    def variable(self) -> str | None:
        """The name that counts: ``i`` of ``for i, x in enumerate(...)`` and of ``while i < n``."""
        if isinstance(self.node, ast.While):
            return next((n.id for n in ast.walk(self.node.test) if isinstance(n, ast.Name)), None)
        target = getattr(self.node, "target", None)
        if isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[0] if _is_enumerate(self.node.iter) else None
        return target.id if isinstance(target, ast.Name) else None

    @property
    def named(self) -> bool:
        """Whether its variable is called an epoch."""
        return bool(_EPOCH.match(self.variable or ""))

    @property
    def over_data(self) -> bool:
        """Whether it goes over something other than numbers, as ``for x, y in loader`` does."""
        over = getattr(self.node, "iter", None)
        if isinstance(over, ast.Call) and over.args and getattr(over.func, "id", "") == "tqdm":
            over = over.args[0]
        called = getattr(getattr(over, "func", None), "id", None)
        return over is not None and called not in ("range", "trange", "count")


class Region(msgspec.Struct, frozen=True):
    """The part of a frame's code that a training happens in: its outermost loop, else all of it."""

    frame: Any
    node: Any


def loops_around(frames: list[FrameType]) -> list[Loop]:
    """The loops around what runs now, outermost first, through all frames."""
    found: list[Loop] = []
    for frame in reversed(frames):
        node = _node_at(frame)
        mine = [
            Loop(frame.f_code, loop) for loop in _around(node, frame) if isinstance(loop, _LOOPS)
        ]
        found += reversed(mine)
    return found


def epoch_loop(loops: list[Loop]) -> Loop | None:
    """The loop whose every turn is an epoch; None where the code does not tell.

    It is the one whose variable is called so. Else it is the innermost one, if it neither counts
    batches nor goes over data; else the one around it.
    """
    for loop in reversed(loops):
        if loop.named:
            return loop
    if not loops:
        return None
    if not _is_batches(loops[-1]):
        return loops[-1]
    return loops[-2] if len(loops) > 1 and loops[-2].variable else None


def regions_around(frames: list[FrameType]) -> list[Region]:
    """Where in each frame the training happens, innermost first."""
    found = []
    for frame in frames:
        node = _node_at(frame)
        if node is None:
            continue
        around = [node, *_around(node, frame)]
        loops = [part for part in around if isinstance(part, _LOOPS | _COMPREHENSIONS)]
        found.append(Region(frame, loops[-1] if loops else around[-1]))
    return found


def own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and what stands below it, without what runs elsewhere: functions, classes."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += [n for n in ast.iter_child_nodes(part) if not isinstance(n, DEFINITIONS)]


def _node_at(frame: FrameType) -> Any:
    try:
        import executing

        with source_lent(frame.f_code):
            at = executing.Source.executing(frame)
        return at.node or next(iter(at.statements), None)
    except Exception:  # noqa: BLE001 - a foreign library reading foreign code; the loop is then known less well
        return None


def _around(node: Any, frame: FrameType) -> Iterator[Any]:
    """What `node` stands in, innermost first, as far as the code that `frame` runs."""
    # Up to Python 3.11 each comprehension runs in a frame of its own, generators always do.
    last = _COMPREHENSIONS if frame.f_code.co_name in _COMPREHENSIONS_CODE else _FUNCTIONS
    node = getattr(node, "parent", None)
    while node is not None:
        yield node
        if isinstance(node, last):
            return
        node = getattr(node, "parent", None)


def _is_enumerate(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", None) == "enumerate"


def _is_batches(loop: Loop) -> bool:
    """Whether a loop goes over the batches of one epoch."""
    node = loop.node
    if isinstance(node, ast.While) or _STEP.match(loop.variable or ""):
        return True
    if loop.variable is None or _is_enumerate(node.iter):
        return True
    over = node.iter
    if isinstance(over, ast.Call) and getattr(over.func, "id", None) in ("tqdm", "trange"):
        if getattr(over.func, "id", None) == "trange" or not over.args:
            return False
        over = over.args[0]
    if isinstance(over, ast.Call) and getattr(over.func, "id", None) == "range":
        return len(over.args) == 3  # range(0, n, batch_size)
    return True
