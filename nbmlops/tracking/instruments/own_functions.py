"""Functions that people write to train by hand: each call of one is a training.

A function is read once, when it has come to be; one that trains gets a watcher. That happens
between the statements of a cell, each of which IPython executes by itself, so a function may be
made and called in one cell. Its code, its name and its pickles stay the user's.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Gap
from nbmlops.tracking.code.own import (
    definition_of,
    is_installed_file,
    is_own,
    is_own_module,
    own_functions,
)
from nbmlops.tracking.inference.fitted_values import curve_of, kept, last_losses
from nbmlops.tracking.inference.function import Recipe, read_function
from nbmlops.tracking.inference.hyperparameters import literals, read_settings
from nbmlops.tracking.inference.namespace import NamespaceWorld, is_fitted, is_grid, kind_of
from nbmlops.tracking.inference.search import may_train
from nbmlops.tracking.inference.world import Kind
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.hand_written import is_dismissed, is_exercise
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.wrapping import Watched, is_watched
from nbmlops.tracking.metrics.names import is_loss_history, is_metric_name
from nbmlops.tracking.session.cells import ExecutedCell
from nbmlops.tracking.trainings.inputs import Argument, arguments_of
from nbmlops.tracking.trainings.parameters import named_parameters, parameters_of
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["OwnFunctionWatch"]

# Arguments that a training is only judged on, whose data goes into it all the same.
_VALIDATION = re.compile(r"(^|_)(val(id(ation)?)?|dev|test|eval|holdout)(_|$)", re.IGNORECASE)


class OwnFunctionWatch:
    """The watchers of one tracker around functions and methods that train by hand."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self._seen: set[int] = set()
        self._modules: set[str] = set()
        self._cell: int | None = None
        self._looks = False

    def start(self) -> None:
        """Watch what there is, and look again between the statements of each cell."""
        self._look_around()
        self.tracker.before_cell_ends.append(self._ended)
        sys.addaudithook(self._heard)  # cannot be removed; the tracker's being off silences it

    def watch_methods(self, cls: type) -> bool:
        """Watch the methods of a class without ``fit`` that train by hand; whether it has any.

        What it inherits is read as it runs in this class: an abstract loop trains by what it calls.
        """
        functions: dict[str, tuple[type, FunctionType]] = {}
        methods: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            if is_own(base):
                for name, function in own_functions(base).items():
                    functions[name] = base, function
                    if (found := definition_of(function)) is not None:
                        methods[name] = found
        trains = False
        for name, (home, function) in functions.items():
            definition = methods.get(name)
            if is_watched(vars(home)[name]):
                trains = True
                continue
            if not isinstance(definition, ast.FunctionDef):
                continue
            if not may_train(ast.unparse(definition)):
                continue
            recipe = read_function(definition, function.__globals__, methods)
            if recipe is not None:
                setattr(home, name, Watched(function, self._watcher(recipe, definition)))
                trains = True
        return trains

    # -- looking ----------------------------------------------------------------------------------
    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "exec" or not self.tracker.watching:
            return
        # A library's modules are executed too while it is imported: they are many, and not asked.
        if is_installed_file(getattr(arguments[0], "co_filename", "<frozen")):
            return
        cell = self.tracker.history.executed[-1]
        if cell.order != self._cell:
            self._cell = cell.order
            self._looks = "def " in cell.source or "import " in cell.source
        if self._looks:
            self._look_around()

    def _ended(self, cell: ExecutedCell) -> None:
        if cell.order == self._cell and self._looks:
            self._look_around()

    def _look_around(self) -> None:
        try:
            namespace = self.tracker.namespace
            for name, value in list(namespace.items()):
                self._consider(namespace, name, value)
                if type(value) is ModuleType and value.__name__ not in self._modules:
                    self._consider_module(value)
        except Exception as error:  # noqa: BLE001 - the user's cell comes first; `fault` tells
            self.tracker.fault("the notebook's functions", error)

    def _consider_module(self, module: ModuleType) -> None:
        self._modules.add(module.__name__)
        if is_own_module(module) and module.__name__ != "__main__":
            for name, value in list(vars(module).items()):
                self._consider(vars(module), name, value)

    def _consider(self, home: dict[str, Any], name: str, value: Any) -> None:
        if type(value) is not FunctionType or id(value.__code__) in self._seen:
            return
        if not is_own(value):
            return
        self._seen.add(id(value.__code__))
        recipe = _recipe_of(value)
        if recipe is None:
            return
        watched = Watched(value, self._watcher(*recipe))
        module = sys.modules.get(value.__module__)
        for place in (home, vars(module) if module is not None else home):
            for bound, there in list(place.items()):
                if there is value:
                    place[bound] = watched

    # -- calls ------------------------------------------------------------------------------------
    def _watcher(self, recipe: Recipe, definition: ast.FunctionDef) -> Callable[..., Any]:
        def watcher(
            function: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: Any
        ) -> Any:
            if not self.tracker.watching or self.tracker.activity.busy:
                return function(*args, **kwargs)
            call = _Call(self.tracker, recipe, definition, function, instance)
            if not call.prepare(args, kwargs):
                return function(*args, **kwargs)
            return follow(self.tracker, lambda: function(*args, **kwargs), call.begin, call.after)

        return watcher


class _Call:
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

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Find the call's data and settings; whether there is anything to train on."""
        tracker, recipe = self.tracker, self.recipe
        try:
            given, self.options = arguments_of(
                self.function, args, kwargs, tracker.frames(), tracker.namespace
            )
        except Exception as error:  # noqa: BLE001 - the user's call comes first; `fault` tells
            tracker.fault("a training", error)
            return False
        told = {argument.role.partition(".")[0] for argument in given}
        around = NamespaceWorld({**self.function.__globals__, "self": self.instance})
        given += [
            Argument(name, around.value(name), name)
            for name in recipe.data
            if name not in told and name not in self.options
        ]
        self.data = [
            argument
            for argument in given
            if (role := argument.role.partition("[")[0].partition(".")[0]) in recipe.data
            or argument.role in recipe.data
            or _VALIDATION.search(role)
            if kind_of(argument.value) is Kind.DATA
        ]
        real = any(not is_grid(argument.value) for argument in self.data)
        if is_exercise(tracker, recipe.method, (argument.name for argument in self.data)):
            return False
        return (real or not recipe.needs_data) and not is_dismissed(tracker)

    def begin(self) -> Training:
        """The training that begins."""
        tracker, data = self.tracker, self.data
        parameters, hidden = named_parameters(*self._settings(self.options))
        if self.instance is not None:
            own, more_hidden, _ = parameters_of(
                self.instance, tracker.constructions.of(self.instance)
            )
            parameters, hidden = (*own, *parameters), (*hidden, *more_hidden)
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
            fitted = {
                name: value for name, value in measured.items() if self._is_model(name, value)
            }
            if fitted:
                training.model = kept(fitted)
            else:
                training.keep_model = False
                why = f"{self.definition.name} gives back nothing that it fitted."
                training.gaps.append(Gap(what="model", why=why))
            for name, value in fitted.items():
                self.tracker.provenance.remember_fitted(name, value, training.id)
        training.metrics += last_losses(measured)
        if curve := curve_of(measured):
            training.tables["curve"] = curve

    def _is_model(self, name: str, value: Any) -> bool:
        if is_loss_history(name) or is_metric_name(name):
            return False
        return is_fitted(value) or hasattr(type(value), "predict")

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
            n.id
            for loop in self.definition.body if isinstance(loop, ast.For | ast.While)
            for n in ast.walk(loop) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }  # fmt: skip
        own = {name: value for name, value in inside.items() if name not in bound}
        return {**own, **defaults, **options}, defaults

    def _path(self) -> str:
        if self.instance is not None:
            return class_path(self.instance)
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def _title(self) -> str:
        if self.instance is not None:
            return type(self.instance).__name__
        fitted = ", ".join(n for n in self.recipe.returned if n and not is_loss_history(n))
        return f"{self.definition.name} ({fitted})"[:100] if fitted else self.definition.name


def _recipe_of(function: FunctionType) -> tuple[Recipe, ast.FunctionDef] | None:
    definition = definition_of(function)
    if not isinstance(definition, ast.FunctionDef) or inspect.isgeneratorfunction(function):
        return None
    if not may_train(ast.unparse(definition)):
        return None
    recipe = read_function(definition, function.__globals__)
    return (recipe, definition) if recipe is not None else None
