"""What several models fill with predictions, one after another, as out-of-fold predictions are.

After ``oof[rows] = model.predict(X[rows])`` in a loop each row is one fold's, so that what is
measured on the whole is about all of the folds alike; so it is of ``parts.append(...)`` whose parts
are joined. What is made of several in another way, as their mean is, is no one model's. It is the
same where a function predicts and gives back what it predicted, and its caller puts it there.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import FrameType
from typing import Any

import msgspec

from nbmlops.tracking.code.makers import Scope, scope_of
from nbmlops.tracking.code.names import called_among, names_among
from nbmlops.tracking.metrics.filled_values import FilledValues, Kept, Key
from nbmlops.tracking.metrics.filling import (
    Filling,
    Site,
    Target,
    column_at,
    column_read,
    held,
    is_table,
    placed,
    returns,
    targets_of,
)

__all__ = ["Filled", "Folds"]

Place = tuple[str, str, int]  # file, function and line
# Calls that make one of a list's parts; after any other each part is still there by itself.
_MIXING = {
    "mean", "average", "median", "sum", "nansum", "nanmean", "max", "min", "maximum", "minimum",
    "mode", "prod", "gmean", "quantile", "dot", "matmul", "einsum", "reduce", "add", "zip",
    "enumerate", "pop",
}  # fmt: skip
_THE_END = 1 << 30  # a line that stands below all others
_DEEPEST = 6  # names that are followed to what they were made from, and functions to their callers


class Filled(msgspec.Struct, frozen=True):
    """The runs whose models filled a value; `mixed` says that none of it is any one's alone."""

    holder: ast.expr
    runs: tuple[str, ...]
    mixed: bool = False


class Folds:
    """Remembers, without keeping any alive, what the models of several runs have filled."""

    def __init__(self) -> None:
        self._targets: dict[Place, tuple[Scope | None, list[Target], bool]] = {}
        self._values = FilledValues()
        self._sums: dict[tuple[str, str], Kept] = {}
        self._lists_by_name: dict[tuple[str, str], Key] = {}
        self._module: Site | None = None

    def new_cell(self) -> None:
        """Forget where was predicted; a loop does not go on in another cell."""
        self._values.new_cell()
        self._targets.clear()
        self._sums.clear()
        self._lists_by_name.clear()

    def end_cell(self) -> None:
        """Let go of what the cell has made, which is remembered from here on without it."""
        self._keep_made()
        self._values.end_cell()
        self._sums.clear()

    def predicted(self, run_id: str, frames: Sequence[FrameType]) -> None:
        """The model of run `run_id` predicts where the innermost of `frames` is now."""
        for frame in frames[:_DEEPEST]:
            code, line = frame.f_code, frame.f_lineno
            place = (code.co_filename, code.co_qualname, line)
            if place not in self._targets:
                scope = scope_of(frame)
                targets = list(targets_of(scope, line)) if scope is not None else []
                self._targets[place] = (scope, targets, scope is not None and returns(scope, line))
            scope, targets, hands_on = self._targets[place]
            if targets:
                site = Site.of(frame, scope)
                if isinstance(scope, ast.Module):
                    self._module = Site(scope, _THE_END, (frame.f_globals,), site.place)
                for target in targets:
                    self._put(target, site, run_id)
            if not hands_on:
                return

    def _put(self, target: Target, site: Site, run_id: str) -> None:
        holder = held(target.holder, site)
        if target.rebound and isinstance(target.holder, ast.Name):
            key = (site.place, target.holder.id)
            if key not in self._sums or _is_nothing(holder):
                self._sums[key] = Kept(None, "sum")
            self._sums[key].add(run_id)
            return
        part = column_at(target.column, holder, site) if is_table(holder) else None
        if part is None and is_table(holder):
            return  # another column of the table may be anybody's
        if (type(holder) is list) == (target.how == "list"):
            if type(holder) is list and isinstance(target.holder, ast.Name):
                self._lists_by_name[site.place, target.holder.id] = (id(holder), None)
            self._values.fill((id(holder), part), holder, run_id, target.how)

    def behind(self, node: ast.expr, frame: FrameType) -> Filled | None:
        """What is filled under an expression of `frame`, and the runs that filled it."""
        if not self._values and not self._sums:
            return None
        return self._behind(node, Site.of(frame, scope_of(frame)))

    def _behind(self, node: ast.expr, site: Site) -> Filled | None:
        found: list[Filled] = []
        self._walk(node, site, found, set(), named=None, joined=True)
        if not found:
            return None
        mixed = any(f.mixed for f in found) or len({f.runs for f in found}) > 1
        return Filled(found[0].holder, found[0].runs, mixed)

    def _walk(
        self,
        node: ast.expr,
        site: Site,
        found: list[Filled],
        seen: set[str],
        *,
        named: ast.expr | None,
        joined: bool,
    ) -> None:
        """Look under `node` and under what its names were made from.

        `joined` says that until here the parts of a list have only been joined.
        """
        joins = joined and not called_among(ast.walk(node)) & _MIXING
        for part in ast.walk(node):
            for holder in _holders(part):
                filled = self._filled_at(holder, part, site, seen)
                if filled is not None:
                    whole = joins and holder is part
                    mixed = filled.how == "sum" or (filled.how == "list" and not whole)
                    found.append(Filled(named or holder, filled.runs, mixed))
                    break
            else:
                if isinstance(part, ast.Name) and part.id not in seen and len(seen) < _DEEPEST:
                    seen.add(part.id)
                    maker = site.last(part.id)
                    # A comprehension's own name is nothing that a frame knows.
                    name = named or (part if site.value(part.id) is not None else None)
                    if maker is not None:
                        self._walk(maker, site, found, seen, named=name, joined=joins)

    def _filled_at(self, node: ast.expr, part: ast.AST, site: Site, seen: set[str]) -> Kept | None:
        holder = held(node, site)
        if isinstance(node, ast.Name):
            total = self._sums.get((site.place, node.id))
            if total is not None and total.runs and _makes_itself(node.id, site):
                return total
            if node.id in seen and type(holder) is not list:  # ``parts = np.array(parts)``
                return self._values.at(self._lists_by_name.get((site.place, node.id), (0, None)))
        if is_table(holder):
            column = column_at(column_read(part), holder, site)
            return self._values.column(holder, column) if column is not None else None
        return self._values.of(holder)

    def _keep_made(self) -> None:
        """Remember what the cell has made of what was filled, for it may be measured later."""
        site, self._module = self._module, None
        if site is None or not (self._values.alive or self._sums):
            return
        for name in site.made():
            value = site.value(name)
            known = value is None or is_table(value) or not hasattr(type(value), "__len__")
            if known or value in self._values or type(value) is list:
                continue
            found = self._behind(ast.Name(id=name, ctx=ast.Load()), site)
            if found is not None:
                how: Filling = "sum" if found.mixed else "rows"
                kept = self._values.keep((id(value), None), value, how)
                if kept is not None:
                    kept.runs = found.runs


def _holders(part: ast.AST) -> list[ast.expr]:
    """What may be filled, of which `part` is the whole or some rows."""
    if isinstance(part, ast.Name):
        return [part]
    if isinstance(part, ast.Subscript | ast.Attribute):
        return [part, placed(part)]
    return []


def _makes_itself(name: str, site: Site) -> bool:
    maker = site.last(name)
    return maker is not None and name in names_among(ast.walk(maker))


def _is_nothing(value: Any) -> bool:
    """Whether a sum has nothing in it yet."""
    try:
        numbers = value is not None and hasattr(type(value), "any")
        return not bool(value.any()) if numbers else not value
    except Exception:  # noqa: BLE001 - a user's own object may raise anything; it then holds something
        return False
