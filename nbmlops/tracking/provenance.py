"""Which model made this array? Weak references from predictions to the runs of their models."""

from __future__ import annotations

import ast
import weakref
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any

import msgspec

from nbmlops.tracking.contents import content_of
from nbmlops.tracking.frames import (
    argument_of,
    call_node,
    data_root,
    name_of,
    root_name,
)
from nbmlops.tracking.inference.search import names_worked_out
from nbmlops.tracking.makers import data_beside, makers_in, tree_of

__all__ = ["Origin", "Provenance"]


_CONTENTS = 1000  # predictions of a session that are known again by content
_PREDICTING = ("predict", "decision", "score_", "forecast", "get_forecast", "get_prediction")
_NEAR = 3  # frames of the user's in which a metric's values are looked for


class Origin(msgspec.Struct, frozen=True):
    """A prediction's model, as its run, and the name of the data that it was made on."""

    run_id: str
    data: str | None


class Provenance:
    """Remembers, without keeping anything alive, which run made a model and which made an array."""

    def __init__(self) -> None:
        self._models: dict[int, tuple[Any, str]] = {}
        self._fitted: dict[str, tuple[int, str]] = {}
        self.fitted_names: set[str] = set()
        self._arrays: dict[int, tuple[Any, Origin]] = {}
        self._contents: dict[str, Origin] = {}
        self._latest: list[tuple[Origin, int | None]] = []
        self.earlier: Callable[[str], list[ast.AST]] = lambda _name: []
        """What an earlier cell made a global name from."""

    def new_cell(self) -> None:
        """Forget what was predicted last; a guess never reaches back into an earlier cell."""
        self._latest.clear()

    # -- models ---------------------------------------------------------------------------------
    def remember_model(self, model: Any, run_id: str) -> None:
        """`model` was trained in run `run_id`."""
        self._remember(self._models, model, run_id)

    def run_of(self, model: Any) -> str | None:
        """The run that trained `model`."""
        found = self._models.get(id(model))
        return found[1] if found and found[0]() is model else None

    def remember_fitted(self, name: str, value: Any, run_id: str) -> None:
        """`name` is bound to what a hand-written training of run `run_id` has fitted."""
        self.remember_model(value, run_id)
        self.fitted_names.add(name)
        if (content := _content(value)) is not None:
            self._fitted[name] = (content, run_id)
        else:
            self._fitted.pop(name, None)

    def run_of_fitted(self, name: str, value: Any) -> str | None:
        """The run that fitted what `name` is bound to, if it is still that."""
        if run_id := self.run_of(value):
            return run_id
        content, run_id = self._fitted.get(name, (None, None))
        return run_id if run_id is not None and content == _content(value) else None

    # -- predictions ----------------------------------------------------------------------------
    def remember_prediction(self, answer: Any, run_id: str, data: str | None) -> None:
        """`answer` was predicted by the model of run `run_id` on the data called `data`."""
        origin = Origin(run_id, data)
        for array in answer if isinstance(answer, tuple) else (answer,):
            self._remember(self._arrays, array, origin)
            self._remember_content(array, origin)
        self._latest.append((origin, _length(answer)))
        del self._latest[:-20]

    def _remember_content(self, array: Any, origin: Origin) -> None:
        if content := _safely(content_of, array):
            self._contents.pop(content, None)  # of equal predictions the latest counts
            self._contents[content] = origin
        while len(self._contents) > _CONTENTS:
            del self._contents[next(iter(self._contents))]

    def origin_of(self, value: Any) -> Origin | None:
        """Where an array came from, also through its views."""
        for _ in range(10):
            found = self._arrays.get(id(value))
            if found and found[0]() is value:
                return found[1]
            base = getattr(value, "base", None)
            if base is None or base is value:
                return None
            value = base
        return None

    def origin_in_call(
        self, values: list[Any], frames: list[FrameType], namespace: dict[str, Any]
    ) -> Origin | None:
        """Where what a metric was handed came from.

        By identity; else by the code that made it; else by its content, as of a frame's column;
        else by the code of earlier cells; else the last prediction of this cell that is as long.
        """
        for value in values:
            if origin := self.origin_of(value):
                return origin
        for frame in frames[:_NEAR]:  # a function's own code, and the calls that led to it
            if origin := self._origin_in_code(frame, namespace):
                return origin
        # A cell that is run again works the same values out anew; its model is not known yet.
        anew = bool(frames) and self._is_worked_out(frames[0])
        for value in () if anew else values:
            if origin := self._contents.get(_safely(content_of, value) or ""):
                return origin
        # Less telling than the content: a frame made there may hold several models' predictions.
        for frame in frames[:_NEAR]:
            if origin := self._origin_in_code(frame, namespace, self.earlier):
                return origin
        lengths = {_length(value) for value in values}
        near = [origin for origin, length in self._latest if length in lengths]
        return near[-1] if near else None

    def _is_worked_out(self, frame: FrameType) -> bool:
        tree = tree_of(frame)
        worked_out = names_worked_out(tree) if tree is not None else set()
        return bool(worked_out and worked_out & self.names_behind(frame).keys())

    def names_behind(self, frame: FrameType) -> dict[str, str | None]:
        """The names that the values in a frame's call were made from, each with the data beside."""
        call, (makers, _) = call_node(frame), makers_in(frame)
        found: dict[str, str | None] = {}
        waiting: list[ast.AST] = [*call.args, *(k.value for k in call.keywords)] if call else []
        while waiting:
            node = waiting.pop(0)
            for part in ast.walk(node):
                if isinstance(part, ast.Name) and part.id not in found:
                    found[part.id] = data_beside(node, part.id)
                    waiting += makers.get(part.id, [])
        return found

    def _origin_in_code(
        self,
        frame: FrameType,
        namespace: dict[str, Any],
        earlier: Callable[[str], list[ast.AST]] = lambda _name: [],
    ) -> Origin | None:
        call = call_node(frame)
        if call is None:
            return None
        makers, bound = makers_in(frame)
        seen: set[str] = set()
        waiting: list[ast.AST] = [*reversed(call.args), *(k.value for k in call.keywords)]
        while waiting:
            node = waiting.pop(0)
            for part in ast.walk(node):
                if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                    owner = root_name(part.func.value)
                    run_id = self.run_of(_lookup(owner, frame, namespace))
                    if run_id and part.func.attr.startswith(_PREDICTING):
                        data = data_root(argument_of(part, 0, "X"))
                        return Origin(run_id, _underneath(data, frame, namespace))
                if origin := self.origin_of(_field(part, frame, namespace)):
                    return origin
                if isinstance(part, ast.Name) and part.id not in seen:
                    seen.add(part.id)
                    value = _lookup(part.id, frame, namespace)
                    if origin := self.origin_of(value):
                        return origin
                    # Equal numbers are the same model only where this code has not made them anew.
                    anew = part.id in bound
                    run = self.run_of(value) if anew else self.run_of_fitted(part.id, value)
                    run = run or self._run_behind(value)
                    if run is not None:
                        data = data_beside(node, part.id)
                        return Origin(run, _underneath(data, frame, namespace))
                    waiting += makers.get(part.id) or earlier(part.id)
        return None

    def _run_behind(self, function: Any) -> str | None:
        """The run whose fitted arrays a function of the user's reads by their global names."""
        if type(function) is not FunctionType:
            return None
        known = self.fitted_names.intersection(function.__code__.co_names)
        runs = (self.run_of_fitted(name, function.__globals__.get(name)) for name in known)
        return next((run for run in runs if run), None)

    @staticmethod
    def _remember(store: dict[int, tuple[Any, Any]], obj: Any, value: Any) -> None:
        key = id(obj)
        try:
            # The callback drops the entry before the id can be given to another object.
            reference = weakref.ref(obj, lambda _gone: store.pop(key, None))
        except TypeError:
            return
        store[key] = (reference, value)


def _underneath(data: str | None, frame: FrameType, namespace: dict[str, Any]) -> str | None:
    """The user's name for the data that a loop's batches come from, or a function was handed."""
    if data is None:
        return None
    try:
        import executing

        tree: Any = executing.Source.for_frame(frame).tree
    except Exception:  # noqa: BLE001 - foreign code that cannot be read; the batch's name stays
        tree = None
    loops = [
        node
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.For)
        and node.lineno <= frame.f_lineno
        and data in {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)}
    ]
    if loops:
        # The one that the call stands in, or the last one before it.
        nearest = max(loops, key=lambda n: ((n.end_lineno or 0) >= frame.f_lineno, n.lineno))
        data = root_name(nearest.iter) or data
    if frame.f_globals is not frame.f_locals and data in frame.f_locals:
        return name_of(frame.f_locals[data], namespace, [frame]) or data
    return data


def _content(value: Any) -> int | None:
    """What tells small values apart that cannot be referred to weakly, as numbers and lists."""
    plain = isinstance(value, float | list | tuple | dict)
    return hash(repr(value)[:10_000]) if plain else None


def _lookup(name: str | None, frame: FrameType, namespace: dict[str, Any]) -> Any:
    if name is None:
        return None
    return frame.f_locals.get(name, frame.f_globals.get(name, namespace.get(name)))


def _safely(function: Callable[[Any], str | None], value: Any) -> str | None:
    try:
        return function(value)
    except Exception:  # noqa: BLE001 - a foreign object's conversion may raise anything; it then has no content
        return None


def _field(node: ast.AST, frame: FrameType, namespace: dict[str, Any]) -> Any:
    """What ``answer.predictions`` holds where the answer is a named tuple; else None."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return None
    owner = _lookup(node.value.id, frame, namespace)
    named = isinstance(owner, tuple) and node.attr in getattr(owner, "_fields", ())
    return getattr(owner, node.attr) if named else None


def _length(value: Any) -> int | None:
    try:
        return len(value)
    except Exception:  # noqa: BLE001 - a user's own __len__ may raise anything; it then has no length
        return None
