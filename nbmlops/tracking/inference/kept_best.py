"""Rule: parameters that a loop tries out on data, of which it keeps the best.

Random search, hill climbing, differential evolution, and the best threshold over all features (a
decision stump): ``if error < best_error: best_error, best = error, candidate``. The candidate must
be applied to data, and what comes of that be held against other data: a tour, a portfolio or the
threshold of a report is not fitted. What is looked up on a grid alone is not either.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nbmlops.tracking.inference.assignments import assigned_in
from nbmlops.tracking.inference.blocks import Loop
from nbmlops.tracking.inference.drawing import is_by_chance
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.loops import LoopReading, prepared
from nbmlops.tracking.inference.scopes import Scope
from nbmlops.tracking.inference.stumps import columns_and_thresholds, is_an_error
from nbmlops.tracking.inference.tries import Kept, SearchReader
from nbmlops.tracking.inference.world import World

__all__ = ["SEARCHES", "best_of", "find_kept_best"]

SEARCHES = {"decision stump", "hill climbing", "random search"}


def find_kept_best(reading: LoopReading, world: World, around: Scope | None) -> Finding | None:
    """The parameters that `reading`'s loop has tried out and kept."""
    loop = reading.loop
    if not any(isinstance(node, ast.If) for node in ast.walk(loop)):
        return None
    drawn = _drawn_in(loop, world)
    stump = columns_and_thresholds(loop, world)
    found = None
    climbs = False
    for kept, reader in _kept_in(reading, world, around, drawn | stump):
        error = kept.error
        fed = reader.fed & error.data
        if not (error.states & kept.tried and fed and (error.residual or error.data - fed)):
            continue
        if stump and kept.tried & stump and is_an_error(kept, loop, world):
            method = "decision stump"
        elif kept.tried & drawn or kept.carried:
            climbs = climbs or kept.carried
            method = "hill climbing" if climbs else "random search"
        else:
            continue
        found = Finding(
            method=method,
            parameters=kept.names,
            data=tuple(sorted(error.data)),
            node=loop,
            names=reading.names | reading.reached,
            fed=frozenset(fed),
            whole=True,
        )
    return found


def best_of(reading: LoopReading, world: World, around: Scope | None) -> tuple[str, ...]:
    """The names that `reading`'s loop keeps its best state in, beside the state itself."""
    drawn = _drawn_in(reading.loop, world)
    return next(
        (
            kept.names
            for kept, _ in reversed(list(_kept_in(reading, world, around, drawn)))
            if not kept.carried and not is_by_chance(kept.test)
        ),
        (),
    )


def _kept_in(
    reading: LoopReading, world: World, around: Scope | None, tried: frozenset[str]
) -> Iterator[tuple[Kept, SearchReader]]:
    reader = SearchReader(world, reading.candidates, tried)
    prepared(reader, reading.loop, around)
    reader.run_body([reading.loop])
    for kept in reader.kept:
        yield kept, reader


def _drawn_in(loop: Loop, world: World) -> frozenset[str]:
    """The names that a loop draws by chance, in its own lines or by a function of the user's."""

    def draws(node: ast.expr) -> bool:
        called = [n.func.id for n in ast.walk(node)
                  if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]  # fmt: skip
        functions = [f for name in called if (f := world.function(name)) is not None]
        return is_by_chance(node) or any(map(is_by_chance, functions))

    return frozenset(name for name, values in assigned_in(loop).items() if any(map(draws, values)))
