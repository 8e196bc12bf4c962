"""Which model made this array? Weak references from predictions to the runs of their models."""

from __future__ import annotations

import ast
import warnings
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any

import msgspec

from nbmlops.tracking.metrics.contents import content_of, roughly
from nbmlops.tracking.metrics.copies import content_of_model, family_of
from nbmlops.tracking.metrics.folds import Folds

__all__ = ["Origin", "Provenance"]

_MOST_CONTENTS = 1000  # predictions of a session that are known again by content
_MOST_HELD = 1000  # parts of a list that may be models
_MOST_CLASSES = 10  # whose probabilities are known again each by itself


class Origin(msgspec.Struct, frozen=True):
    """A prediction's model, as its run, and the name of the data that it was made on."""

    run_id: str
    data: str | None


class Provenance:
    """Remembers, without keeping anything alive, which run made a model and which made an array."""

    def __init__(self) -> None:
        self._models: dict[int, tuple[Any, str]] = {}
        self._strangers: dict[int, tuple[Any, int]] = {}
        self._kept: dict[str, dict[str, str]] = {}
        self._given: dict[int, tuple[Any, None]] = {}
        self._fitted: dict[str, tuple[int, str]] = {}
        self.fitted_names: set[str] = set()
        self._arrays: dict[int, tuple[Any, Origin]] = {}
        self._latest: list[tuple[Origin, int | None]] = []
        self.folds = Folds()
        self._contents: dict[str, set[Origin]] = {}
        self._truths: set[str | None] = set()
        self.earlier: Callable[[str], list[ast.AST]] = lambda _name: []
        """What an earlier cell made a global name from."""

    def new_cell(self) -> None:
        """Forget what was predicted last; a guess never reaches back into an earlier cell."""
        self._latest.clear()
        self.folds.new_cell()

    def end_cell(self) -> None:
        """Keep nothing alive beyond the cell."""
        self.folds.end_cell()

    # -- models ---------------------------------------------------------------------------------
    def remember_model(self, model: Any, run_id: str) -> None:
        """`model` was trained in run `run_id`."""
        self._given.pop(id(model), None)
        self._remember(self._models, model, run_id)

    def run_of(self, model: Any) -> str | None:
        """The run that trained `model`, or whose weights it was given since."""
        given = self._given.pop(id(model), None)
        if given is not None and given[0]() is model:
            self.run_of_copy(model)
        found = self._models.get(id(model))
        return found[1] if found and found[0]() is model else None

    def runs_held(self, holder: Any) -> list[str]:
        """The runs of the models that a plain list or dict holds, as an ensemble's does."""
        if type(holder) not in (list, tuple, dict) or len(holder) > _MOST_HELD:
            return []
        parts = holder.values() if isinstance(holder, dict) else holder
        runs = [self.run_of(part) for part in list(parts)]
        return list(dict.fromkeys(run for run in runs if run is not None))

    def run_of_copy(self, model: Any) -> str | None:
        """The run that trained what `model` is a copy of: saved and loaded, or copied.

        What is nobody's copy is looked at once, until there are more models of its kind.
        """
        family = family_of(model)
        made = [(reference(), run_id) for reference, run_id in [*self._models.values()]]
        kin: list[tuple[Any, str]] = [
            pair for pair in made if pair[0] is not None and family_of(pair[0]) == family
        ]
        kept = self._kept.get(family, {})
        known, stranger = len(kin) + len(kept), self._strangers.get(id(model))
        if not known or (stranger and stranger[0]() is model and stranger[1] == known):
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = content_of_model(model)
            run_id = kept.get(content or "")
            if run_id is None and content is not None:
                same = (run for other, run in reversed(kin) if content_of_model(other) == content)
                run_id = next(same, None)
        if run_id is None:
            self._remember(self._strangers, model, known)
        else:
            self.remember_model(model, run_id)
        return run_id

    def run_behind_model(self, model: Any) -> str | None:
        """The run that trained `model`, or what it is a copy of."""
        return self.run_of(model) or self.run_of_copy(model)

    def remember_content(self, model: Any, run_id: str) -> None:
        """What the model of run `run_id` holds now may come back when the model is gone."""
        if (content := content_of_model(model)) is not None:
            kept = self._kept.setdefault(family_of(model), {})
            kept[content] = run_id
            while len(kept) > _MOST_CONTENTS:
                del kept[next(iter(kept))]

    def look_again(self, model: Any) -> None:
        """`model` was given other values, maybe another run's; they are read when it is asked."""
        self._strangers.pop(id(model), None)
        self._remember(self._given, model, None)

    def remember_fitted(self, name: str, value: Any, run_id: str) -> None:
        """`name` is bound to what a hand-written training of run `run_id` has fitted."""
        self.remember_model(value, run_id)
        self.fitted_names.add(name)
        if (content := roughly(value)) is not None:
            self._fitted[name] = (content, run_id)
        else:
            self._fitted.pop(name, None)

    def run_of_fitted(self, name: str, value: Any) -> str | None:
        """The run that fitted what `name` is bound to, if it is still that."""
        if run_id := self.run_of(value):
            return run_id
        content, run_id = self._fitted.get(name, (None, None))
        return run_id if run_id is not None and content == roughly(value) else None

    # -- predictions ----------------------------------------------------------------------------
    def remember_prediction(self, answer: Any, run_id: str, data: str | None) -> None:
        """`answer` was predicted by the model of run `run_id` on the data called `data`."""
        origin = Origin(run_id, data)
        self.remember_derived(answer, origin)
        self._latest.append((origin, _length(answer)))
        del self._latest[:-20]

    def remember_derived(self, answer: Any, origin: Origin) -> None:
        """`answer` was made from a prediction of that `origin`."""
        for array in answer if isinstance(answer, tuple) else (answer,):
            self._remember(self._arrays, array, origin)
            for part in (array, *_columns_of(array)):
                if (key := _safely(content_of, part)) is not None:
                    self._contents.setdefault(key, set()).add(origin)
            while len(self._contents) > _MOST_CONTENTS:
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

    def origins_by_content(self, value: Any) -> set[Origin]:
        """The predictions that hold the very same numbers, whoever copied them.

        Where several models made them, those that are still there: a cell that is run again leaves
        the same numbers of a model that nobody holds any more.
        """
        key = _safely(content_of, value) if self._contents else None
        if key in self._truths:
            return set()
        found = self._contents.get(key, set()) if key is not None else set()
        if len({origin.run_id for origin in found}) < 2:
            return found
        alive = {run_id for reference, run_id in self._models.values() if reference() is not None}
        return {origin for origin in found if origin.run_id in alive} or found

    def remember_truth(self, value: Any) -> None:
        """Predictions are held against `value`: equal numbers do not make it one of them."""
        if self.origin_of(value) is None and (key := _safely(content_of, value)) in self._contents:
            self._truths.add(key)

    def is_one_models(self, value: Any) -> bool:
        """Whether a value holds what one model alone predicted."""
        return len({origin.run_id for origin in self.origins_by_content(value)}) == 1

    def run_behind(self, function: Any) -> str | None:
        """The run whose fitted arrays a function of the user's reads by their global names."""
        if type(function) is not FunctionType:
            return None
        known = self.fitted_names.intersection(function.__code__.co_names)
        runs = (self.run_of_fitted(name, function.__globals__.get(name)) for name in known)
        return next((run for run in runs if run), None)

    def nearest(self, values: list[Any]) -> Origin | None:
        """The last prediction of this cell that is as long as one of `values`: a guess."""
        lengths = {_length(value) for value in values}
        near = [origin for origin, length in self._latest if length in lengths]
        return near[-1] if near else None

    def names_of_predictions(self, namespace: dict[str, Any]) -> set[str]:
        """The notebook's names that are bound to predictions now."""
        if not self._arrays:
            return set()
        return {n for n, v in list(namespace.items()) if id(v) in self._arrays and n[0] != "_"}

    @staticmethod
    def _remember(store: dict[int, tuple[Any, Any]], obj: Any, value: Any) -> None:
        key = id(obj)
        try:
            # The callback drops the entry before the id can be given to another object.
            reference = weakref.ref(obj, lambda _gone: store.pop(key, None))
        except TypeError:
            return
        store[key] = (reference, value)


def _columns_of(array: Any) -> list[Any]:
    """The columns of a few classes' probabilities, which are put elsewhere one by one."""
    shape: tuple[int, ...] = getattr(array, "shape", ())
    if type(array).__module__ != "numpy" or len(shape) != 2 or not 1 < shape[1] <= _MOST_CLASSES:
        return []
    return [array[:, number] for number in range(shape[1])]


def _safely(function: Callable[[Any], str | None], value: Any) -> str | None:
    try:
        return function(value)
    except Exception:  # noqa: BLE001 - a foreign object's conversion may raise anything; it then has no content
        return None


def _length(value: Any) -> int | None:
    try:
        return len(value)
    except Exception:  # noqa: BLE001 - a user's own __len__ may raise anything; it then has no length
        return None
