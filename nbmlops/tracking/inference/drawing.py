"""Rule: what a loop draws by chance is a sample of a distribution, not a model fitted to data.

A sampler moves as a training does, by a step made from data and what it held. Three things tell it:
a step is taken by chance (Metropolis, Hamiltonian dynamics), a state is drawn from a distribution
that the state before gave (Gibbs, particle filters), and noise is added to each of the states that
are kept (Langevin dynamics). Chance that cools, as in annealing, settles on one value: a training.
"""

from __future__ import annotations

import ast

from nbmlops.tracking.code.names import called_among, names_among, terminal
from nbmlops.tracking.inference.assignments import assigned_in, expanded, names_in
from nbmlops.tracking.inference.expressions import operands
from nbmlops.tracking.inference.loops import LoopReading
from nbmlops.tracking.inference.world import World

__all__ = ["anneals", "draws", "draws_anew", "is_by_chance", "moves_by_chance", "wanders"]

_CHANCE = {"rand", "random", "uniform", "random_sample", "runif"}
_NOISE = {"randn", "normal", "standard_normal", "gauss", "normalvariate", "randn_like"}
_DRAWING = _NOISE | {
    "beta", "binomial", "categorical", "chisquare", "choice", "dirichlet", "exponential", "gamma",
    "inverse_gamma", "invgamma", "invwishart", "multinomial", "multivariate_normal", "poisson",
    "rvs", "wishart",
}  # fmt: skip
_INTEGERS = {"randint", "randrange", "integers"}
_KEEPING = {"append", "extend"}


def moves_by_chance(reading: LoopReading, world: World) -> bool:
    """Whether the loop, or a function of the user's that it calls, takes its steps by chance."""
    if _is_accepted(reading.loop, _worked_out(reading)):
        return not _counts_down(reading.loop, _worked_out(reading))
    for name in names_in(reading.loop):
        function = world.function(name)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            made = assigned_in(function)
            worked_out = {n for n, values in made.items() if not any(map(is_by_chance, values))}
            if _is_accepted(function, worked_out) and not _counts_down(function):
                return True
    return False


def _worked_out(reading: LoopReading) -> set[str]:
    return {u.name for u in reading.updates if u.value.data or u.value.states - {u.name}}


def _is_accepted(code: ast.AST, worked_out: set[str]) -> bool:
    """Whether a proposal is taken over under a test of chance against what was worked out."""
    made = assigned_in(code)
    for node in ast.walk(code):
        if isinstance(node, ast.If) and any(map(_takes_over, ast.walk(node))):
            test = node.test
        elif isinstance(node, ast.Call) and terminal(node.func) == "where" and node.args:
            test = node.args[0]
        else:
            continue
        parts = list(expanded(test, made))
        names = names_among(parts)
        if names & worked_out and any(_is_up_to_chance(part, made, worked_out) for part in parts):
            return True
    return False


def _is_up_to_chance(node: ast.AST, made: dict[str, list[ast.expr]], worked_out: set[str]) -> bool:
    """Whether a number by chance is held against what was worked out."""
    if not isinstance(node, ast.Compare) or not isinstance(
        node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE
    ):
        return False
    chance, worked = [], []
    for side in (node.left, node.comparators[0]):
        parts = list(expanded(side, made))
        worked.append(bool(names_among(parts) & worked_out))
        chance.append(bool(called_among(parts) & _CHANCE))
    return any(chance[n] and not worked[n] and worked[1 - n] for n in (0, 1))


def _takes_over(node: ast.AST) -> bool:
    """``theta = proposal``, ``chain[t] = proposal.copy()`` and ``return proposal``."""
    if not isinstance(node, ast.Assign | ast.Return):
        return False
    value = node.value
    if isinstance(value, ast.Call) and terminal(value.func) in {"copy", "deepcopy", "list"}:
        value = value.args[0] if value.args else getattr(value.func, "value", value)
    if isinstance(value, ast.Tuple):
        return bool(names_among(value.elts))
    return isinstance(value, ast.Name)


def anneals(reading: LoopReading) -> bool:
    """Whether chance, which gets less from round to round, takes the loop's steps."""
    worked_out = _worked_out(reading)
    return _is_accepted(reading.loop, worked_out) and _counts_down(reading.loop, worked_out)


def _counts_down(code: ast.AST, worked_out: set[str] | None = None) -> bool:
    """Whether something is divided by what only counts, as by a temperature."""
    divisors = {
        name
        for node in ast.walk(code)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        for name in names_in(node.right)
    }
    gone_through = {
        name
        for node in ast.walk(code)
        if isinstance(node, ast.For)
        for name in names_in(node.target)
    }
    counted = {
        name
        for name, values in assigned_in(code).items()
        if name not in (worked_out or ()) and not any(map(is_by_chance, values))
    }
    return bool(divisors & (gone_through | counted))


def draws(words: frozenset[str]) -> bool:
    """Whether one of the words called draws something."""
    return bool(words & (_DRAWING | _CHANCE | _INTEGERS))


def is_by_chance(node: ast.AST) -> bool:
    """Whether an expression itself draws something."""
    return bool(called_among(ast.walk(node)) & (_DRAWING | _CHANCE))


def draws_anew(reading: LoopReading) -> frozenset[str]:
    """The carried names that are drawn from a distribution which the round before gave."""
    worked_out = _worked_out(reading) | {u.name for u in reading.updates}
    data = frozenset[str]().union(*(u.value.data for u in reading.updates))
    made = assigned_in(reading.loop)
    found = set()
    for name, values in made.items():
        for value in values:
            for call in ast.walk(value):
                if not (isinstance(call, ast.Call) and terminal(call.func) in _DRAWING):
                    continue
                given = [*call.args, *(keyword.value for keyword in call.keywords)]
                names = {n for part in given for n in names_in(part)}
                if names & (worked_out | data) and _is_carried(name, reading.loop):
                    found.add(name)
    return frozenset(found)


def _is_carried(name: str, loop: ast.AST) -> bool:
    """Whether a round reads `name` before it makes it anew."""
    places = [n for n in ast.walk(loop) if isinstance(n, ast.Name) and n.id == name]
    stored = [n for n in places if isinstance(n.ctx, ast.Store)]
    read = [n for n in places if isinstance(n.ctx, ast.Load)]
    if not stored or not read:
        return False
    first = min(n.lineno for n in stored)
    return any(n.lineno <= first for n in read)


def wanders(name: str, node: ast.AST, reading: LoopReading) -> bool:
    """Whether pure noise is added to `name` in `node`, and each of its states is kept."""
    if not isinstance(node, ast.Assign | ast.AugAssign):
        return False
    made = assigned_in(reading.loop)
    known = _worked_out(reading) | {name}
    known |= frozenset[str]().union(*(u.value.data for u in reading.updates))
    for term in operands(node.value, ast.Add, ast.Sub):
        parts = list(expanded(term, made))
        if called_among(parts) & _NOISE and not names_among(parts) & known:
            return any(_keeps(name, part) for part in ast.walk(reading.loop))
    return False


def _keeps(name: str, node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and terminal(node.func) in _KEEPING:
        return any(name in names_in(argument) for argument in node.args)
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Subscript)
        and name in names_in(node.value)
    )
