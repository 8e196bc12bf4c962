"""statsmodels: array and formula API, with parameters, data and fit statistics."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from nbmlops.records import Metric, now
from nbmlops.tracking.code.frames import argument_of, call_node, name_of, text_at, written
from nbmlops.tracking.instruments.class_making import hear_of_heirs
from nbmlops.tracking.instruments.estimators import EstimatorWatch, called_by_library
from nbmlops.tracking.instruments.following import follow, quietly
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.inputs import Argument, input_of, is_data
from nbmlops.tracking.trainings.parameters import defaults_of, named_parameters
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["StatsmodelsInstrument"]

_STATISTICS = (
    "rsquared", "rsquared_adj", "fvalue", "f_pvalue", "aic", "bic", "aicc", "llf", "prsquared",
    "llr_pvalue", "deviance", "pearson_chi2", "scale", "mse_resid", "sse", "hqic", "fpe",
)  # fmt: skip
_BESIDE = ("weights", "offset", "exposure", "freq_weights", "var_weights", "groups")
_MOST_COLUMNS = 200  # of a table that is searched for what was handed beside it
# What a constructor is handed of a formula that was parsed.
_BY_FORMULA = {"formula_info", "design_info", "model_spec"}
# Formulas beside the first; a constructor gets the tables that are made of them.
_FORMULAS = ("re_formula", "vc_formula", "exog_infl_formula")
_DATA = ("exog", "endog", *_BESIDE)
# How a fit tells of itself, and what a formula brings along: no settings of the model.
_NO_SETTINGS = {
    *_DATA, "self", "disp", "full_output", "callback", "retall", "data", "formula_info", "missing",
    "missing_idx", "design_info", "dates", "freq", "params", "start_params", "family",
}  # fmt: skip
# Parts of the library that a model is made with, and which it takes where it is given none.
_PARTS = {"M": "HuberT", "cov_struct": "Independence"}


class StatsmodelsInstrument:
    """Watches every model class's constructor and ``fit``, and the results' ``predict``."""

    modules = ("statsmodels.base.model",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch ``Model`` and ``Results`` and whatever derives from them, now and later."""
        made = _Made(tracker)

        def fit(function: Callable[..., Any], model: Any, *call: Any) -> Any:
            return _fit(tracker, made, function, model, call)

        watcher = EstimatorWatch(tracker)

        def model_class(cls: Any) -> None:
            if "__init__" in vars(cls):
                watch(cls, "__init__", made.construct)
            for name in ("fit", "fit_regularized"):
                if name in vars(cls):
                    watch(cls, name, fit)

        def results_class(cls: Any) -> None:
            watcher.watch_class(cls, own_only=True)

        hear_of_heirs(tracker, module.Model, model_class)
        hear_of_heirs(tracker, module.Results, results_class)


class _How(msgspec.Struct):
    """How a model was made: its settings, what its data is called by role, and data beside it.

    `given` are the roles that the constructor was handed; None where its making was not seen.
    """

    given: frozenset[str] | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    names: dict[str, str] = msgspec.field(default_factory=dict)
    beside: list[Argument] = msgspec.field(default_factory=list)


class _Made:
    """Remembers how each model was made."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._known: dict[int, tuple[Any, _How]] = {}
        self._making: set[int] = set()

    def construct(
        self, function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        """Stand around a constructor; of those of one model's classes the outermost counts."""
        key = id(model)
        if not self._tracker.watching or self._tracker.activity.busy or key in self._making:
            return function(*args, **kwargs)
        self._making.add(key)
        try:
            answer = function(*args, **kwargs)
        finally:
            self._making.discard(key)
        try:
            self._remember(function, model, args, kwargs)
        except Exception as error:  # noqa: BLE001 - the user's model comes first; `fault` tells
            self._tracker.fault("a model's settings", error)
        return answer

    def of(self, model: Any) -> _How:
        """How `model` was made, as far as that was seen."""
        found = self._known.get(id(model))
        return found[1] if found and found[0]() is model else _How()

    def _remember(
        self, function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
    ) -> None:
        given = bind(function, args, kwargs).arguments
        given.update(given.pop("kwargs", {}))
        settings = {k: v for k, v in given.items() if k not in _NO_SETTINGS and _plain(v)}
        settings |= {k: type(given[k]).__name__ for k in _PARTS if given.get(k) is not None}
        frames = self._tracker.frames()
        call = call_node(frames[0]) if frames else None
        places = {"endog": 0, "exog": 1}
        if _BY_FORMULA & given.keys():
            places = {"data": 1}
            # A formula makes tables of its own; what the user hands beside it is named.
            told = {word.arg: word.value for word in call.keywords} if call is not None else {}
            given = {role: value for role, value in given.items() if role in told}
            texts = {k: text_at(told[k], frames[0]) for k in _FORMULAS if k in told}
            settings |= {k: text for k, text in texts.items() if isinstance(text, str)}
        rows = None if "data" in places else _length(given.get("endog"))
        others = [k for k, v in given.items() if rows and _length(v) == rows]
        roles = [
            role
            for role in dict.fromkeys((*_BESIDE, *others))
            if is_data(given.get(role)) and (role in _BESIDE or role not in _NO_SETTINGS)
        ]
        names = {}
        for role in dict.fromkeys((*places, *_DATA, *roles)):
            name = name_of(given.get(role), self._tracker.namespace, frames)
            name = name or written(argument_of(call, places.get(role, 99), role))
            if name:
                names[role] = name
        # What was given as a list may have grown by the time that it is fitted.
        roles += [role for role in ("endog", "exog") if type(given.get(role)) is list]
        # A column that the model keeps as a frame of one is named as it was handed.
        roles += [
            role
            for role in ("endog", "exog")
            if getattr(given.get(role), "ndim", None) == 1
            and getattr(getattr(model.data, f"orig_{role}", None), "ndim", None) == 2
        ]
        # The model keeps what it was given of these, if at all, as arrays of its own.
        beside = [
            Argument(role, input_of(Argument(role, given[role], names.get(role, role))), role)
            for role in roles
        ]
        key, known = id(model), self._known
        handed = frozenset(role for role, value in given.items() if value is not None)
        how = _How(handed, settings, names, beside)
        known[key] = (weakref.ref(model, lambda _gone: known.pop(key, None)), how)


def _length(value: Any) -> int | None:
    return len(value) if is_data(value) and hasattr(value, "__len__") else None


def _is_column(value: Any, frame: Any) -> bool:
    """Whether values are those of a column of the table that a formula is about."""
    if frame is None or _length(value) != len(frame):
        return False
    import numpy as np

    held = np.asarray(value)
    return any(bool(np.array_equal(held, frame[name])) for name in list(frame)[:_MOST_COLUMNS])


def _plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) < 20 and all(isinstance(v, bool | int | float | str) for v in value)
    return value is None or isinstance(value, bool | int | float | str)


def _fit(
    tracker: Tracker,
    made: _Made,
    function: Callable[..., Any],
    model: Any,
    call: tuple[Any, ...],
) -> Any:
    args, kwargs = call
    if model is None:
        return function(*args, **kwargs)
    if called_by_library():
        return quietly(tracker, lambda: function(*args, **kwargs))

    def after(training: Training, results: Any) -> None:
        _take(training, results)
        training.model = results
        inner = getattr(results, "_results", None)
        if inner is not None:
            tracker.provenance.remember_model(inner, training.id)

    def begin() -> Training:
        given = dict(bind(function, args, kwargs).arguments)
        given.update(given.pop("kwargs", {}))
        return _begin(tracker, made, model, given, defaults_of(function))

    return follow(tracker, lambda: function(*args, **kwargs), begin, after)


def _begin(
    tracker: Tracker,
    made: _Made,
    model: Any,
    given: dict[str, Any],
    fit_defaults: dict[str, Any],
) -> Training:
    how = made.of(model)
    values = {
        **how.settings,
        **{k: v for k, v in given.items() if k not in _NO_SETTINGS and _plain(v)},
    }
    defaults = {**defaults_of(type(model).__init__), **fit_defaults}
    if (formula := getattr(model, "formula", None)) is not None:
        values["formula"] = str(formula)
    values.update(_family(model))
    parameters, hidden = named_parameters(values, {**defaults, "family": "Gaussian", **_PARTS})
    training = Training(
        model=model,
        model_class=class_path(model),
        name=type(model).__name__,
        parameters=parameters,
        redacted=list(hidden),
    )
    beside = how.beside
    if _is_column(getattr(model, "groups", None), getattr(model.data, "frame", None)):
        beside = [argument for argument in beside if argument.role != "groups"]
    tracker.trainings.begin(training, [*_data(tracker, model, how), *beside])
    return training


def _family(model: Any) -> dict[str, str]:
    """A generalized linear model's family, and its link where it is not the family's own."""
    family = getattr(model, "family", None)
    if family is None or "family" not in defaults_of(type(model).__init__):
        return {}
    told = {"family": type(family).__name__}
    link = type(family.link)
    if link is not type(type(family)().link):
        told["link"] = link.__name__
    return told


def _data(tracker: Tracker, model: Any, how: _How) -> list[Argument]:
    frames, names = tracker.frames(), how.names

    def argument(role: str, value: Any) -> Argument:
        name = names.get(role) or name_of(value, tracker.namespace, frames) or role
        return Argument(role, value, name)

    data = model.data
    frame = getattr(data, "frame", None)
    if frame is not None:
        return [argument("data", frame)]
    # A constant that the model has added itself is no data of the user's.
    beside = {argument.role for argument in how.beside}
    roles = [role for role in ("exog", "endog") if how.given is None or role in how.given - beside]
    found = [(role, getattr(data, f"orig_{role}")) for role in roles]
    return [argument(role, value) for role, value in found if value is not None]


def _take(training: Training, results: Any) -> None:
    with warnings.catch_warnings():
        # What a statistic has to say about itself is for those who ask for it.
        warnings.simplefilter("ignore")
        for name in _STATISTICS:
            try:
                value = float(getattr(results, name))
            except Exception:  # noqa: BLE001, S112 - a statistic that this model does not have
                continue
            if math.isfinite(value):
                training.metrics.append(Metric(name=name, value=value, at=now()))
    try:
        fitted = {str(name): float(value) for name, value in dict(results.params.items()).items()}
    except Exception:  # noqa: BLE001 - an array without names, or arrays by name: the model holds them
        return
    training.tables["coefficients"] = tuple(
        {"name": name, "coefficient": value} for name, value in fitted.items()
    )
