"""statsmodels: array and formula API, with parameters, data and fit statistics."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Metric, now
from nbmlops.tracking.frames import name_of
from nbmlops.tracking.inputs import Argument, arguments_of
from nbmlops.tracking.instruments.estimators import EstimatorWatch, class_path
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.parameters import named_parameters
from nbmlops.tracking.trainings import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["StatsmodelsInstrument"]

_STATISTICS = (
    "rsquared", "rsquared_adj", "fvalue", "f_pvalue", "aic", "bic", "aicc", "llf", "prsquared",
    "llr_pvalue", "deviance", "pearson_chi2", "scale", "mse_resid", "sse", "hqic",
)  # fmt: skip


class StatsmodelsInstrument:
    """Watches every model class's ``fit``, and the results' ``predict``."""

    modules = ("statsmodels.base.model",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch ``Model`` and ``Results`` and whatever derives from them, now and later."""

        def fit(function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]) -> Any:
            return _fit(tracker, function, model, args, kwargs)

        watcher = EstimatorWatch(tracker)

        def model_class(cls: Any) -> None:
            for name in ("fit", "fit_regularized"):
                if name in vars(cls):
                    watch(cls, name, fit)

        def results_class(cls: Any) -> None:
            watcher.watch_class(cls, own_only=True)

        _each(tracker, module.Model, model_class)
        _each(tracker, module.Results, results_class)


def _each(tracker: Tracker, base: Any, see: Callable[[Any], None]) -> None:
    def seen(cls: Any, /, **kwargs: Any) -> None:
        super(base, cls).__init_subclass__(**kwargs)
        try:
            see(cls)
        except Exception as error:  # noqa: BLE001 - the user's class must come to be; `fault` tells
            tracker.fault(f"the class {cls.__name__}", error)

    base.__init_subclass__ = classmethod(seen)
    waiting = [base]
    while waiting:
        cls = waiting.pop()
        see(cls)
        waiting += type.__subclasses__(cls)


def _fit(
    tracker: Tracker, function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
) -> Any:
    if model is None:
        return function(*args, **kwargs)

    def after(training: Training, results: Any) -> None:
        _take(training, results)
        training.model = results
        inner = getattr(results, "_results", None)
        if inner is not None:
            tracker.provenance.remember_model(inner, training.id)

    return follow(
        tracker,
        lambda: function(*args, **kwargs),
        lambda: _begin(tracker, function, model, args, kwargs),
        after,
    )


def _begin(
    tracker: Tracker, function: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
) -> Training:
    frames = tracker.frames()
    _, options = arguments_of(function, args, kwargs, frames, tracker.namespace)
    values: dict[str, Any] = dict(options)
    formula = getattr(model, "formula", None)
    if formula is not None:
        values["formula"] = str(formula)
    family = getattr(model, "family", None)
    if family is not None:
        values["family"] = type(family).__name__
        values["link"] = type(family.link).__name__
    for name in ("order", "seasonal_order", "trend", "seasonal", "seasonal_periods", "k_constant"):
        value = getattr(model, name, None)
        if value is not None and not callable(value):
            values.setdefault(name, value)
    parameters, hidden = named_parameters(values, {"k_constant": 1})
    training = Training(
        model=model,
        model_class=class_path(model),
        name=type(model).__name__,
        parameters=parameters,
        redacted=list(hidden),
    )
    tracker.begin_training(training, _data(tracker, model))
    return training


def _data(tracker: Tracker, model: Any) -> list[Argument]:
    frames = tracker.frames()
    data = model.data
    frame = getattr(data, "frame", None)
    if frame is not None:
        return [Argument("data", frame, name_of(frame, tracker.namespace, frames) or "data")]
    found = []
    for role, value in (("exog", data.orig_exog), ("endog", data.orig_endog)):
        if value is not None:
            found.append(Argument(role, value, name_of(value, tracker.namespace, frames) or role))
    return found


def _take(training: Training, results: Any) -> None:
    for name in _STATISTICS:
        try:
            value = float(getattr(results, name))
        except Exception:  # noqa: BLE001, S112 - a statistic that this model does not have
            continue
        if math.isfinite(value):
            training.metrics.append(Metric(name=name, value=value, at=now()))
    try:
        fitted = dict(results.params.items())
    except Exception:  # noqa: BLE001 - an array without names: the model itself holds it
        return
    training.tables["coefficients"] = tuple(
        {"name": str(name), "coefficient": float(value)} for name, value in fitted.items()
    )
