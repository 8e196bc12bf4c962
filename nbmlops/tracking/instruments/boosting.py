"""The native training functions of XGBoost and LightGBM: ``train`` and ``cv``."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.datasets import DataSets
from nbmlops.tracking.instruments.estimators import EstimatorWatch
from nbmlops.tracking.instruments.evaluations import early_stopping, evaluations, fold_results
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.sklearn_metrics import replace_functions
from nbmlops.tracking.trainings.binding import bind
from nbmlops.tracking.trainings.inputs import Argument
from nbmlops.tracking.trainings.parameters import brief, defaults_of, named_parameters
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["LightgbmInstrument", "XgboostInstrument"]

_DATA = ("dtrain", "train_set")
_SETS = ("evals", "valid_sets")
# Of a call's arguments these are no settings.
_NO_SETTINGS = {
    *_DATA, *_SETS, "params", "evals_result", "verbose_eval", "callbacks", "valid_names",
    "keep_training_booster", "return_cvbooster", "show_stdv", "as_pandas", "eval_train_metric",
    "xgb_model", "init_model",
}  # fmt: skip


class BoostingInstrument:
    """Watches ``train`` and ``cv``, and what their data sets were made from."""

    modules: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the functions, the data sets' constructors and the booster's prediction."""
        sets = DataSets(tracker)

        def train(function: Callable[..., Any], _: Any, args: Any, kwargs: dict[str, Any]) -> Any:
            return _train(tracker, sets, function, args, kwargs)

        for name in self.datasets:
            if hasattr(module, name):
                sets.watch_class(getattr(module, name))
        replace_functions(tracker, module, ["train", "cv"], train)
        watcher = EstimatorWatch(tracker)
        watcher.watch_class(module.Booster, own_only=True)


class XgboostInstrument(BoostingInstrument):
    """XGBoost's native interface; its estimators are watched as scikit-learn's are."""

    modules = ("xgboost",)
    datasets = ("DMatrix", "QuantileDMatrix")


class LightgbmInstrument(BoostingInstrument):
    """LightGBM's native interface; its estimators are watched as scikit-learn's are."""

    modules = ("lightgbm",)
    datasets = ("Dataset",)


def _train(
    tracker: Tracker,
    sets: DataSets,
    function: Callable[..., Any],
    args: Any,
    kwargs: dict[str, Any],
) -> Any:
    results: dict[str, Any] = {}

    def begin() -> Training:
        nonlocal results
        bound = bind(function, args, kwargs)
        if function.__name__ == "train" and "evals_result" in bound.signature.parameters:
            if "evals_result" not in bound.arguments:
                kwargs["evals_result"] = results
            elif (given := bound.arguments["evals_result"]) is not None:
                results = given
        return _begin(tracker, sets, function, bound.arguments)

    def after(training: Training, answer: Any) -> None:
        if function.__name__ == "cv":
            columns = answer.to_dict("list") if hasattr(answer, "to_dict") else answer
            fold_results(training, columns)
            return
        training.model = answer
        training.model_class = class_path(answer)
        evaluations(training, results or getattr(answer, "best_score", None) or {}, answer)

    return follow(tracker, lambda: function(*args, **kwargs), begin, after)


def _begin(
    tracker: Tracker, sets: DataSets, function: Callable[..., Any], bound: dict[str, Any]
) -> Training:
    library = function.__module__.split(".", maxsplit=1)[0]
    given = {name: value for name, value in bound.items() if name not in _NO_SETTINGS}
    values = {
        **dict(bound.get("params") or {}),
        **{n: brief(v) if callable(v) else v for n, v in given.items() if v is not None},
        **early_stopping(bound.get("callbacks")),
    }
    parameters, hidden = named_parameters(values, defaults_of(function))
    cross = function.__name__ == "cv"
    training = Training(
        kind="cross-validation" if cross else "training",
        model=None,
        model_class=f"{library}.Booster",
        name=f"{library}.{function.__name__}",
        parameters=parameters,
        redacted=list(hidden),
        keep_model=not cross,
    )
    tracker.trainings.begin(training, _data(sets, bound))
    return training


def _data(sets: DataSets, bound: dict[str, Any]) -> list[Argument]:
    data: list[Argument] = []
    main = next((bound[name] for name in _DATA if name in bound), None)
    if main is not None:
        data += sets.parts(main, sets.name(main), "")
    for name in _SETS:
        entries = bound.get(name) or ()
        for number, entry in enumerate(entries if isinstance(entries, list | tuple) else [entries]):
            dataset, label = entry if isinstance(entry, tuple) else (entry, None)
            if dataset is not main:
                data += sets.parts(dataset, sets.name(dataset) or label, f"{name}[{number}].")
    return data
