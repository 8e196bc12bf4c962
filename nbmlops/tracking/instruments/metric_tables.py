"""What scikit-learn's metrics answer that is no single number: reports, matrices, curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbmlops.records import Scalar
from nbmlops.tracking.trainings.parameters import as_scalar

__all__ = ["Rows", "rows_of", "summaries_of"]

_MOST = 200  # rows; a longer curve is thinned evenly
_ONE_CLASS = "binary avg"  # the average over the positive class alone
_CURVES = {
    "roc_curve": ("fpr", "tpr", "threshold"),
    "precision_recall_curve": ("precision", "recall", "threshold"),
    "det_curve": ("fpr", "fnr", "threshold"),
}

Rows = tuple[dict[str, Scalar], ...]


def rows_of(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], value: Any
) -> Rows | None:
    """A metric function's answer as a table's rows; None if it is none."""
    name = function.__name__
    if name == "classification_report":
        if isinstance(value, str):
            # The text is rounded for people: the numbers are asked for anew.
            value = function(*args, **{**kwargs, "output_dict": True})
        return _report(value)
    if name == "confusion_matrix":
        return _matrix(value, _labels(args, kwargs, len(value)))
    if name in _CURVES and isinstance(value, tuple):
        return _columns(dict(zip(_CURVES[name], value, strict=False)))
    if name == "precision_recall_fscore_support":
        return _scores(value, args, kwargs)
    if getattr(value, "ndim", 0) == 1:
        # One number a class or an output, as with ``average=None``.
        return _columns({"class": _labels(args, kwargs, len(value)), name: value})
    return None


def summaries_of(rows: Rows) -> Iterator[tuple[str, float]]:
    """The numbers by which a report, or its one average, sums up its classes, by name."""
    for row in rows:
        label = str(row.get("label", ""))
        if label == "accuracy" and isinstance(number := row.get("f1-score"), float):
            yield "accuracy", number
        elif label.endswith(" avg"):
            before = "" if label == _ONE_CLASS else f"{label}_"
            for measure in ("precision", "recall", "f1-score", "f-score"):
                if isinstance(number := row.get(measure), float):
                    yield f"{before}{measure}".replace(" ", "_").replace("-", "_"), number


def _scores(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Rows:
    """Precision, recall and F of each class, or of their average as one row."""
    if hasattr(value[0], "__len__"):
        labels = _labels(args, kwargs, len(value[0]))
        named = ("precision", "recall", "f_score", "support")
        return _columns({"label": labels, **dict(zip(named, value, strict=True))})
    third = "f1-score" if kwargs.get("beta", 1.0) == 1.0 else "f-score"
    told = dict(zip(("precision", "recall", third), map(float, value[:3]), strict=True))
    return ({"label": f"{kwargs.get('average')} avg", **told},)


def _report(report: dict[str, Any]) -> Rows:
    return tuple(
        {"label": str(label), **{k: as_scalar(v) for k, v in numbers.items()}}
        if isinstance(numbers, dict)
        else {"label": str(label), "f1-score": as_scalar(numbers)}
        for label, numbers in report.items()
    )


def _matrix(matrix: Any, labels: list[Any]) -> Rows:
    return tuple(
        {
            "true": as_scalar(label),
            **{f"predicted {n}": as_scalar(v) for n, v in zip(labels, row, strict=True)},
        }
        for label, row in zip(labels, matrix, strict=True)
    )


def _columns(columns: dict[str, Any]) -> Rows:
    lists = {name: list(values) for name, values in columns.items() if values is not None}
    longest = max((len(values) for values in lists.values()), default=0)
    every = max(1, -(-longest // _MOST))
    return tuple(
        {name: as_scalar(v[row]) if row < len(v) else None for name, v in lists.items()}
        for row in range(0, longest, every)
    )


def _labels(args: tuple[Any, ...], kwargs: dict[str, Any], count: int) -> list[Any]:
    """The classes as scikit-learn orders them; their numbers where that cannot be told."""
    from sklearn.utils.multiclass import unique_labels

    given = kwargs.get("labels")
    try:
        labels = list(given) if given is not None else list(unique_labels(args[0], args[1]))
    except Exception:  # noqa: BLE001 - the user's own labels may be anything; they are then counted
        labels = []
    return labels if len(labels) == count else list(range(count))
