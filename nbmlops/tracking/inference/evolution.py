"""Rule: a population of parameters, made anew each round by chance from those that did best.

Genetic algorithms and swarms. Each member is applied to data and ranked by how far what comes of it
is from other data. Populations of tours, phrases or traits are ranked too, by no data.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nbmlops.tracking.code.names import called_among, names_among, terminal
from nbmlops.tracking.inference.assignments import assigned_in, expanded, names_in
from nbmlops.tracking.inference.drawing import draws
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.loops import LoopReading, prepared
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.statements import StatementReader, Update
from nbmlops.tracking.inference.values import Stage, Value, joined
from nbmlops.tracking.inference.world import World

__all__ = ["find_evolution"]

_RANKING = {"argmin", "argmax", "argsort", "argpartition", "min", "max", "sort", "sorted",
            "nlargest", "nsmallest"}  # fmt: skip
_FIRST = {"argmin", "argmax", "min", "max"}
_CHOOSING = {"choice", "choices"}


class RankingReader(StatementReader):
    """Reads a loop, and notes by what its candidates are ranked."""

    def __init__(self, world: World, candidates: frozenset[str]) -> None:
        super().__init__(world, candidates)
        self.ranked: list[Value] = []

    def _Call(self, node: ast.Call) -> Value:
        word = terminal(node.func)
        if word in _RANKING:
            self._rank(self._ranked_by(node))
        elif word in _CHOOSING:
            self._rank(joined(self.read(k.value) for k in node.keywords))
        return super()._Call(node)

    def _ranked_by(self, node: ast.Call) -> Value:
        """What ``sorted(population, key=error)`` compares: the errors."""
        of = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        for keyword in node.keywords:
            if keyword.arg == "key" and (of or node.args):
                call = ast.Call(func=keyword.value, args=[*node.args, *of][:1], keywords=[])
                if isinstance(keyword.value, ast.Lambda):
                    return self._apply(keyword.value, call.args, {})
                return super()._Call(ast.copy_location(call, node))
        return joined(self.read(part) for part in (*of, *node.args))

    def _Compare(self, node: ast.Compare) -> Value:
        sides = [self.read(side) for side in (node.left, *node.comparators)]
        if all(side.states for side in sides):  # a tournament of two
            self._rank(joined(sides))
        return super()._Compare(node)

    def _rank(self, value: Value) -> None:
        if value.states and value.data and value.stage >= Stage.JUDGED:
            self.ranked.append(value)


def find_evolution(reading: LoopReading, world: World, around: Scope | None) -> Finding | None:
    """The population that `reading`'s loop breeds, or the best of it, if it does."""
    if not draws(reading.words) or not reading.words & (_RANKING | _CHOOSING):
        return None
    reader = RankingReader(world, reading.candidates | reading.counted)
    prepared(reader, reading.loop, around).run_body([reading.loop])
    through = names_in(reading.loop.iter) if isinstance(reading.loop, ast.For) else frozenset()
    for ranked in reader.ranked:
        fed = reader.fed & ranked.data
        if through & ranked.data:
            continue  # particles that follow a series
        bred = [
            name
            for name in dict.fromkeys(u.name for u in reader.updates if _remade(u, reading))
            if name in ranked.states & reader.met and not _resampled(name, reading)
        ]
        if bred and fed and (ranked.residual or ranked.data - fed):
            best = _best_in(reading, bred)
            return Finding(
                method="evolutionary search",
                parameters=best or tuple(bred),
                data=tuple(sorted(ranked.data)),
                node=reading.loop,
                names=reading.names | reading.reached,
                fed=frozenset(fed),
                whole=True,
            )
    return None


def _remade(update: Update, reading: LoopReading) -> bool:
    """Whether it is made from what it was, or from what was made from that."""
    return update.name in update.value.states or len(reading.group(update.name)) > 1


def _resampled(name: str, reading: LoopReading) -> bool:
    """Whether it is drawn from itself by weights alone, as particles are."""
    return any(
        isinstance(value, ast.Call)
        and terminal(value.func) in _CHOOSING
        and any(keyword.arg in {"p", "weights"} for keyword in value.keywords)
        for value in assigned_in(reading.loop).get(name, [])
    )


def _best_in(reading: LoopReading, bred: list[str]) -> tuple[str, ...]:
    """``best = population[argmin(errors)]``: the one member that a round ends with."""
    made = assigned_in(reading.loop)
    found = [
        name
        for name, values in made.items()
        if any(_is_first(value, made, set(bred) - {name}) for value in values)
    ]
    return tuple(found[-1:])


def _is_first(value: ast.expr, made: dict[str, list[ast.expr]], bred: set[str]) -> bool:
    for node in _unwrapped(value):
        if isinstance(node, ast.Subscript) and names_among(expanded(node.value, made)) & bred:
            first = called_among(expanded(node.slice, made))
            one = not isinstance(node.slice, ast.Slice)
            if one and first & _FIRST:
                return True
            place = node.slice.slice if isinstance(node.slice, ast.Subscript) else None
            ordered = bool(first & _RANKING)
            if isinstance(place, ast.Constant) and ordered:  # population[order[0]]
                return True
        if isinstance(node, ast.Call) and terminal(node.func) in _FIRST and node.args:
            keyed = any(keyword.arg == "key" for keyword in node.keywords)
            if keyed and names_among(expanded(node.args[0], made)) & bred:
                return True
    return False


def _unwrapped(value: ast.expr) -> Iterator[ast.expr]:
    """`value`, and what it is a copy of."""
    yield value
    if isinstance(value, ast.Call) and terminal(value.func) in {"copy", "deepcopy", "list"}:
        inner = value.args[0] if value.args else getattr(value.func, "value", None)
        if inner is not None:
            yield inner
