"""Rule: a table of values that a loop learns from rewards, as in Q-learning and value iteration.

``Q[s, a] += α (r + γ max Q[s'] − Q[s, a])`` and ``V[s] = max(r + γ V[s'])``: an own value,
discounted, is compared or maximised. Discounted sums alone do neither.
"""

from __future__ import annotations

import ast
import re

from nbmlops.tracking.inference.assignments import assigned_in, expanded, names_in
from nbmlops.tracking.inference.blocks import Loop
from nbmlops.tracking.inference.expressions import operands, terminal
from nbmlops.tracking.inference.findings import Finding

__all__ = ["find_table"]

_DISCOUNT = re.compile(r"^(?:gamma|discount(?:_?\w+)?|γ|disc)$", re.IGNORECASE)
_BEST = {"max", "amax", "maximum", "nanmax"}


def find_table(loop: Loop) -> Finding | None:
    """The table that `loop` learns, if it does."""
    assigned = assigned_in(loop)
    for node in ast.walk(loop):
        if not isinstance(node, ast.Assign | ast.AugAssign):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        table = _root(target)
        if table is None:
            continue
        whole = list(expanded(node.value, assigned))
        if not _discounts(whole, table):
            continue
        best = any(isinstance(n, ast.Call) and terminal(n.func) in _BEST for n in whole)
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
    bound = {
        n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return grown | bound


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
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _reads(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node))


def _discounts(nodes: list[ast.AST], table: str) -> bool:
    """Whether a discount multiplies something that comes from `table`."""
    discounted = [
        n
        for n in nodes
        if isinstance(n, ast.BinOp)
        and isinstance(n.op, ast.Mult)
        and any(
            isinstance(side, ast.Name) and _DISCOUNT.match(side.id)
            for side in operands(n, ast.Mult, ast.MatMult)
        )
    ]
    return bool(discounted) and any(_reads(n, table) for n in nodes)
