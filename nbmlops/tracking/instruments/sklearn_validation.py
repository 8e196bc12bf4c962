"""scikit-learn's cross-validation functions: each call is one training, judged on its folds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Metric, Scalar, now
from nbmlops.tracking.instruments.following import follow
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.sklearn_metrics import replace_functions, scoring_name
from nbmlops.tracking.trainings.inputs import arguments_of
from nbmlops.tracking.trainings.parameters import (
    as_scalar,
    defaults_of,
    named_parameters,
    parameters_of,
)
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["SklearnValidationInstrument"]

_FUNCTIONS = [
    "cross_val_score", "cross_validate", "cross_val_predict", "learning_curve", "validation_curve",
    "permutation_test_score",
]  # fmt: skip
_OF_NO_INTEREST = {
    "estimator", "n_jobs", "verbose", "pre_dispatch", "X", "y", "groups", "return_train_score",
    "return_estimator", "return_indices", "return_times",
}  # fmt: skip


class SklearnValidationInstrument:
    """Watches the cross-validation functions of ``sklearn.model_selection``."""

    modules = ("sklearn.model_selection",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch each function, also where the notebook has imported it already."""

        def validate(
            function: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            def after(training: Training, answer: Any) -> None:
                scoring = scoring_name(kwargs.get("scoring"))
                _take(training, function.__name__, answer, scoring)
                training.model = None
                if function.__name__ == "cross_validate":
                    # Returned on demand; what they predict later is judged under the same run.
                    for fitted in answer.get("estimator", ()):
                        tracker.provenance.remember_model(fitted, training.id)
                if function.__name__ == "cross_val_predict":
                    tracker.provenance.remember_prediction(answer, training.id, training.data_name)

            return follow(
                tracker,
                lambda: function(*args, **kwargs),
                lambda: _begin(tracker, function, args, kwargs),
                after,
            )

        names = [name for name in _FUNCTIONS if hasattr(module, name)]
        replace_functions(tracker, module, names, validate)
        # The displays that train have bound the functions already.
        plots = sys.modules.get("sklearn.model_selection._plot")
        for name in names:
            if hasattr(plots, name):
                setattr(plots, name, getattr(module, name))


def _begin(
    tracker: Tracker, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Training:
    estimator = args[0] if args else kwargs.get("estimator")
    data, options = arguments_of(function, args, kwargs, tracker.frames(), tracker.namespace)
    data = [argument for argument in data if argument.role in {"X", "y", "groups"}]
    parameters, hidden, gaps = parameters_of(estimator)
    options = {k: v for k, v in {**options, **kwargs}.items() if k not in _OF_NO_INTEREST}
    own, more_hidden = named_parameters(
        {f"{function.__name__}__{k}": v for k, v in options.items()},
        {f"{function.__name__}__{k}": v for k, v in defaults_of(function).items()},
    )
    training = Training(
        kind="cross-validation",
        model=estimator,
        model_class=class_path(estimator),
        name=f"{function.__name__} of {type(estimator).__name__}",
        parameters=(*parameters, *own),
        gaps=list(gaps),
        redacted=[*hidden, *more_hidden],
        keep_model=False,
    )
    tracker.trainings.begin(training, data)
    return training


def _take(training: Training, function: str, answer: Any, scoring: str | None) -> None:
    if function == "cross_val_score":
        _summarise(training, scoring or "score", answer)
    elif function == "cross_validate":
        folds: dict[str, Any] = {
            k: v for k, v in answer.items() if k not in {"estimator", "indices"}
        }
        for key, values in folds.items():
            if key.startswith(("test_", "train_")):
                name = key.removeprefix("test_")
                _summarise(training, scoring if name == "score" and scoring else name, values)
        rows: list[dict[str, Scalar]] = [
            {key: as_scalar(value) for key, value in zip(folds, row, strict=True)}
            for row in zip(*folds.values(), strict=True)
        ]
        training.tables["folds"] = tuple(rows)
    elif function == "permutation_test_score":
        _add(training, scoring or "score", float(answer[0]))
        _add(training, "pvalue", float(answer[2]))
    elif function in {"learning_curve", "validation_curve"}:
        sizes = list(answer[0]) if function == "learning_curve" else None
        train, test = (answer[1], answer[2]) if sizes is not None else (answer[0], answer[1])
        training.tables["curve"] = tuple(
            {
                "step": number,
                **({"train_size": as_scalar(sizes[number])} if sizes is not None else {}),
                "train_score": float(train[number].mean()),
                "test_score": float(test[number].mean()),
            }
            for number in range(len(test))
        )


def _summarise(training: Training, name: str, values: Any) -> None:
    _add(training, f"{name}_cv_mean", float(values.mean()))
    _add(training, f"{name}_cv_std", float(values.std()))


def _add(training: Training, name: str, value: float) -> None:
    training.metrics.append(Metric(name=name, value=value, at=now(), data=training.data_name))
