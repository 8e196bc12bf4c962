"""One call of a function that people wrote to train by hand, as a training."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Gap
from nbmlops.tracking.code.makers import scope_of
from nbmlops.tracking.inference.assignments import bound_in
from nbmlops.tracking.inference.fitted_values import curve_of, kept, last_losses
from nbmlops.tracking.inference.function import Recipe
from nbmlops.tracking.inference.hyperparameters import CHOSEN, literals, read_settings
from nbmlops.tracking.inference.namespace import (
    NamespaceWorld,
    holds_numbers,
    holds_signs,
    is_fitted,
    is_grid,
    kind_of,
)
from nbmlops.tracking.inference.world import Kind
from nbmlops.tracking.instruments.hand_written import is_dismissed, is_exercise
from nbmlops.tracking.instruments.hand_written_data import is_validation
from nbmlops.tracking.instruments.held_settings import settings_handed, with_helpers
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.moved_objects import (
    is_plain_list,
    is_trained_object,
    module_owning,
    moved_by,
    settings_of,
)
from nbmlops.tracking.metrics.names import is_loss_history, is_metric_name
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.inputs import Argument, arguments_of
from nbmlops.tracking.trainings.parameters import named_parameters
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["OwnCall"]

_MOST_PARTS = 100  # of a dict or list that a function gives back
_LABELS = re.compile(r"^(labels?|clusters?|assignments?)_?$")


class OwnCall:
    """One call of a function that trains by hand."""

    def __init__(
        self,
        tracker: Tracker,
        recipe: Recipe,
        definition: ast.FunctionDef,
        function: Callable[..., Any],
        instance: Any,
    ) -> None:
        self.tracker, self.recipe, self.definition = tracker, recipe, definition
        self.function = function
        self.instance = None if isinstance(instance, type) else instance
        self.data: list[Argument] = []
        self.options: dict[str, Any] = {}
        self.moved: dict[str, Any] = {}
        self.given: dict[str, Any] = {}

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Find the call's data and settings; whether there is anything to train on."""
        with self.tracker.safely("a training"):
            return self._find(args, kwargs)
        return False

    def _find(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        tracker, recipe = self.tracker, self.recipe
        if recipe.method == "decision stump" and self._is_in_loop():
            return False  # one learner of many: the loop is the training, if it boosts
        given, self.options = arguments_of(
            self.function, args, kwargs, tracker.frames(), tracker.namespace
        )
        self.options |= {
            argument.role: argument.value
            for argument in given
            if argument.role not in recipe.data and is_plain_list(argument.value)
        }
        self.given = {**self.function.__globals__, **bind(self.function, args, kwargs).arguments}
        self.moved = moved_by(self.function, recipe, self.definition, args, kwargs)
        for root in dict.fromkeys(name.partition(".")[0] for name in recipe.parameters):
            owner = module_owning(tracker, self.given.get(root)) if root in self.given else None
            if owner is not None and self.instance is None:
                self.moved = dict([owner])
        told = {argument.role.partition(".")[0] for argument in given}
        kept = self.instance is None or tracker.constructions.took_data(self.instance)
        around = NamespaceWorld({**self.function.__globals__, "self": self.instance})
        given += [
            Argument(name, around.value(name), name)
            for name in recipe.data
            if name not in told and name not in self.options
            # What an object has made of plain numbers is a part of it, as the grid of a map is.
            if kept or not given or "." not in name
        ]
        self.data = [
            argument
            for argument in given
            if (role := argument.role.partition("[")[0].partition(".")[0]) in recipe.data
            or argument.role in recipe.data
            or is_validation(role)
            if kind_of(argument.value) is Kind.DATA
        ]
        if recipe.signs and not all(holds_signs(argument.value) for argument in self.data):
            return False
        real = any(not is_grid(argument.value) for argument in self.data)
        if is_exercise(tracker, recipe.method, (argument.name for argument in self.data)):
            return False
        return (real or not recipe.needs_data) and not is_dismissed(tracker)

    def _is_in_loop(self) -> bool:
        """Whether the call stands in a loop of the code that makes it."""
        for frame in self.tracker.frames()[:1]:
            scope = scope_of(frame)
            loops = (
                [n for n in ast.walk(scope) if isinstance(n, ast.For | ast.While)] if scope else []
            )
            return any(n.lineno <= frame.f_lineno <= (n.end_lineno or 0) for n in loops)
        return False

    def begin(self) -> Training:
        """The training that begins."""
        tracker, data = self.tracker, self.data
        parameters, hidden = named_parameters(*self._settings(self.options))
        if (model := self._object()) is not None:
            own, more_hidden = settings_of(tracker, model)
            parameters, hidden = (*own, *parameters), (*hidden, *more_hidden)
        helpers = {n: v for n, v in self.given.items() if n not in self.moved}
        parameters = with_helpers(tracker, self.definition, helpers, parameters)
        training = Training(
            kind="inferred",
            model=None,
            model_class=self._path(),
            name=self._title(),
            parameters=parameters,
            redacted=list(hidden),
        )
        tracker.trainings.begin(training, data)
        return training

    def after(self, training: Training, answer: Any) -> None:
        """Take what the function gives back as the model, and what it kept on the way."""
        if self.instance is not None:
            training.model = self.instance
            measured = dict(vars(self.instance)) if hasattr(self.instance, "__dict__") else {}
            measured.update(self._named(answer))
        else:
            measured = self._named(answer)
            whole = self.recipe.whole and type(answer) is not FunctionType
            fitted = {
                name: value
                for name, value in measured.items()
                if whole or self._is_model(name, value)
            } or self._read_by(answer)
            if self.moved and (not fitted or self._object() is not None):
                fitted = self.moved
            if type(answer) is FunctionType:  # what it predicts is this training's
                self.tracker.provenance.remember_model(answer, training.id)
            if fitted:
                training.model = kept(fitted)
            else:
                training.keep_model = False
                why = f"{self.definition.name} gives back nothing that it fitted."
                training.gaps.append(Gap(what="model", why=why))
            for name, value in fitted.items():
                self.tracker.provenance.remember_fitted(name, value, training.id)
                self._remember_parts(value, training.id)
        for value in (v for n, v in measured.items() if self._is_assignment(n, v)):
            self.tracker.provenance.remember_prediction(value, training.id, training.data_name)
        training.metrics += last_losses(measured)
        if curve := curve_of(measured):
            training.tables["curve"] = curve

    def _remember_parts(self, holder: Any, run_id: str) -> None:
        """The arrays of ``{"w": w, "b": b}``: the notebook may read them one by one."""
        if type(holder) not in (dict, list, tuple) or len(holder) > _MOST_PARTS:
            return
        for part in list(holder.values() if isinstance(holder, dict) else holder):
            if is_fitted(part) and not any(part is a.value for a in self.data):
                self.tracker.provenance.remember_model(part, run_id)

    def _read_by(self, answer: Any) -> dict[str, Any]:
        """What was fitted, of all that a function which was given back reads; the data is not."""
        if type(answer) is not FunctionType or answer.__closure__ is None:
            return {}
        held = {}
        for name, cell in zip(answer.__code__.co_freevars, answer.__closure__, strict=True):
            try:
                held[name] = cell.cell_contents
            except ValueError:
                continue  # never assigned
        given = {id(argument.value) for argument in self.data}
        return {
            name: value
            for name, value in held.items()
            if id(value) not in given and name not in self.options and holds_numbers(value)
        }

    def _is_model(self, name: str, value: Any) -> bool:
        if is_loss_history(name) or is_metric_name(name):
            return False
        return is_fitted(value) or hasattr(type(value), "predict")

    def _is_assignment(self, name: str, value: Any) -> bool:
        """Whether it says for each row of the data where it belongs, as a clustering does."""
        whole = str(getattr(value, "dtype", "")).startswith(("int", "uint"))
        if not whole or not self.data or any(value is a.value for a in self.data):
            return False
        if self.instance is not None and not _LABELS.match(name):
            return False
        rows = getattr(self.data[0].value, "__len__", int)()
        return getattr(value, "shape", None) == (rows,)

    def _object(self) -> Any:
        """The object that is trained: whose method this is, or what the function was handed."""
        if self.instance is not None or len(self.moved) != 1:
            return self.instance
        (only,) = self.moved.values()
        return only if is_trained_object(only) else None

    def _named(self, answer: Any) -> dict[str, Any]:
        parts = answer if isinstance(answer, tuple) else (answer,)
        names = self.recipe.returned
        return {
            (names[n] if n < len(names) and names[n] else f"result_{n}" if n else "result"): part
            for n, part in enumerate(parts)
            if part is not None
        }

    def _settings(self, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the call set, what it left at its default, and literals in the function itself."""
        defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(self.function).parameters.items()
            if isinstance(parameter.default, bool | int | float | str)
        }
        inside = read_settings(
            self.recipe.names, [literals(self.definition.body)], self.recipe.parameters
        )
        bound = {
            name
            for loop in self.definition.body if isinstance(loop, ast.For | ast.While)
            for name in bound_in(loop)
        }  # fmt: skip
        own = {n: v for n, v in inside.items() if n not in bound and v is not CHOSEN}
        own = {**settings_handed(self.definition, self.given), **self._closed_over(), **own}
        return {**own, **defaults, **options}, defaults

    def _closed_over(self) -> dict[str, Any]:
        """The plain values of a function around this one: ``make_ridge(lam)`` gives it back."""
        held = inspect.getclosurevars(self.function).nonlocals if self._is_inner() else {}
        return {n: v for n, v in held.items() if type(v) in (bool, int, float, str)}

    def _is_inner(self) -> bool:
        return type(self.function) is FunctionType and bool(self.function.__closure__)

    def _path(self) -> str:
        if (model := self._object()) is not None:
            return class_path(model)
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def _title(self) -> str:
        if (model := self._object()) is not None:
            return type(model).__name__
        fitted = ", ".join(n for n in self.recipe.returned if n and not is_loss_history(n))
        return f"{self.definition.name} ({fitted})"[:100] if fitted else self.definition.name
