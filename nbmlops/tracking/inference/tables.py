"""Rule: a table of values that a loop learns from rewards, as in Q-learning and value iteration.

``Q[s, a] += α (r + γ max Q[s'] − Q[s, a])`` and ``V[s] = max(r + γ V[s'])``: an own value,
discounted, is compared or maximised. Discounted sums alone do neither.
"""

from __future__ import annotations

import ast
import re

from nbmlops.tracking.code.names import called_among, picked_from, terminal
from nbmlops.tracking.inference.assignments import assigned_in, bound_in, expanded, names_in
from nbmlops.tracking.inference.blocks import Loop
from nbmlops.tracking.inference.called_code import functions_called, with_called
from nbmlops.tracking.inference.expressions import dotted, operands
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.world import World

__all__ = ["find_table"]

_DISCOUNT = re.compile(r"^(?:gamma|discount(?:_?\w+)?|γ|disc)$", re.IGNORECASE)
_BEST = {"max", "amax", "maximum", "nanmax"}
_EMPTY = {"zeros", "empty", "zeros_like", "full", "list"}
_LOOKING_UP = {"setdefault", "get"}


def find_table(loop: Loop, world: World) -> Finding | None:
    """The table that `loop` learns, in its own lines or in functions and methods that it calls."""
    called = functions_called(loop, world)
    if not any(_is_discount(n) for code in (loop, *called) for n in ast.walk(code)):
        return None
    code = ast.Module(body=[], type_ignores=[])
    code.body = with_called(loop, world)  # type: ignore[assignment] # any nodes are walked alike
    if any(isinstance(n, ast.Attribute) and n.attr == "backward" for n in ast.walk(code)):
        return None  # a network's, which its optimizer tells
    made = _made_in(code)
    for node in ast.walk(code):
        if not isinstance(node, ast.Assign | ast.AugAssign):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        table = _root(target)
        if table is None:
            continue
        whole = list(expanded(node.value, made))
        if not _discounts(whole, table, made):
            continue
        best = called_among(whole) & _BEST
        difference = isinstance(target, ast.Subscript) and any(
            isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) and _reads(n.right, table)
            for n in whole
        )
        if best or difference:
            learns = difference or isinstance(node, ast.AugAssign)
            kept = _carried(loop, table)
            return Finding(
                method="temporal-difference learning" if learns else "value iteration",
                parameters=(kept,),
                data=tuple(sorted(names_in(loop) - {table, kept} - _kept_track_of(loop))),
                node=loop,
                names=names_in(loop),
                needs_data=False,
            )
    return None


def _made_in(code: ast.AST) -> dict[str, list[ast.expr]]:
    """What names are made from; a list that is begun anew each time also from what it gets."""
    made = assigned_in(code)
    begun = {name for name, values in made.items() if any(map(_is_empty_list, values))}
    for name, values in assigned_in(code, parts=True).items():
        made[name] = values if name in begun else made.get(name, [])
    for node in ast.walk(code):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "append"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in begun
        ):
            made[node.func.value.id] += node.args
    return made


def _is_empty_list(value: ast.expr) -> bool:
    """``[]``, ``[0] * n`` or ``np.zeros(n)``."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        return isinstance(value.left, ast.List)
    if isinstance(value, ast.Call):
        return terminal(value.func) in _EMPTY
    return isinstance(value, ast.List) and not value.elts


def _kept_track_of(loop: Loop) -> set[str]:
    """The names that the loop itself binds or adds to."""
    grown = {
        node.func.value.id
        for node in ast.walk(loop)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("append", "extend", "add")
        and isinstance(node.func.value, ast.Name)
    }
    return grown | bound_in(loop)


def _carried(loop: Loop, table: str) -> str:
    """The name that is kept from round to round, where the new table has one of its own."""
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and terminal(value.func) == "copy":
                value = value.func.value if isinstance(value.func, ast.Attribute) else value
            if isinstance(value, ast.Name) and value.id == table:
                return node.targets[0].id
    return table


def _root(node: ast.expr) -> str | None:
    """``Q`` of ``Q[s][a]`` and ``agent.q`` of ``agent.q.setdefault(s, [0, 0])[a]``."""
    return dotted(picked_from(node, _LOOKING_UP))


def _reads(node: ast.AST, name: str) -> bool:
    return any(
        isinstance(n, ast.Name | ast.Attribute) and dotted(n) == name for n in ast.walk(node)
    )


def _is_discount(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and bool(_DISCOUNT.match(terminal(node)))


def _discounts(nodes: list[ast.AST], table: str, made: dict[str, list[ast.expr]]) -> bool:
    """Whether a discount multiplies something that comes from `table`."""
    discounted = [
        n
        for n in nodes
        if isinstance(n, ast.BinOp)
        and isinstance(n.op, ast.Mult | ast.MatMult)
        and any(map(_is_discount, operands(n, ast.Mult, ast.MatMult)))
    ]
    return any(_reads(n, table) for each in discounted for n in expanded(each, made))
