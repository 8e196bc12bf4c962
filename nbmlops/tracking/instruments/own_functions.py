"""Functions that people write to train by hand: each call of one is a training.

A function is read when it has come to be, and again when what it calls has; one that trains gets a
watcher. That happens between the statements of a cell, each of which IPython executes by itself, so
a function may be made and called in one cell. Its code, its name and its pickles stay the user's.
"""

from __future__ import annotations

import ast
import inspect
import sys
import weakref
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.audit import hear
from nbmlops.tracking.code.installed import is_installed_file
from nbmlops.tracking.code.own import definition_of, is_own, is_own_module, own_functions
from nbmlops.tracking.inference.function import Recipe, read_function
from nbmlops.tracking.inference.search import may_train
from nbmlops.tracking.instruments.call_recipes import CallRecipes, asking_function
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.own_calls import OwnCall
from nbmlops.tracking.instruments.wrapping import Watched, is_watched
from nbmlops.tracking.session.cells import ExecutedCell

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["OwnFunctionWatch"]


class OwnFunctionWatch:
    """The watchers of one tracker around functions and methods that train by hand."""

    def __init__(self, tracker: Tracker, trains: Callable[[type], None]) -> None:
        """`trains` hears of each class whose methods are found to train after it was made."""
        self.tracker, self._trains = tracker, trains
        # The code that was read, and the names that it used before they stood for anything.
        self._seen: dict[int, frozenset[str]] = {}
        self._recipes: weakref.WeakKeyDictionary[CodeType, tuple[Recipe, ast.FunctionDef]]
        self._recipes = weakref.WeakKeyDictionary()
        # Classes, and the names that their methods use before they stand for anything.
        self._waiting: dict[int, tuple[weakref.ref[type], frozenset[str]]] = {}
        self._modules: set[str] = set()
        self._cell: int | None = None
        self._looks = False

    def start(self) -> None:
        """Watch what there is, and look again between the statements of each cell."""
        self._look_around()
        self.tracker.before_cell_ends.append(self._ended)
        hear("exec", self._executed)  # for good; the tracker's being off silences it

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
        if lacked := _lacking(each for _, each in functions.values()):
            self._waiting[id(cls)] = weakref.ref(cls), lacked
        return trains

    # -- looking ----------------------------------------------------------------------------------
    def _executed(self, arguments: tuple[Any, ...]) -> None:
        if not self.tracker.watching:
            return
        # A library's modules are executed too while it is imported: they are many, and not asked.
        if is_installed_file(getattr(arguments[0], "co_filename", "<frozen")):
            return
        cell = self.tracker.history.executed[-1]
        if cell.order != self._cell:
            self._cell = cell.order
            self._looks = "def " in cell.source or "import " in cell.source
        if self._looks or self._has_new():
            self._look_around()

    def _ended(self, cell: ExecutedCell) -> None:
        if cell.order == self._cell and (self._looks or self._has_new()):
            self._look_around()

    def _has_new(self) -> bool:
        """Whether a function has come to be that the cell has not written, but called for."""
        values = list(self.tracker.namespace.values())
        codes = [v.__code__ for v in values if type(v) is FunctionType]
        return any(id(code) not in self._seen or code in self._recipes for code in codes)

    def _look_around(self) -> None:
        with self.tracker.safely("the notebook's functions"):
            namespace = self.tracker.namespace
            for name, value in list(namespace.items()):
                self._consider(namespace, name, value)
                if type(value) is ModuleType and value.__name__ not in self._modules:
                    self._consider_module(value)
            self._read_again()

    def _read_again(self) -> None:
        """Read the methods of classes again for which something has come to be that they use."""
        for key, (refers, lacked) in list(self._waiting.items()):
            cls = refers()
            if cls is not None and not any(word in _around(cls) for word in lacked):
                continue
            del self._waiting[key]  # before it is read: that, too, executes code
            if cls is not None and self.watch_methods(cls):
                self._trains(cls)

    def _consider_module(self, module: ModuleType) -> None:
        self._modules.add(module.__name__)
        if module.__name__ != "__main__" and is_own_module(module) and _may_train(module):
            for name, value in list(vars(module).items()):
                self._consider(vars(module), name, value)

    def _consider(self, home: dict[str, Any], name: str, value: Any) -> None:
        if type(value) is not FunctionType:
            return
        code = id(value.__code__)
        lacked = self._seen.get(code)
        # That of one which the same function has given back before.
        recipe = self._recipes.get(value.__code__)
        known = recipe is None and lacked is not None
        if known and not any(word in value.__globals__ for word in lacked or ()):
            return
        if not is_own(value):
            return
        self._seen[code] = frozenset()  # before it is read: that, too, executes code
        recipe = recipe or _recipe_of(value)
        if recipe is not None:
            if value.__closure__:
                self._recipes[value.__code__] = recipe
            watched = Watched(value, self._watcher(*recipe))
        elif (asking := asking_function(value)) is not None:
            watched = Watched(value, self._reader(asking))
        else:
            self._seen[code] = _lacking([value])
            return
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
            call = OwnCall(self.tracker, recipe, definition, function, instance)
            if not call.prepare(args, kwargs):
                return function(*args, **kwargs)
            return follow(self.tracker, lambda: function(*args, **kwargs), call.begin, call.after)

        return watcher

    def _reader(self, definition: ast.FunctionDef) -> Callable[..., Any]:
        """Reads a function as it is called, for what it does is the business of its arguments."""
        recipes = CallRecipes(definition)

        def reader(
            function: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: Any
        ) -> Any:
            if not self.tracker.watching or self.tracker.activity.busy or recipes.are_vain:
                return function(*args, **kwargs)
            recipe = None
            with self.tracker.safely("a function of the notebook's"):
                recipe = recipes.of(function, args, kwargs)
            if recipe is None:
                return function(*args, **kwargs)
            return self._watcher(recipe, definition)(function, instance, args, kwargs)

        return reader


def _may_train(module: ModuleType) -> bool:
    """Whether any line of a local module could: packages of thousands of functions are not read."""
    try:
        return may_train(inspect.getsource(module))
    except (OSError, TypeError):
        return False


def _recipe_of(function: FunctionType) -> tuple[Recipe, ast.FunctionDef] | None:
    definition = definition_of(function)
    if not isinstance(definition, ast.FunctionDef) or inspect.isgeneratorfunction(function):
        return None
    if not may_train(ast.unparse(definition)):
        return None
    recipe = read_function(definition, function.__globals__)
    return (recipe, definition) if recipe is not None else None


def _around(cls: type) -> dict[str, Any]:
    """The names of the module that a class was made in."""
    module = sys.modules.get(cls.__module__)
    return vars(module) if module is not None else {}


def _lacking(functions: Iterable[FunctionType]) -> frozenset[str]:
    """The names that they, or what they call of the user's, use before they are there."""
    lacking: set[str] = set()
    met: set[int] = set()
    left = list(functions)
    while left:
        each = left.pop()
        if id(each) in met:
            continue
        met.add(id(each))
        if each.__module__ != "__main__":
            continue  # a module that was imported has all its names
        around = each.__globals__
        lacking.update(name for name in each.__code__.co_names if name not in around)
        for value in (around.get(name) for name in each.__code__.co_names):
            if type(value) is FunctionType and is_own(value):
                left.append(value)
            elif isinstance(value, type) and is_own(value):
                left += own_functions(value).values()
    return frozenset(lacking)
