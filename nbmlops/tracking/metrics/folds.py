"""What several models fill with predictions, one after another, as out-of-fold predictions are.

After ``oof[rows] = model.predict(X[rows])`` in a loop each row is one fold's, so that what is
measured on the whole is about all of the folds alike; so it is of ``parts.append(...)`` whose parts
are joined. What is made of several in another way, as their mean is, is no one model's. It is the
same where a function predicts and gives back what it predicted, and its caller puts it there.
"""

from __future__ import annotations

import ast
import weakref
from collections.abc import Sequence
from types import FrameType
from typing import Any

import msgspec

from nbmlops.tracking.code.makers import Scope, scope_of
from nbmlops.tracking.code.names import names_among
from nbmlops.tracking.metrics.contents import content_of, roughly
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
Key = tuple[int, Any]  # what is filled, by identity, and which of a table's columns
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


class _Kept(msgspec.Struct):
    """What models fill: the runs of those that have filled it whole, and of this cell's so far."""

    reference: Any
    cell: int
    how: Filling
    runs: tuple[str, ...] = ()
    now: list[str] = msgspec.field(default_factory=list)

    def add(self, run_id: str) -> None:
        if run_id not in self.now:
            self.now.append(run_id)
        if len(self.now) > 1:
            self.runs = tuple(self.now)


class Folds:
    """Remembers, without keeping any alive, what the models of several runs have filled."""

    def __init__(self) -> None:
        self._cell = 0
        self._targets: dict[Place, tuple[Scope | None, list[Target], bool]] = {}
        self._filled: dict[Key, _Kept] = {}
        self._sums: dict[tuple[str, str], _Kept] = {}
        self._lists: dict[int | str, tuple[str, ...]] = {}
        self._lists_by_name: dict[tuple[str, str], Key] = {}
        self._module: Site | None = None

    def new_cell(self) -> None:
        """Forget where was predicted; a loop does not go on in another cell."""
        self._cell += 1
        self._targets.clear()
        self._sums.clear()
        self._lists_by_name.clear()

    def end_cell(self) -> None:
        """Let go of what the cell has made, which is known from here on by weak references.

        Lists, which cannot be referred to weakly, are known by their content.
        """
        self._keep_made()
        for key, filled in list(self._filled.items()):
            if filled.how == "list":
                del self._filled[key]
                holder = filled.reference()
                for content in (roughly(holder), _content(holder)) if filled.runs else ():
                    if content is not None:
                        self._lists[content] = filled.runs
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
                self._sums[key] = _Kept(None, self._cell, "sum")
            self._sums[key].add(run_id)
            return
        part = column_at(target.column, holder, site) if is_table(holder) else None
        if part is None and is_table(holder):
            return  # another column of the table may be anybody's
        if (type(holder) is list) == (target.how == "list"):
            if type(holder) is list and isinstance(target.holder, ast.Name):
                self._lists_by_name[site.place, target.holder.id] = (id(holder), None)
            self._fill((id(holder), part), holder, run_id, target.how)

    def behind(self, node: ast.expr, frame: FrameType) -> Filled | None:
        """What is filled under an expression of `frame`, and the runs that filled it."""
        if not self._filled and not self._lists and not self._sums:
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
        joins = joined and not any(_called(n) in _MIXING for n in ast.walk(node))
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

    def _filled_at(self, node: ast.expr, part: ast.AST, site: Site, seen: set[str]) -> _Kept | None:
        holder = held(node, site)
        if isinstance(node, ast.Name):
            total = self._sums.get((site.place, node.id))
            if total is not None and total.runs and _makes_itself(node.id, site):
                return total
            if node.id in seen and type(holder) is not list:  # ``parts = np.array(parts)``
                before = self._filled.get(self._lists_by_name.get((site.place, node.id), (0, None)))
                return before if before is not None and before.runs else None
        if type(holder) is list and (id(holder), None) not in self._filled:
            runs = self._lists.get(roughly(holder) or 0) if self._lists else None
            return _Kept(None, self._cell, "list", runs) if runs else None
        if is_table(holder):
            column = column_at(column_read(part), holder, site)
            return self._whole((id(holder), column), holder) if column is not None else None
        array = holder
        while array is not None:
            if filled := self._whole((id(array), None), array):
                return filled
            array = getattr(array, "base", None) if type(array).__module__ == "numpy" else None
        return self._joined(holder)

    def _joined(self, array: Any) -> _Kept | None:
        """The runs that filled a list whose values an array holds, one after another."""
        if type(array).__module__.partition(".")[0] not in ("numpy", "pandas"):
            return None
        lists = [f for f in self._filled.values() if f.how == "list" and f.runs]
        content = _content(array) if lists or self._lists else None
        if content is None:
            return None
        same = (f.runs for f in lists if _content(f.reference()) == content)
        runs = next(same, None) or self._lists.get(content)
        return _Kept(None, self._cell, "rows", runs) if runs else None

    def _whole(self, key: Key, holder: Any) -> _Kept | None:
        found = self._filled.get(key)
        known = found is not None and found.reference() is holder and found.runs
        return found if known else None

    def _fill(self, key: Key, holder: Any, run_id: str, how: Filling) -> None:
        known = self._filled.get(key)
        if known is None or known.reference() is not holder or (how == "list" and not holder):
            kept = self._kept(key, holder, how)
            if kept is None:
                return
            known = kept
        if known.cell != self._cell:
            known.cell, known.now = self._cell, []
        known.add(run_id)

    def _kept(self, key: Key, holder: Any, how: Filling) -> _Kept | None:
        """Begin to remember what is filled; a list stays alive until its cell has ended."""
        filled = self._filled
        try:
            reference: Any = (
                (lambda: holder)
                if how == "list"
                else weakref.ref(holder, lambda _gone: filled.pop(key, None))
            )
        except TypeError:
            return None
        kept = filled[key] = _Kept(reference, self._cell, how)
        return kept

    def _keep_made(self) -> None:
        """Remember what the cell has made of what was filled, for it may be measured later."""
        site, self._module = self._module, None
        if site is None or not (self._filled or self._sums):
            return
        for name in site.made():
            value = site.value(name)
            known = value is None or is_table(value) or not hasattr(type(value), "__len__")
            if known or (id(value), None) in self._filled or type(value) is list:
                continue
            found = self._behind(ast.Name(id=name, ctx=ast.Load()), site)
            if found is not None:
                how: Filling = "sum" if found.mixed else "rows"
                kept = self._kept((id(value), None), value, how)
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


def _content(value: Any) -> str | None:
    """What tells the values of an array or a list, whose parts may be arrays themselves."""
    try:
        import numpy

        parts = type(value) is list and value and hasattr(type(value[0]), "__len__")
        array = numpy.concatenate(value) if parts else numpy.asarray(value)
        few = array.ndim == 1 and array.dtype.kind == "f" and bool((array % 1).any())
        return content_of(array) or (repr(array.tolist()) if few and len(array) > 1 else None)
    except Exception:  # noqa: BLE001 - foreign objects' conversions may raise anything; they then have no content
        return None


def _called(node: ast.AST) -> str:
    function = getattr(node, "func", None)
    return getattr(function, "attr", None) or getattr(function, "id", None) or ""
