"""``pyspark.ml``: estimators, pipelines and their validators; evaluators find the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import DataInput, Fingerprint, Gap, Parameter, Scalar
from nbmlops.tracking.instruments.curves import add_to_origin, take_curve
from nbmlops.tracking.instruments.estimators import data_name
from nbmlops.tracking.instruments.following import follow, quietly
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.wrapping import watch
from nbmlops.tracking.trainings.inputs import Argument, input_of
from nbmlops.tracking.trainings.parameters import named_parameters
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["PysparkEvaluationInstrument", "PysparkMlInstrument"]

_PATIENCE = 10.0  # seconds that naming a frame may take, however short the training was
_SCORES = ("avgMetrics", "validationMetrics")


class PysparkMlInstrument:
    """Watches ``Estimator.fit`` and ``Transformer.transform``."""

    modules = ("pyspark.ml.base",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch them; both are final in Spark, so that one place sees every class."""

        def fit(function: Callable[..., Any], estimator: Any, args: Any, kwargs: Any) -> Any:
            naming = _Naming()

            def after(training: Training, answer: Any) -> None:
                training.inputs += naming.take(time.perf_counter() - training.began)
                _finish(tracker, training, estimator, answer)

            return follow(
                tracker,
                lambda: function(*args, **kwargs),
                lambda: _begin(tracker, function, estimator, (args, kwargs), naming),
                after,
            )

        def transform(function: Callable[..., Any], model: Any, args: Any, kwargs: Any) -> Any:
            run_id = tracker.provenance.run_of(model) if tracker.watching else None
            if run_id is None or tracker.activity.busy:
                return function(*args, **kwargs)
            answer = quietly(tracker, lambda: function(*args, **kwargs))
            with tracker.safely("a prediction"):
                called = {"X": kwargs.get("dataset")}
                name = data_name(tracker, args, called)
                tracker.provenance.remember_prediction(answer, run_id, name)
            return answer

        watch(module.Estimator, "fit", fit)
        watch(module.Transformer, "transform", transform)


class PysparkEvaluationInstrument:
    """Watches evaluators."""

    modules = ("pyspark.ml.evaluation",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch ``Evaluator.evaluate``."""

        def evaluate(function: Callable[..., Any], evaluator: Any, args: Any, kwargs: Any) -> Any:
            if not tracker.watching or tracker.activity.busy:
                return function(*args, **kwargs)
            value = quietly(tracker, lambda: function(*args, **kwargs))
            with tracker.safely("a metric"):
                frame = args[0] if args else kwargs.get("dataset")
                add_to_origin(tracker, _metric_name(evaluator), value, [frame])
            return value

        watch(module.Evaluator, "evaluate", evaluate)


class _Naming:
    """Fingerprints a frame on its engine while the training runs there, too."""

    def __init__(self) -> None:
        self._argument: Argument | None = None
        self._found: list[DataInput] = []
        self._thread: threading.Thread | None = None

    def start(self, argument: Argument) -> None:
        """Begin."""
        self._argument = argument
        self._thread = threading.Thread(target=self._name, name="nbmlops-spark", daemon=True)
        self._thread.start()

    def take(self, waited: float) -> list[DataInput]:
        """The frame's fingerprint, for which at most `waited` seconds more are spent."""
        if self._argument is None or self._thread is None:
            return []
        self._thread.join(max(_PATIENCE, waited))
        if self._found:
            return self._found
        reason = "naming it would take Spark longer than the training did"
        print_ = Fingerprint(kind="unknown", name=self._argument.name, reason=reason)
        name = self._argument.name
        return [DataInput(role=self._argument.role, name=name, fingerprint=print_)]

    def _name(self) -> None:
        if self._argument is not None:
            self._found = [input_of(self._argument)]


def _begin(
    tracker: Tracker,
    function: Callable[..., Any],
    estimator: Any,
    call: tuple[Any, Any],
    naming: _Naming,
) -> Training | None:
    args, kwargs = call
    if _is_preparation(estimator):
        return None
    parameters, hidden = _settings(estimator)
    training = Training(
        model=estimator,
        model_class=class_path(estimator),
        name=type(estimator).__name__,
        parameters=parameters,
        redacted=list(hidden),
        keep_model=False,
        gaps=[
            Gap(
                what="model",
                why="A Spark model lives in Spark's own process; keep it with model.save(path).",
            )
        ],
    )
    tracker.trainings.begin(training, [])
    frame = args[0] if args else kwargs["dataset"]
    called = data_name(tracker, args, {"X": kwargs.get("dataset")}) or "dataset"
    training.data_name = called
    naming.start(Argument("dataset", frame, called))
    return training


def _finish(tracker: Tracker, training: Training, estimator: Any, model: Any) -> None:
    training.model = model
    if isinstance(model, list):
        training.tags["models"] = str(len(model))
        return
    best = getattr(model, "bestModel", None)
    if best is not None:
        tracker.provenance.remember_model(best, training.id)
        training.tables["candidates"] = _candidates(estimator, model)
        scores = [row["score"] for row in training.tables["candidates"]]
        larger = estimator.getEvaluator().isLargerBetter()
        numbers = [s for s in scores if isinstance(s, float)]
        if numbers:
            name = f"best_{_metric_name(estimator.getEvaluator())}"
            take_curve(training, "best", [{name: max(numbers) if larger else min(numbers)}])
    for part in (model, *getattr(best or model, "stages", ())):
        if getattr(part, "hasSummary", False):
            history = list(part.summary.objectiveHistory)
            take_curve(
                training,
                "objective",
                ({"iteration": n, "objective": value} for n, value in enumerate(history)),
                by="iteration",
            )


def _is_preparation(estimator: Any) -> bool:
    """Whether only columns are prepared: a feature estimator, or a pipeline of such stages."""
    stages = _value(estimator, "stages")
    if stages is not None:
        return all(not hasattr(stage, "fit") or _is_preparation(stage) for stage in stages)
    return type(estimator).__module__ == "pyspark.ml.feature"


def _settings(estimator: Any, prefix: str = "") -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """What an estimator was told, and its stages' or candidates' settings under their class."""
    values: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    parts: list[Any] = []
    for param, value in estimator.extractParamMap().items():
        if param.name in ("stages", "estimator"):
            parts += value if isinstance(value, list) else [value]
        elif param.name == "evaluator":
            values[f"{prefix}evaluator"] = type(value).__name__
            values[f"{prefix}metricName"] = _metric_name(value)
        elif param.name == "estimatorParamMaps":
            values[f"{prefix}candidates"] = len(value)
        else:
            values[f"{prefix}{param.name}"] = value
            if not estimator.isSet(param):
                defaults[f"{prefix}{param.name}"] = value
    parameters, hidden = named_parameters(values, defaults)
    for part in parts:
        more, more_hidden = _settings(part, f"{prefix}{type(part).__name__}__")
        parameters, hidden = (*parameters, *more), (*hidden, *more_hidden)
    return parameters, hidden


def _candidates(estimator: Any, model: Any) -> tuple[dict[str, Scalar], ...]:
    scores = next((list(getattr(model, n)) for n in _SCORES if getattr(model, n, None)), [])
    return tuple(
        {
            **{f"{p.parent.partition('_')[0]}__{p.name}": value for p, value in candidate.items()},
            "score": float(score),
        }
        for candidate, score in zip(estimator.getEstimatorParamMaps(), scores, strict=False)
    )


def _metric_name(evaluator: Any) -> str:
    return str(_value(evaluator, "metricName") or type(evaluator).__name__)


def _value(owner: Any, name: str) -> Any:
    if not owner.hasParam(name):
        return None
    param = owner.getParam(name)
    return owner.getOrDefault(param) if owner.isDefined(param) else None
