"""Rule: parameters that a loop makes anew each round from data and what it held before.

k-means, mixtures by expectation maximisation, factorisations by alternating or multiplicative
steps, reweighted least squares, coordinate descent, power iteration. A value that is made anew is
common in simulations too; each form must therefore show the step that only it has.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nbmlops.tracking.code.names import called_among, names_among, terminal
from nbmlops.tracking.inference.assignments import assigned_in, bound_in, expanded, names_in
from nbmlops.tracking.inference.blocks import loops_in
from nbmlops.tracking.inference.descent import propagates
from nbmlops.tracking.inference.drawing import draws_anew, is_by_chance
from nbmlops.tracking.inference.findings import Finding
from nbmlops.tracking.inference.loops import LoopReading
from nbmlops.tracking.inference.statements import Update
from nbmlops.tracking.inference.values import Stage
from nbmlops.tracking.inference.words import SIMULATED

__all__ = ["find_alternation", "replaces"]

_NEAREST = {"argmin", "argmax", "cdist", "min", "index", "argsort", "euclidean_distances",
            "pairwise_distances_argmin", "pairwise_distances"}  # fmt: skip
_MEAN = {"mean", "average", "sum", "median", "nanmean"}
_DENSITY = {"pdf", "logpdf", "pmf", "logpmf", "exp", "multivariate_normal", "logsumexp",
            "gaussian", "softmax"}  # fmt: skip
_SOLVE = {"solve", "inv", "pinv", "lstsq", "cho_solve", "spsolve"}
_NORM = {"norm"}


def find_alternation(reading: LoopReading) -> Finding | None:  # noqa: PLR0911 - one a method
    """The parameters that `reading`'s loop makes anew, if it does."""
    if any(SIMULATED.match(name) for name in reading.names) or draws_anew(reading):
        return None
    only_kept = _only_kept(reading)
    fed = [
        u
        for u in reading.lagged
        if u.value.data and u.value.states & reading.group(u.name) and not _recurs(u, reading)
        if u.name not in only_kept
    ]
    carried = frozenset[str]().union(*(u.value.states for u in fed))
    judged = [u for u in fed if u.value.stage >= Stage.JUDGED]
    weighed = [u for u in fed if u.value.stage is Stage.WEIGHED and u.name in carried]
    words = reading.words
    if words & _NEAREST and words & _MEAN:
        picked = [u for u in weighed if not _called_in(u) & _NEAREST]
        written = called_among(ast.walk(reading.loop)) & _MEAN
        # Where the loop itself takes no mean, a function that it calls does.
        means = [u for u in picked if not written or _calls(u, reading, _MEAN)]
        if means:
            random = any(is_by_chance(u.node) for u in means)
            return _finding("evolutionary search" if random else "k-means", means, reading)
    steady = not any(propagates(u.name, reading) for u in reading.updates)
    if words & _SOLVE and steady and (solved := [u for u in judged if _calls(u, reading, _SOLVE)]):
        solved = [u for u in solved if _called_in(u) & _SOLVE] or solved
        alternate = len({u.name for u in solved}) > 1
        method = "alternating least squares" if alternate else "reweighted least squares"
        return _finding(method, solved, reading)
    factors = [u for u in weighed if u.factor or _is_quotient(u)]
    if len({u.name for u in factors}) > 1 and all(len(reading.group(u.name)) > 1 for u in factors):
        return _finding("multiplicative updates", factors, reading)
    dense = words & _DENSITY or _has_power_of_data(reading)
    if dense and len({u.name for u in weighed}) > 1 and words & _MEAN:
        shares = {u.name for u in fed if _divides(u, reading)}
        mixed = [u for u in weighed if u.name in shares or names_in(u.node) & shares]
        if mixed:
            return _finding("expectation maximisation", mixed, reading)
    if words & _NORM:
        normed = [u for u in weighed if _is_normed(u, reading) and not u.value.residual]
        if normed:
            return _finding("power iteration", normed, reading)
    coordinates = [u for u in weighed if u.part and u.deep and u.value.residual and not _is_cell(u)]
    if coordinates and not _is_linear_system(coordinates):
        return _finding("coordinate descent", coordinates, reading)
    ratios = [u for u in fed if _is_ratio_of_ratios(u, reading)]
    return _finding("minorisation and maximisation", ratios, reading) if ratios else None


def replaces(name: str, reading: LoopReading) -> bool:
    """Whether `name` is put in place by means, kept where there are none, and never moved."""
    made = assigned_in(reading.loop, parts=True)
    seen: set[str] = set()
    waiting: list[ast.AST] = [*made.get(name, [])]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call) and terminal(node.func) in _NEAREST:
            continue  # whom it is nearest to says where a mean goes
        moves = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)
        if moves and name in names_among(expanded(node, made)):
            return False
        if isinstance(node, ast.Name) and node.id not in seen:
            seen.add(node.id)
            waiting += made.get(node.id, [])
        waiting += ast.iter_child_nodes(node)
    return True


def _finding(method: str, updates: list[Update], reading: LoopReading) -> Finding:
    names = list(dict.fromkeys(u.name for u in updates))
    carried = [name for name in names if name in reading.met]
    if method == "expectation maximisation":
        # What the round after makes its shares from; the shares themselves are made anew.
        states = frozenset[str]().union(*(u.value.states for u in updates))
        carried = [name for name in names if name in states]
    fitted = names if method == "alternating least squares" else carried or names
    data = frozenset[str]().union(*(u.value.data for u in updates))
    return Finding(
        method=method,
        parameters=tuple(fitted),
        data=tuple(sorted(data)),
        node=reading.loop,
        names=reading.names | reading.reached,
        fed=reading.fed,
    )


def _calls(update: Update, reading: LoopReading, words: set[str]) -> bool:
    """Whether one of `words` is called in the update, or in what it calls or reads."""
    if _called_in(update) & words:
        return True
    read = names_in(update.node)
    makers = [u for u in reading.lagged if u.name in read and u.node is not update.node]
    if not makers:
        return bool(reading.words & words)
    return any(_called_in(maker) & words for maker in makers)


def _called_in(update: Update) -> frozenset[str]:
    return called_among(ast.walk(update.node))


def _divides(update: Update, reading: LoopReading) -> bool:
    def has(node: ast.AST) -> bool:
        return any(
            isinstance(n, ast.BinOp | ast.AugAssign) and isinstance(n.op, ast.Div)
            for n in ast.walk(node)
        )

    return has(update.node) or bool(reading.words & {"average", "mean"})


def _is_normed(update: Update, reading: LoopReading) -> bool:
    """Whether it is divided by its length; shares that add up to one are a chain's, no axis."""
    made = assigned_in(reading.loop)
    divisors = [
        n.right if isinstance(n, ast.BinOp) else n.value
        for n in ast.walk(update.node)
        if isinstance(n, ast.BinOp | ast.AugAssign) and isinstance(n.op, ast.Div)
    ]
    norms = [
        n
        for divisor in divisors
        for n in expanded(divisor, made)
        if isinstance(n, ast.Call) and terminal(n.func) in _NORM
    ]
    return any(not _adds_up(norm) for norm in norms)


def _adds_up(norm: ast.Call) -> bool:
    order = [*norm.args[1:2], *(k.value for k in norm.keywords if k.arg == "ord")]
    return any(isinstance(o, ast.Constant) and o.value == 1 for o in order)


def _has_power_of_data(reading: LoopReading) -> bool:
    """``theta ** heads``: how likely data is, a parameter to the power of what was counted."""
    data = frozenset[str]().union(*(u.value.data for u in reading.lagged))
    carried = frozenset[str]().union(*(u.value.states for u in reading.lagged))
    return any(
        isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow)
        and names_in(n.left) & carried and names_in(n.right) & data
        for n in ast.walk(reading.loop)
    )  # fmt: skip


def _is_quotient(update: Update) -> bool:
    """``W = W * (…) / (…)``."""
    node = getattr(update.node, "value", None)
    operators = {type(n.op) for n in ast.walk(node) if isinstance(n, ast.BinOp)} if node else set()
    return {ast.Mult, ast.Div} <= operators and update.name in {
        n.id
        for n in ast.walk(update.node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }


def _only_kept(reading: LoopReading) -> set[str]:
    """The names that the loop reads in tests alone: the best so far, and how good it is."""
    tests = [n.test for n in ast.walk(reading.loop) if isinstance(n, ast.If)]
    tested = {id(part) for test in tests for part in ast.walk(test)}
    names = [n for n in ast.walk(reading.loop) if isinstance(n, ast.Name)]
    read = {n.id for n in names if isinstance(n.ctx, ast.Load) and id(n) not in tested}
    kept = {
        name
        for n in ast.walk(reading.loop)
        if isinstance(n, ast.If)
        for inner in n.body
        for name in bound_in(inner)
    }
    return kept - read


def _is_ratio_of_ratios(update: Update, reading: LoopReading) -> bool:
    """``wins / (games / (p + q)).sum()``: strengths of comparisons, by Zermelo's algorithm.

    What is divided by the parameters is data, and what is divided by the sum of that is, too.
    """
    carried = reading.group(update.name)

    def quotients(node: ast.AST) -> Iterator[ast.BinOp]:
        for part in ast.walk(node):
            if not (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div)):
                continue
            if names_in(part.left) & update.value.data:
                yield part

    return isinstance(update.node, ast.Assign) and any(
        names_in(inner.right) & carried
        for outer in quotients(update.node.value)
        for inner in quotients(outer.right)
    )


def _recurs(update: Update, reading: LoopReading) -> bool:
    """Whether an element is made from the one before it, as in a series that is unrolled."""
    target = update.node.targets[0] if isinstance(update.node, ast.Assign) else None
    if not (update.part and isinstance(target, ast.Subscript)):
        return False
    bound = {
        name
        for loop in [reading.loop, *loops_in(reading.loop.body)]
        if isinstance(loop, ast.For)
        for name in names_in(loop.target)
    }
    return any(
        isinstance(n, ast.Subscript)
        and isinstance(n.value, ast.Name)
        and n.value.id == update.name
        and any(
            isinstance(i, ast.BinOp) and isinstance(i.op, ast.Sub | ast.Add) and names_in(i) & bound
            for i in ast.walk(n.slice)
        )
        for n in ast.walk(update.node)
    )


def _is_cell(update: Update) -> bool:
    """Whether it is one cell of a table, as of the factor that Gram and Schmidt's steps fill."""
    target = update.node.targets[0] if isinstance(update.node, ast.Assign) else None
    place = target.slice if isinstance(target, ast.Subscript) else None
    return isinstance(place, ast.Tuple) and all(isinstance(p, ast.Name) for p in place.elts)


def _is_linear_system(updates: list[Update]) -> bool:
    """Jacobi's and Gauss-Seidel's ``x`` of ``A x = b`` is a solution, not a model."""
    return all(
        u.name in {"x", "x_new", "phi"} and u.value.data <= {"A", "b", "D", "R", "L", "U", "M", "n"}
        for u in updates
    )
