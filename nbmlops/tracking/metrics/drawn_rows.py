"""Metrics that a loop measures again and again on rows that it draws: they judge the metric.

A bootstrap or a permutation test tells how far a metric may be off; none of its rounds is what
the model reaches. A loop that also makes the model anew measures each model once, which counts.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, FunctionType
from typing import Any

from nbmlops.tracking.code.frames import call_node
from nbmlops.tracking.code.makers import Scope, scope_of
from nbmlops.tracking.code.names import called_among, names_among, terminal
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.metrics.filling import lookup

__all__ = ["is_on_drawn_rows", "measures_drawn_rows"]

_DRAWING = {
    "choice", "choices", "integers", "randint", "randrange", "random_integers", "permutation",
    "permuted", "resample", "sample", "shuffle", "rand", "multinomial",
}  # fmt: skip
_TRAINING = ("fit", "partial_fit", "train", "learn", "step", "backward")
_SOLVING = {"solve", "lstsq", "pinv", "inv", "polyfit", "minimize", "curve_fit", "least_squares"}
_LOOPS = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ListComp,
    ast.SetComp,
    ast.GeneratorExp,
    ast.DictComp,
)
_DEEPEST = 3  # functions that a metric is looked for in


def measures_drawn_rows(frames: Sequence[FrameType]) -> bool:
    """Whether the call that the innermost of `frames` is at is one round of many on drawn rows."""
    for frame in frames[:_DEEPEST]:
        call, scope = call_node(frame), scope_of(frame)
        if call is None or scope is None:
            return False
        if is_on_drawn_rows(call, scope, lambda name, frame=frame: lookup(name, frame)):  # type: ignore[misc] # a default
            return True
        if isinstance(scope, ast.Module) or _trains(scope):
            return False
    return False


def is_on_drawn_rows(node: ast.expr, scope: Scope, value_of: Callable[[str], Any]) -> bool:
    """Whether a loop around `node` draws what `node` is worked out on, and trains nothing."""
    return any(
        not _trains(loop) and _draws(loop, node, value_of) for loop in _loops_around(node, scope)
    )


def _loops_around(node: ast.expr, scope: Scope) -> Iterator[ast.AST]:
    for loop in ast.walk(scope):
        if isinstance(loop, _LOOPS) and any(part is node for part in ast.walk(loop)):
            yield loop


def _draws(loop: ast.AST, node: ast.expr, value_of: Callable[[str], Any]) -> bool:
    """Whether `node` is made of something drawn in `loop`, without a function of the user's own.

    What goes on from its own value, as weights do that move by drawn batches, is trained there;
    and of several models that a loop goes through each is measured once.
    """
    made = _made_in(loop)
    if isinstance(node, ast.Call) and _asks_anew(node, made):
        return False
    drawn, seen = False, set[str]()
    waiting: list[ast.AST] = list(ast.iter_child_nodes(node))
    while waiting:
        for part in ast.walk(waiting.pop()):
            if isinstance(part, ast.Call):
                called = terminal(part.func)
                if called in _SOLVING or _is_own(value_of(called), part) or _asks_anew(part, made):
                    return False
                drawn = drawn or called in _DRAWING
            elif isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                waiting += made.get(part.id, [])
    return drawn and not any(_goes_on(name, made) for name in seen)


def _asks_anew(call: ast.Call, made: dict[str, list[ast.AST]]) -> bool:
    """Whether a model that the loop binds predicts, or scores itself."""
    asked = call.func.value if isinstance(call.func, ast.Attribute) else None
    asks = terminal(call.func).startswith(("predict", "decision", "score"))
    return asks and isinstance(asked, ast.Name) and asked.id in made


def _goes_on(name: str, made: dict[str, list[ast.AST]]) -> bool:
    """Whether a loop makes a name from what it held; its rows in another order are no more."""
    reached, waiting = set[str](), list(made.get(name, []))
    while waiting:
        value = waiting.pop()
        if isinstance(value, ast.Call) and terminal(value.func) in _DRAWING:
            continue
        names = names_among(ast.walk(value)) - reached
        if name in names:
            return True
        reached |= names
        waiting += [maker for n in names for maker in made.get(n, [])]
    return False


def _made_in(loop: ast.AST) -> dict[str, list[ast.AST]]:
    """What a loop binds names to, and puts into parts of what they hold; also by shuffling it."""
    made: dict[str, list[ast.AST]] = {}
    for node in ast.walk(loop):
        pairs: list[tuple[ast.AST, ast.AST | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.AugAssign):
            both = ast.BinOp(left=node.target, op=node.op, right=node.value)
            pairs = [(node.target, both)]
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, ast.Call) and terminal(node.func) == "shuffle" and node.args:
            pairs = [(node.args[0], node)]
        for target, value in pairs:
            for part in ast.walk(target):
                if isinstance(part, ast.Name) and value is not None:
                    made.setdefault(part.id, []).append(value)
    return made


def _trains(code: ast.AST) -> bool:
    return any(word.startswith(_TRAINING) for word in called_among(ast.walk(code)))


def _is_own(value: Any, call: ast.Call) -> bool:
    """Whether a function that is called by its name is the user's: what it does is not read."""
    return isinstance(call.func, ast.Name) and type(value) is FunctionType and is_own(value)
