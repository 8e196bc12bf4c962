"""Arrays that several models fill with predictions row by row: out-of-fold predictions.

After ``oof[rows] = model.predict(X[rows])`` in a loop each row is one fold's, so that what is
measured on the whole is about all of the folds alike.
"""

from __future__ import annotations

import ast
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any

from nbmlops.tracking.code.frames import root_name
from nbmlops.tracking.code.makers import assignments, parts_filled, scope_of

__all__ = ["Folds"]

Place = tuple[str, str, int]  # file, function and line


class Folds:
    """Remembers, without keeping any alive, which arrays the models of several runs have filled."""

    def __init__(self) -> None:
        self._runs: dict[Place, list[str]] = {}
        self._targets: dict[Place, list[str]] = {}
        self._filled: dict[int, tuple[Any, tuple[str, ...]]] = {}

    def new_cell(self) -> None:
        """Forget where was predicted; a loop does not go on in another cell."""
        self._runs.clear()
        self._targets.clear()

    def predicted(self, run_id: str, frame: FrameType) -> None:
        """The model of run `run_id` predicts where `frame` is now."""
        code = frame.f_code
        place = (code.co_filename, code.co_qualname, frame.f_lineno)
        runs = self._runs.setdefault(place, [])
        if run_id not in runs:
            runs.append(run_id)
        if len(runs) < 2:
            return
        if place not in self._targets:
            self._targets[place] = list(_filled_from(frame))
        for name in self._targets[place]:
            self._remember(frame.f_locals.get(name, frame.f_globals.get(name)), tuple(runs))

    def behind(self, node: ast.expr, frame: FrameType) -> tuple[str, tuple[str, ...]] | None:
        """The filled array under an expression of `frame`, by name, and the runs that filled it."""
        for part in ast.walk(node) if self._filled else ():
            if isinstance(part, ast.Name):
                value = frame.f_locals.get(part.id, frame.f_globals.get(part.id))
                if runs := self._runs_of(value):
                    return part.id, runs
        return None

    def _runs_of(self, array: Any) -> tuple[str, ...]:
        while array is not None:
            found = self._filled.get(id(array))
            if found is not None and found[0]() is array:
                return found[1]
            array = getattr(array, "base", None) if type(array).__module__ == "numpy" else None
        return ()

    def _remember(self, array: Any, runs: tuple[str, ...]) -> None:
        if hasattr(type(array), "columns"):
            return  # another column of the table may be anybody's
        key, filled = id(array), self._filled
        try:
            filled[key] = (weakref.ref(array, lambda _gone: filled.pop(key, None)), runs)
        except TypeError:
            return


def _filled_from(frame: FrameType) -> Iterator[str]:
    """The names of the arrays into whose rows goes what is worked out at a frame's line."""
    scope = scope_of(frame)
    if scope is None:
        return
    made = assignments(scope)
    for target, value in parts_filled(scope):
        place = target.slice.elts[0] if isinstance(target.slice, ast.Tuple) else target.slice
        all_rows = isinstance(place, ast.Slice) and place.lower is None and place.upper is None
        name = root_name(target)
        if name is not None and not all_rows and frame.f_lineno in _lines_of(value, made):
            yield name


def _lines_of(value: ast.expr, made: dict[str, list[tuple[int, ast.expr]]]) -> set[int]:
    """The lines of the calls that a value comes from, also by the names that it is made of."""
    lines: set[int] = set()
    seen: set[str] = set()
    waiting = [value]
    while waiting:
        for part in ast.walk(waiting.pop()):
            if isinstance(part, ast.Call):
                lines.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
            elif isinstance(part, ast.Name) and part.id not in seen:
                seen.add(part.id)
                waiting += [maker for _, maker in made.get(part.id, [])]
    return lines
