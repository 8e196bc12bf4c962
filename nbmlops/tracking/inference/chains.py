"""Rule: how often one thing follows another, made into chances: a Markov chain, a language model.

Neighbours of one sequence are counted, ``counts[a][b] += 1``, and divided by what each begins with,
or drawn from. Counts alone describe a text, and shares of all pairs or of two different columns are
a table.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nbmlops.tracking.code.names import names_among, terminal
from nbmlops.tracking.inference.assignments import (
    assigned_in,
    expanded,
    made_in,
    names_in,
    pairs_in,
    root_of,
    sources_of,
)
from nbmlops.tracking.inference.blocks import statements_in
from nbmlops.tracking.inference.findings import Finding

__all__ = ["find_chains"]

_PAIRING = {"pairwise", "bigrams", "ngrams", "windowed", "sliding_window"}
_DIVIDING = {"div", "divide", "true_divide"}
_CHOOSING = {"choice", "choices", "multinomial"}
Made = dict[str, list[ast.expr]]


def find_chains(body: Sequence[ast.stmt]) -> list[Finding]:
    """The tables of what follows what that `body` learns from a sequence."""
    module = ast.Module(body=list(body), type_ignores=[])
    made = made_in(module)
    found: list[Finding] = []
    for loop in (n for n in statements_in(body) if isinstance(n, ast.For)):
        for table, sequence in _counted_in(loop, made):
            name = _made_chances_of(table, module, made)
            if name is not None and not any(name in f.parameters for f in found):
                found.append(
                    Finding(
                        method="Markov chain",
                        parameters=(name,),
                        data=tuple(sorted(sources_of(sequence, body, made))),
                        node=loop,
                        names=names_in(module),
                        whole=True,
                    )
                )
    return found


# -- counting neighbours --------------------------------------------------------------------------
def _counted_in(loop: ast.For, made: Made) -> Iterator[tuple[str, ast.expr]]:
    """The tables in which a loop counts what follows what, and that sequence."""
    for node in ast.walk(loop):
        keys = _keys_counted(node)
        if keys is None:
            continue
        table, before, after = keys
        sequence = _neighbours(before, after, loop, made)
        if sequence is not None:
            yield table, sequence


def _keys_counted(node: ast.AST) -> tuple[str, ast.expr, ast.expr] | None:
    """``T[a][b] += 1``, ``T[a, b] = T.get(…) + 1`` and ``T[a].append(b)`` as `T`, `a` and `b`."""
    if isinstance(node, ast.Call):
        return _keys_of_list(node)
    place = _place_counted(node)
    if isinstance(place, ast.Subscript) and isinstance(place.value, ast.Subscript):
        return _named(place.value.value, place.value.slice, place.slice)
    if isinstance(place, ast.Subscript) and isinstance(place.slice, ast.Tuple):
        *before, after = place.slice.elts
        return _named(place.value, ast.Tuple(elts=before, ctx=ast.Load()), after)
    return None


def _keys_of_list(node: ast.Call) -> tuple[str, ast.expr, ast.expr] | None:
    """``T[a].append(b)`` and ``T.setdefault(a, []).append(b)``."""
    if not (isinstance(node.func, ast.Attribute) and node.func.attr == "append" and node.args):
        return None
    lists = node.func.value
    if isinstance(lists, ast.Subscript):
        return _named(lists.value, lists.slice, node.args[0])
    if isinstance(lists, ast.Call) and terminal(lists.func) == "setdefault" and lists.args:
        return _named(getattr(lists.func, "value", None), lists.args[0], node.args[0])
    return None


def _place_counted(node: ast.AST) -> ast.expr | None:
    """What is counted up by one."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return node.target
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
        value = node.value
        if isinstance(value.op, ast.Add) and isinstance(value.right, ast.Constant):
            return node.targets[0]
    return None


def _named(
    table: ast.expr | None, before: ast.expr, after: ast.expr
) -> tuple[str, ast.expr, ast.expr] | None:
    return (table.id, before, after) if isinstance(table, ast.Name) else None


def _neighbours(before: ast.expr, after: ast.expr, loop: ast.For, made: Made) -> ast.expr | None:
    """The sequence of which `after` follows `before`, if they are neighbours in one."""
    within = assigned_in(loop)
    firsts = names_among(expanded(before, within))
    lasts = names_among(expanded(after, within))
    for node in (n for n in ast.walk(loop) if isinstance(n, ast.For)):
        over, target = node.iter, node.target
        if isinstance(target, ast.Tuple) and isinstance(over, ast.Call):
            names = [n.id if isinstance(n, ast.Name) else "" for n in target.elts]
            sequence = _shifted(over)
            if sequence is not None and names[-1] in lasts - firsts and firsts & {*names[:-1]}:
                return sequence
        if isinstance(target, ast.Name) and target.id in names_in(after) - names_in(before):
            for name in sorted(names_in(before)):  # previous = current, at the round's end
                if target.id in names_among(made.get(name, [])):
                    return over
    return _by_index(before, after, loop)


def _shifted(call: ast.Call) -> ast.expr | None:
    """``zip(s[:-1], s[1:])``, ``zip(s, s[1:], s[2:])``, ``pairwise(s)``: the sequence `s`."""
    if terminal(call.func) in _PAIRING and call.args:
        return call.args[0]
    if terminal(call.func) != "zip" or len(call.args) < 2:
        return None
    bare = [_unsliced(argument) for argument in call.args]
    if len({ast.dump(part) for part in bare}) > 1:
        return None
    return bare[0] if any(isinstance(a, ast.Subscript) for a in call.args) else None


def _unsliced(node: ast.expr) -> ast.expr:
    while (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)) or (
        isinstance(node, ast.Attribute) and node.attr == "values"
    ):
        node = node.value
    return node


def _by_index(before: ast.expr, after: ast.expr, loop: ast.For) -> ast.expr | None:
    """``s[i]`` and ``s[i + 1]``, or the letters ``s[i:i + n]`` and ``s[i + n]``."""
    made = assigned_in(loop)
    places = [
        {ast.unparse(n.value): n for n in expanded(part, made)
         if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name)}
        for part in (before, after)
    ]  # fmt: skip
    for sequence, first in places[0].items():
        last = places[1].get(sequence)
        if last is not None and ast.dump(first.slice) != ast.dump(last.slice):
            counters = names_in(first.slice) & names_in(last.slice)
            moved = any(isinstance(n, ast.BinOp) for n in ast.walk(last.slice)) or any(
                isinstance(n, ast.BinOp) for n in ast.walk(first.slice)
            )
            if counters and moved:
                return last.value
    return None


# -- chances --------------------------------------------------------------------------------------
def _made_chances_of(table: str, module: ast.Module, made: Made) -> str | None:
    """The name of the chances that counts are made into, or of the counts that are drawn from."""
    drawn = None
    for node in ast.walk(module):
        if isinstance(node, ast.Assign | ast.AugAssign):
            for place, value in pairs_in(node):
                over = isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div)
                quotients = [(place, value)] if over else list(_quotients(value))
                if any(_is_conditional(one, other, table, made) for one, other in quotients):
                    root = root_of(place)
                    name = root.id if isinstance(root, ast.Name) else table
                    alias = any(table in names_in(v) for v in made.get(name, [])) and over
                    return table if alias and isinstance(place, ast.Name) else name
        elif isinstance(node, ast.Return) and node.value is not None:
            quotients = list(_quotients(node.value))
            if any(_is_conditional(one, other, table, made) for one, other in quotients):
                drawn = table
        elif (
            isinstance(node, ast.Call)
            and terminal(node.func) in _CHOOSING
            and table in names_among(expanded(node, made))
        ):
            drawn = table
    return drawn


def _quotients(value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in ast.walk(value):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield node.left, node.right
        elif isinstance(node, ast.Call) and terminal(node.func) in _DIVIDING and node.args:
            yield getattr(node.func, "value", node.args[0]), node.args[-1]


def _is_conditional(one: ast.expr, other: ast.expr, table: str, made: Made) -> bool:
    """Whether counts of `table` are divided by those of what they begin with."""
    if table not in names_among(expanded(one, made)):
        return False
    if isinstance(other, ast.Subscript) and isinstance(other.value, ast.Name):
        begins = other.value.id
        if begins != table and table not in names_in(other) and _is_counter(begins, made):
            return True
    for node in expanded(other, made):
        if isinstance(node, ast.Call) and terminal(node.func) == "sum":
            if isinstance(node.func, ast.Attribute):
                summed, by_row = node.func.value, bool(node.args or node.keywords)
            else:
                summed, by_row = (node.args[0] if node.args else node), False
            names = names_among(expanded(summed, made))
            whole = isinstance(bare := _bare(summed), ast.Name) and (
                bare.id == table or not _is_row(bare.id, table, made)
            )
            if table in names and (by_row or not whole):
                return True
    return False


def _bare(node: ast.expr) -> ast.expr:
    """`node` without ``.values()`` and ``list()`` around it."""
    while isinstance(node, ast.Call) and terminal(node.func) in {"values", "list", "float"}:
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        node = inner or (node.args[0] if node.args else node.func)
    return node


def _is_row(name: str, table: str, made: Made) -> bool:
    """Whether it is a row of the table: ``for row in table``, ``nexts = table[word]``."""
    return any(
        isinstance(value, ast.Subscript)
        or (isinstance(value, ast.Name) and value.id == table)
        or (isinstance(value, ast.Call) and terminal(value.func) in {"items", "values", "get"})
        for each in made.get(name, [])
        for value in [each.value if isinstance(each, ast.Starred) else each]
    )


def _is_counter(name: str, made: Made) -> bool:
    return any(
        isinstance(value, ast.Constant)
        or (isinstance(value, ast.Call) and terminal(value.func) in {"Counter", "defaultdict"})
        for value in made.get(name, [])
    )
