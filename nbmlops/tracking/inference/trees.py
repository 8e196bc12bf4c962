"""Rule: a function that grows a decision tree by calling itself on the parts of its data.

It looks for the split that leaves its parts purest, hands each part to itself, and gives back a
node that holds what came of them; or its root is handed to a function that splits it, and each
node below it, where they are. Sorting, indexing and searching divide their data too, yet ask
nothing of its purity.
"""

from __future__ import annotations

import ast
import re

from nbmlops.tracking.code.names import called_among, terminal
from nbmlops.tracking.inference.arguments import arguments_of, is_setting
from nbmlops.tracking.inference.assignments import expanded, made_in, names_in
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.world import World

__all__ = ["find_tree", "may_grow"]

_PURITY = re.compile(
    r"gini|entropy|impur|purity|info(?:rmation)?_?gain|best_?(?:split|question|feature|attribute|"
    r"cut|thr)|(?:find|get|choose|best)_?(?:best_?)?(?:split|question|cut)|\bgain\b",
    re.IGNORECASE,
)
_COMBINES = re.compile(r"merge|concat|append|join|extend|max|min|sum|sorted|stack", re.IGNORECASE)


def may_grow(source: str) -> bool:
    """Whether a function of some code could be such a one: cheap, before it is parsed."""
    return _PURITY.search(source) is not None


def find_tree(function: ast.FunctionDef, world: World) -> Finding | None:
    """The tree that `function` grows, if it does."""
    taken = [name for name, default in arguments_of(function) if not is_setting(name, default)]
    data = [name for name in taken if world.function(name) is None]
    own = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == function.name
    ]
    divided = [name for name in data if _is_divided(name, function, own)]
    if divided and _asks_for_purity(function, world) and _gives_node(function, own):
        return _finding(function, divided)
    split = [name for name in data if _is_split_in_place(name, function, world)]
    return _finding(function, split) if split else None


def _finding(function: ast.FunctionDef, data: list[str]) -> Finding:
    return Finding(
        method="decision tree",
        parameters=(function.name,),
        data=tuple(data),
        node=function,
        names=names_in(function),
        whole=True,
    )


def _is_split_in_place(name: str, function: ast.FunctionDef, world: World) -> bool:
    """Whether a root made of `name` is handed to what splits it, and is given back then."""
    made = made_in(function)
    given_back = {
        n.value.id
        for n in ast.walk(function)
        if isinstance(n, ast.Return) and isinstance(n.value, ast.Name)
    }
    roots = {
        root
        for root in given_back
        if any(isinstance(v, ast.Call) and name in names_in(v) for v in made.get(root, []))
    }
    for call in ast.walk(function):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        splits = world.function(call.func.id)
        if not isinstance(splits, ast.FunctionDef) or splits is function:
            continue
        for place, given in enumerate(call.args):
            if isinstance(given, ast.Name) and given.id in roots and _splits(splits, place, world):
                return True
    return False


def _splits(function: ast.FunctionDef, place: int, world: World) -> bool:
    """Whether `function` puts nodes into the one it is handed, and calls itself on them."""
    names = [argument for argument, _ in arguments_of(function)]
    node = names[place] if place < len(names) else None
    own = [
        call.args[place]
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == function.name
        and place < len(call.args)
    ]
    below = [part for part in own if isinstance(part, ast.Subscript | ast.Attribute)]
    filled = any(
        isinstance(part, ast.Subscript | ast.Attribute)
        and isinstance(part.ctx, ast.Store)
        and isinstance(part.value, ast.Name)
        and part.value.id == node
        for part in ast.walk(function)
    )
    own_parts = bool(below) and all(node in names_in(part) for part in below)
    return own_parts and filled and _asks_for_purity(function, world)


def _is_divided(name: str, function: ast.FunctionDef, own: list[ast.Call]) -> bool:
    """Whether each call of itself is handed something else for that argument, made from data."""
    place = [argument for argument, _ in arguments_of(function)].index(name)
    handed = []
    for call in own:
        by_name = {word.arg: word.value for word in call.keywords}
        by_place = call.args[place] if place < len(call.args) else None
        if (node := by_name.get(name, by_place)) is not None:
            handed.append(node)
    return bool(handed) and all(
        isinstance(node, ast.Subscript | ast.Name | ast.Call)
        and not (isinstance(node, ast.Name) and node.id == name)
        for node in handed
    )


def _asks_for_purity(function: ast.FunctionDef, world: World) -> bool:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    words = names_in(function) | called_among(calls)
    for name in (call.func.id for call in calls if isinstance(call.func, ast.Name)):
        inner = world.function(name)
        if inner is not None and inner is not function:
            words |= names_in(inner)
    return any(_PURITY.search(word) for word in words)


def _gives_node(function: ast.FunctionDef, own: list[ast.Call]) -> bool:
    """Whether its answer holds what came of the parts, as parts of one node."""
    grown = {id(call) for call in own}
    made = made_in(function)
    for node in ast.walk(function):
        if not isinstance(node, ast.Return) or node.value is None or id(node.value) in grown:
            continue
        inside = list(expanded(node.value, made))
        if not any(id(part) in grown for part in inside):
            continue
        value = node.value
        if isinstance(value, ast.Name):
            return True  # a dict or an object that was filled
        if isinstance(value, ast.Dict | ast.Tuple | ast.List):
            return True
        if isinstance(value, ast.Call) and not _COMBINES.search(terminal(value.func)):
            return True
    return False
