"""Solvers of libraries that fit coefficients to data: least squares, curves, minimisers.

A solver is general; it trains where it is handed data, or an objective that reads some. Each call
that the user's own code makes is then an inferred run. A library that solves something is not.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Metric, now
from nbmlops.tracking.code.frames import called_by, name_of
from nbmlops.tracking.code.own import is_own, is_own_module
from nbmlops.tracking.inference.fitted_values import as_number, kept
from nbmlops.tracking.inference.namespace import kind_of
from nbmlops.tracking.inference.world import Kind
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.hand_written import is_dismissed
from nbmlops.tracking.instruments.sklearn_metrics import replace_functions
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.examples import example_of
from nbmlops.tracking.trainings.inputs import Argument, arguments_of
from nbmlops.tracking.trainings.parameters import named_parameters
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = [
    "NumpySolvers",
    "ScipyLinearSolvers",
    "ScipyOptimizers",
    "ScipyStatistics",
    "TorchLinearSolvers",
    "data_read_by",
]

# What each argument is to a training, where it is data.
_ROLES = {
    "a": "X", "A": "X", "x": "X", "xdata": "X", "data": "X", "b": "y", "ydata": "y",
    "w": "sample_weight",
}  # fmt: skip
_STARTS = {"x0", "p0", "bounds", "fun", "f", "func", "constraints"}
_NOT_SETTINGS = {
    "rcond",
    "full",
    "cov",
    "check_finite",
    "full_output",
    "overwrite_a",
    "overwrite_b",
}
_OBJECTIVES = ("fun", "func")
# What a call that was handed to them comes from is the user's.
_RUNNERS = {"concurrent", "threading", "multiprocessing", "joblib", "functools", "asyncio", "dask"}
_MOST_STARTS = 20  # numbers of a start that is a setting rather than an array
_MEASURES = ("fun", "cost", "rvalue", "pvalue", "stderr", "intercept_stderr")
_DEEPEST = 2  # functions that an objective calls in turn, in which data is looked for


class _Solvers:
    modules: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    # What takes the arguments of functions that do not tell theirs.
    taking: Mapping[str, Callable[..., Any]] = {}

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the functions, also where the notebook has imported them already."""

        def solve(function: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
            if not tracker.watching or tracker.activity.busy or _called_by_library():
                return function(*args, **kwargs)
            name = function.__name__.rpartition("linalg_")[2]
            call = _Call(tracker, f"{module.__name__}.{name}", self.taking.get(name, function))
            if not call.prepare(args, kwargs):
                return function(*args, **kwargs)
            return follow(tracker, lambda: function(*args, **kwargs), call.begin, call.after)

        names = [name for name in self.functions if hasattr(module, name)]
        replace_functions(tracker, module, names, solve)


class NumpySolvers(_Solvers):
    """``numpy.polyfit`` and, by its home, ``numpy.linalg.lstsq``."""

    modules = ("numpy", "numpy.linalg")
    functions = ("polyfit", "lstsq")


class ScipyLinearSolvers(_Solvers):
    """``scipy.linalg.lstsq``."""

    modules = ("scipy.linalg",)
    functions = ("lstsq",)


def _torch_lstsq(a: Any, b: Any, rcond: Any = None, *, driver: str | None = None) -> None:
    """What ``torch.linalg.lstsq`` takes, which is compiled."""


class TorchLinearSolvers(_Solvers):
    """``torch.linalg.lstsq``."""

    modules = ("torch.linalg",)
    functions = ("lstsq",)
    taking = MappingProxyType({"lstsq": _torch_lstsq})


class ScipyOptimizers(_Solvers):
    """The fitting and minimising functions of ``scipy.optimize``."""

    modules = ("scipy.optimize",)
    functions = (
        "minimize", "curve_fit", "least_squares", "leastsq", "nnls", "lsq_linear", "fmin",
        "fmin_bfgs", "fmin_l_bfgs_b", "fmin_cg", "fmin_tnc", "minimize_scalar",
        "differential_evolution", "basinhopping", "dual_annealing",
    )  # fmt: skip


class ScipyStatistics(_Solvers):
    """``scipy.stats.linregress`` and its robust kin, and ``fit`` of each distribution."""

    modules = ("scipy.stats",)
    functions = ("linregress", "theilslopes", "siegelslopes")

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the functions, and the method of each class of distributions that has its own."""
        super().install(tracker, module)

        def fit(function: Callable[..., Any], law: Any, args: Any, kwargs: Any) -> Any:
            if not tracker.watching or tracker.activity.busy or _called_by_library():
                return function(*args, **kwargs)
            names = (*filter(None, (law.shapes or "").split(", ")), "loc", "scale")
            call = _Call(tracker, f"{module.__name__}.{law.name}.fit", function, names)
            if not call.prepare(args, kwargs):
                return function(*args, **kwargs)
            return follow(tracker, lambda: function(*args, **kwargs), call.begin, call.after)

        waiting = [module.rv_continuous]
        while waiting:
            kind = waiting.pop()
            waiting += kind.__subclasses__()
            if "fit" in vars(kind) and kind.__module__.startswith(f"{module.__name__}."):
                watch(kind, "fit", fit)


def _called_by_library() -> bool:
    """Whether a library solves something on its own account, as a filter its coefficients."""
    module = called_by()
    runs_others = module.partition(".")[0] in _RUNNERS
    return not runs_others and not is_own_module(sys.modules.get(module))


class _Call:
    """One call of a solver."""

    def __init__(
        self,
        tracker: Tracker,
        path: str,
        function: Callable[..., Any],
        names: tuple[str, ...] = (),
    ) -> None:
        """`names` are those of the coefficients that it answers, where they have some."""
        self.tracker, self.path, self.function, self.names = tracker, path, function, names
        self.data: list[Argument] = []
        self.settings: dict[str, Any] = {}

    def prepare(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Find the call's data and settings; whether it fits something to data at all."""
        tracker = self.tracker
        try:
            bound = bind(self.function, args, kwargs).arguments
        except (TypeError, ValueError):
            return False  # the call itself will say what is wrong with it
        frames = tracker.frames()
        data, options = arguments_of(self.function, args, kwargs, frames, tracker.namespace)
        self.data = [
            Argument(_ROLES.get(a.role, a.role), a.value, a.name)
            for a in data
            if a.role.partition(".")[0] not in _STARTS and kind_of(a.value) is Kind.DATA
        ]
        given = bound.get("args")
        if isinstance(given, tuple):
            self.data = [a for a in self.data if a.role.partition(".")[0] != "args"]
            self.data += [
                Argument(name, value, name)
                for n, value in enumerate(given)
                if kind_of(value) is Kind.DATA
                for name in [name_of(value, tracker.namespace, frames) or f"args[{n}]"]
            ]
        fits_curve = "xdata" in bound
        objectives = _OBJECTIVES if fits_curve else (*_OBJECTIVES, "f")
        objective = next((bound[name] for name in objectives if name in bound), None)
        if objective is not None:
            known = {id(argument.value) for argument in self.data} | {id(bound.get("x0"))}
            self.data += [
                Argument(name, value, name)
                for name, value in data_read_by(objective)
                if id(value) not in known
            ]
        self.settings = {k: v for k, v in options.items() if k not in _NOT_SETTINGS}
        self.settings |= {
            f"{name}__{option}": value
            for name, options_ in bound.items()
            if type(options_) is dict
            for option, value in options_.items()
            if type(value) in (bool, int, float, str) and option not in options
        }
        self.settings |= {
            a.role: a.value
            for a in data
            if a.role in _STARTS and type(a.value) in (list, tuple) and len(a.value) <= _MOST_STARTS
        }
        model = objective if objective is not None else bound.get("f")
        if model is not None:
            self.settings["objective" if objective is not None else "f"] = getattr(
                model, "__name__", type(model).__name__
            )
        return bool(self.data) and not self._is_algebra(bound) and not is_dismissed(tracker)

    def _is_algebra(self, bound: dict[str, Any]) -> bool:
        """Whether as many coefficients are asked for as there are points: a system, not a fit."""
        table = bound.get("a", bound.get("A"))
        shape = getattr(table, "shape", None)
        if shape is not None and len(shape) == 2:
            return bool(shape[0] <= shape[1])
        if "deg" in bound and isinstance(bound["deg"], int):
            return len(bound["x"]) <= bound["deg"] + 1
        return len(self.data) > 0 and len(self.data[0].value) < 3

    def begin(self) -> Training:
        """The training that begins."""
        parameters, hidden = named_parameters(self.settings)
        training = Training(
            kind="inferred",
            model=None,
            model_class=self.path,
            name=".".join(self.path.split(".")[2:]) or self.path.rpartition(".")[2],
            parameters=parameters,
            redacted=list(hidden),
        )
        self.tracker.trainings.begin(training, self.data)
        training.sample = example_of(self.data[0].value)
        return training

    def after(self, training: Training, answer: Any) -> None:
        """Take the coefficients as the model, and what the solver says of them."""
        named = dict(zip(self.names, answer, strict=False)) if self.names else {}
        fitted = named or _coefficients(answer)
        training.model = kept(fitted)
        self.tracker.provenance.remember_model(answer, training.id)
        for name, value in fitted.items():
            self.tracker.provenance.remember_fitted(name, value, training.id)
        for name in _MEASURES:
            value = as_number(getattr(answer, name, None))
            if value is not None:
                training.metrics.append(Metric(name=name, value=value, at=now()))


def _coefficients(answer: Any) -> dict[str, Any]:
    if hasattr(answer, "slope"):
        return {"slope": answer.slope, "intercept": answer.intercept}
    if hasattr(answer, "x"):
        return {"x": answer.x}
    return {"coefficients": answer[0] if isinstance(answer, tuple) else answer}


def data_read_by(objective: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The data that an objective reads without being handed it, by name."""
    if isinstance(objective, functools.partial):
        yield from _data_in({f"args[{n}]": v for n, v in enumerate(objective.args)})
        yield from _data_in(objective.keywords)
        objective = objective.func
    if isinstance(objective, MethodType):
        yield from _data_in(getattr(objective.__self__, "__dict__", {}))
        objective = objective.__func__
    if is_own(type(objective)) and callable(objective):  # an object that is called
        yield from _data_in(getattr(objective, "__dict__", {}))
        objective = type(objective).__call__
    objective = inspect.unwrap(objective) if callable(objective) else objective
    if type(objective) is not FunctionType or depth > _DEEPEST:
        return
    code = objective.__code__
    cells = zip(code.co_freevars, objective.__closure__ or (), strict=False)
    reads = {name: cell.cell_contents for name, cell in cells}
    known = objective.__globals__
    # An attribute's name, as that of ``scores.mean()``, is no global's.
    names = {s.argval for s in dis.get_instructions(code) if s.opname == "LOAD_GLOBAL"}
    reads |= {n: known[n] for n in code.co_names if n in names and n in known}
    yield from _data_in(reads)
    for value in reads.values():
        if type(value) is FunctionType:
            yield from data_read_by(value, depth + 1)


def _data_in(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in values.items() if kind_of(value) is Kind.DATA)
