"""Anything that is trained by ``fit``: watchers for training, predicting and scoring."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Gap
from nbmlops.tracking.code.data_names import data_called
from nbmlops.tracking.code.frames import argument_of, call_node, called_by
from nbmlops.tracking.instruments.batches import whole
from nbmlops.tracking.instruments.evaluations import early_stopping
from nbmlops.tracking.instruments.fitted import take_results
from nbmlops.tracking.instruments.following import follow, quietly
from nbmlops.tracking.instruments.models import class_path, is_model, title
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.metrics.asked_models import FORECASTING
from nbmlops.tracking.metrics.drawn_rows import measures_drawn_rows
from nbmlops.tracking.trainings.inputs import Argument, arguments_of
from nbmlops.tracking.trainings.parameters import (
    attributes_of,
    defaults_of,
    named_parameters,
    parameters_of,
)
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = [
    "PREDICTS",
    "EstimatorWatch",
    "called_by_library",
    "data_name",
]

_TRAINS = ("fit", "fit_predict", "fit_transform", "partial_fit")
PREDICTS = (
    "predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples",
    "forecast", "get_forecast", "get_prediction",
)  # fmt: skip
_SCORES = ("score", "bic", "aic", "perplexity")
_PREPARES = ("fit_resample",)
# What an estimator keeps of each row that it was fitted on.
_OF_EACH_ROW = (
    "labels_", "transduction_", "oob_prediction_", "oob_decision_function_",
    "negative_outlier_factor_",
)  # fmt: skip
# What their functions train on the way (a test statistic, neighbours, a plot's line) is their own.
_LIBRARIES = ("sklearn", "imblearn", "statsmodels", "seaborn", "shap", "catboost", "lightgbm")
# These only hand on what the user calls.
_FOR_THE_USER = ("sklearn.utils.parallel", "statsmodels.base.wrapper")
_FIT_OPTIONS = {
    "self", "X", "y", "sample_weight", "classes", "verbose", "verbose_eval", "log_cout", "log_cerr",
}  # fmt: skip


class EstimatorWatch:
    """The watchers of one tracker for classes that follow the estimator API.

    `own_code` says that the user wrote these classes: the loops inside are part of the training.
    """

    def __init__(self, tracker: Tracker, *, own_code: bool = False) -> None:
        self.tracker, self.own_code = tracker, own_code

    def watch_class(self, cls: type, *, own_only: bool = False) -> None:
        """Watch the methods that `cls` and, unless `own_only`, its bases define."""
        for base in (cls,) if own_only else cls.__mro__[:-1]:
            own = vars(base)
            for names, watcher in (
                (_TRAINS, self._train),
                (PREDICTS, self._predict),
                (_PREPARES, self._prepare),
                (_SCORES, self._score),
            ):
                for name in names:
                    if name in own and not isinstance(
                        own[name], staticmethod | classmethod | property
                    ):
                        watch(base, name, watcher)

    def watch_predictions(self, cls: type) -> None:
        """Watch how the models of `cls` predict; another instrument knows how they train."""
        for name in PREDICTS:
            if name in vars(cls):
                watch(cls, name, self._predict)

    def _train(
        self,
        function: Callable[..., Any],
        model: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        # Inside another training only this one frame stands between a model and its parts.
        if model is None or not self.tracker.watching or self.tracker.activity.busy:
            return function(*args, **kwargs)
        if called_by_library():
            return quietly(self.tracker, lambda: function(*args, **kwargs))

        def after(training: Training, answer: Any) -> None:
            take_results(training, model)
            self._labels(training, model, answer, function.__name__)

        return follow(
            self.tracker,
            lambda: function(*args, **kwargs),
            lambda: self._begin(function, model, args, kwargs),
            after,
        )

    def _begin(
        self,
        function: Callable[..., Any],
        model: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Training | None:
        if not is_model(model):
            return None
        tracker = self.tracker
        frames = tracker.frames()
        data, options = self.arguments(function, args, kwargs, frames)
        in_pieces = function.__name__ == "partial_fit"
        parameters, hidden, gaps = parameters_of(model, tracker.constructions.of(model))
        # A warm start goes on where the fit before it ended: both are one training.
        incremental = in_pieces or attributes_of(model).get("warm_start") is True
        known = tracker.trainings.of(model) if incremental else None
        if known is not None and known.incremental:
            if not in_pieces:
                known.parameters = parameters
            tracker.trainings.begin(known, [])
            known.began -= known.duration
            return known
        if in_pieces:
            data = [whole(argument, tracker.namespace, frames) for argument in data]
        named = {p.name for p in parameters}
        extra, more_hidden = named_parameters(
            {
                **{k: v for k, v in options.items() if k not in named and k not in _FIT_OPTIONS},
                **early_stopping(kwargs.get("callbacks")),
            },
            defaults_of(function),
        )
        training = Training(
            model=model,
            model_class=class_path(model),
            name=title(model),
            parameters=(*parameters, *extra),
            gaps=list(gaps),
            redacted=[*hidden, *more_hidden],
            incremental=incremental,
            own_code=self.own_code,
        )
        if training.redacted:
            training.keep_model = False
            training.gaps.append(
                Gap(what="model", why=f"It holds a credential ({training.redacted[0]}).")
            )
        tracker.trainings.begin(training, data)
        return training

    def arguments(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        frames: list[FrameType],
    ) -> tuple[list[Argument], dict[str, Any]]:
        """The data and the options of a training call."""
        return arguments_of(function, args, kwargs, frames, self.tracker.namespace)

    def _labels(self, training: Training, model: Any, answer: Any, method: str) -> None:
        """What a fit itself found of each of its rows is a prediction on its training data."""
        remember = self.tracker.provenance.remember_prediction
        if method == "fit_predict":
            remember(answer, training.id, training.data_name)
        attributes = attributes_of(model)
        for name in _OF_EACH_ROW:
            if attributes.get(name) is not None:
                remember(attributes[name], training.id, training.data_name)

    def _prepare(
        self, function: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """What a resampler fits inside is preparation."""
        return quietly(self.tracker, lambda: function(*args, **kwargs))

    def _run_of(self, model: Any) -> str | None:
        """The run of a model that the user, and no library on the way, now works with."""
        tracker = self.tracker
        if model is None or not tracker.watching or tracker.activity.busy or called_by_library():
            return None
        provenance = tracker.provenance
        return provenance.run_of(model) or quietly(tracker, lambda: provenance.run_of_copy(model))

    def _predict(
        self,
        function: Callable[..., Any],
        model: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        tracker = self.tracker
        run_id = self._run_of(model)
        if run_id is None:
            return function(*args, **kwargs)
        answer = quietly(tracker, lambda: function(*args, **kwargs))
        with tracker.safely("a prediction"):
            frames = tracker.frames()
            forecasts = function.__name__ in FORECASTING
            name = None if forecasts else data_name(tracker, args, kwargs, frames=frames)
            tracker.provenance.remember_prediction(answer, run_id, name)
            tracker.provenance.folds.predicted(run_id, frames)
        return answer

    def _score(
        self,
        function: Callable[..., Any],
        model: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        tracker = self.tracker
        run_id = self._run_of(model)
        if run_id is None:
            return function(*args, **kwargs)
        answer = quietly(tracker, lambda: function(*args, **kwargs))
        with tracker.safely("a score"):
            if measures_drawn_rows(tracker.frames()):
                return answer
            name = data_name(tracker, args, kwargs)
            spelled = f"{function.__name__}_{name}" if name else function.__name__
            scored = args[0] if args else kwargs.get("X")
            if not tracker.measured_rows.is_part(run_id, spelled, scored, name):
                tracker.metrics.add(run_id, spelled, answer, name)
        return answer


def called_by_library() -> bool:
    """Whether a library's own function, and not the user's code, makes the call."""
    module = called_by()
    return module.partition(".")[0] in _LIBRARIES and module not in _FOR_THE_USER


def data_name(
    tracker: Tracker,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    position: int = 0,
    *,
    frames: list[FrameType] | None = None,
) -> str | None:
    """What the argument of a call at `position` is called, down to the data underneath."""
    frames = tracker.frames() if frames is None else frames
    value = args[position] if len(args) > position else kwargs.get("X")
    node = argument_of(call_node(frames[0]), position, "X") if frames else None
    return data_called(value, node, frames, tracker.namespace)
