"""scikit-learn's metric functions and scorers: each value finds the model that it is about."""

from __future__ import annotations

import ast
import inspect
import numbers
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.data_names import caller_name, data_called
from nbmlops.tracking.code.frames import argument_of, call_node, root_name
from nbmlops.tracking.instruments.estimators import called_by_library, data_name
from nbmlops.tracking.instruments.following import quietly
from nbmlops.tracking.instruments.metric_tables import Rows, rows_of, summaries_of
from nbmlops.tracking.instruments.wrapping import Watched, is_watched, watch
from nbmlops.tracking.metrics.drawn_rows import measures_drawn_rows
from nbmlops.tracking.trainings.binding import bind

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["SklearnMetricsInstrument", "replace_functions", "scoring_name"]

_NOT_METRICS = {"make_scorer", "get_scorer", "get_scorer_names", "check_scoring"}
# The argument that a model made; a metric without it judges labels that a clusterer found.
_PREDICTED = (
    "y_pred",
    "y_score",
    "y_prob",
    "y_proba",
    "probas_pred",
    "pred_decision",
    "labels_pred",
    "labels",
)


class SklearnMetricsInstrument:
    """Watches ``sklearn.metrics``."""

    modules = ("sklearn.metrics",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the public functions, also where the notebook has imported them already."""

        spellings = _Spellings()

        def metric(
            function: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            value = function(*args, **kwargs)
            if tracker.watching and not tracker.activity.busy and not called_by_library():
                with tracker.safely("a metric"):
                    quietly(
                        tracker, lambda: _take(tracker, spellings, function, (args, kwargs), value)
                    )
            return value

        def scorer(
            function: Callable[..., Any],
            instance: Any,
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:
            estimator = args[0] if args else kwargs.get("estimator")
            run_id = tracker.provenance.run_of(estimator) if tracker.watching else None
            if run_id is None or tracker.activity.busy or called_by_library():
                # A library judges on what it has changed, as to find a feature's importance.
                return function(*args, **kwargs)
            value = quietly(tracker, lambda: function(*args, **kwargs))
            with tracker.safely("a metric"):
                if measures_drawn_rows(tracker.frames()):
                    return value
                data = data_name(tracker, args, kwargs, 1)
                name = scoring_name(instance) or "score"
                name = f"{name}_{data}" if data else name
                judged = args[1] if len(args) > 1 else kwargs.get("X")
                if not tracker.measured_rows.is_part(run_id, name, judged, data):
                    tracker.metrics.add(run_id, name, value, data)
            return value

        names = [
            name for name in module.__all__
            if inspect.isfunction(getattr(module, name, None))
            and name not in _NOT_METRICS and not name.startswith("pairwise")
        ]  # fmt: skip
        replace_functions(tracker, module, names, metric)
        from sklearn.metrics import _scorer

        watch(_scorer._BaseScorer, "__call__", scorer)


def scoring_name(scoring: Any) -> str | None:
    """What a `scoring` argument measures; ``neg_`` stands before an error turned round."""
    if scoring is None or isinstance(scoring, str):
        return scoring
    function = getattr(scoring, "_score_func", scoring)
    name = getattr(function, "__name__", None)
    return f"neg_{name}" if name and getattr(scoring, "_sign", 1) < 0 else name


def replace_functions(
    tracker: Tracker, module: ModuleType, names: list[str], watcher: Callable[..., Any]
) -> None:
    """Watch public functions in `module`, and the same ones under the notebook's own names."""
    for name in names:
        original = getattr(module, name)
        if is_watched(original):
            continue
        watched = Watched(original, watcher, f"{module.__name__}:{name}")
        setattr(module, name, watched)
        for bound, value in list(tracker.namespace.items()):
            if value is original:
                tracker.namespace[bound] = watched


def _take(
    tracker: Tracker,
    spellings: _Spellings,
    function: Callable[..., Any],
    call: tuple[tuple[Any, ...], dict[str, Any]],
    value: Any,
) -> None:
    args, kwargs = call
    rows = rows_of(function, args, kwargs, value)
    if rows is None and (isinstance(value, bool) or not isinstance(value, numbers.Real)):
        return
    if measures_drawn_rows(tracker.frames()):
        return
    bound = bind(function, args, kwargs).arguments
    places = {name: place for place, name in enumerate(bound)}
    named = [(bound[n], places[n], n) for n in _PREDICTED if n in bound]
    others = [
        (v, places[k], k)
        for k, v in bound.items()
        if k not in _PREDICTED and hasattr(v, "__len__") and not isinstance(v, str)
    ]
    if folds := _folds(tracker, named):
        name, runs = folds
        if not runs:
            tracker.metrics.ambiguous(function.__name__)
        for run_id in runs:
            spelled = f"{spellings.of(run_id, function.__name__, name, bound)}_{name}"
            _put(tracker, run_id, spelled, data=name, rows=rows, value=value)
        return
    found = tracker.origins(named)
    if found and "y_true" in bound:
        tracker.provenance.remember_truth(bound["y_true"])
    found = found or tracker.origins(others[-1:] if named else others)
    if len({origin.run_id for origin in found}) > 1:
        tracker.metrics.ambiguous(function.__name__)
        return
    if not found:
        if rows is None:
            tracker.metrics.unlinked(function.__name__, float(value))
        return
    (run_id,) = {origin.run_id for origin in found}
    # A forecast is made on no data; what it is held against tells where it stands.
    data = next((o.data for o in found if o.data), None) or _true_name(tracker, bound)
    spelled = spellings.of(run_id, function.__name__, data, bound)
    spelled = f"{spelled}_{data}" if data else spelled
    judged = next(iter(bound.values()))
    if not tracker.measured_rows.is_part(run_id, spelled, judged, data):
        _put(tracker, run_id, spelled, data=data, rows=rows, value=value)


def _put(
    tracker: Tracker, run_id: str, name: str, *, data: str | None, rows: Rows | None, value: Any
) -> None:
    """Put a metric's answer on a run: as a number, or as a table and what it sums up to."""
    if rows is None:
        tracker.metrics.add(run_id, name, float(value), data)
        return
    tracker.metrics.add_table(run_id, name, rows)
    for summary, number in summaries_of(rows):
        tracker.metrics.add(run_id, f"{summary}_{data}" if data else summary, number, data)


def _folds(
    tracker: Tracker, named: list[tuple[Any, int, str]]
) -> tuple[str, tuple[str, ...]] | None:
    """The runs that each predicted rows of what a metric is handed, and what that is called.

    Rows that one model predicted alone are its own. No runs: several made each of its values.
    """
    frames = tracker.frames()
    call = call_node(frames[0]) if frames else None
    provenance = tracker.provenance
    for value, position, keyword in named:
        node = argument_of(call, position, keyword)
        if node is None or provenance.origin_of(value) is not None:
            continue
        found = provenance.folds.behind(node, frames[0])
        if found is None or provenance.is_one_models(value):
            continue
        # What each model of a dict predicted is measured alike, under the dict's name.
        root = root_name(found.holder)
        holder = ast.Name(id=root, ctx=ast.Load()) if root else found.holder
        name = caller_name(frames, holder, tracker.namespace) or ast.unparse(found.holder)
        return name, () if found.mixed else found.runs
    return None


class _Spellings:
    """How a metric is called that one model is given several times, with other options.

    The first is called by its function; ``average="micro"`` after ``"macro"`` gives
    ``f1_score_micro``.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[str, str, str | None], dict[str, Any]] = {}

    def of(self, run_id: str, function: str, data: str | None, bound: dict[str, Any]) -> str:
        """The metric's name, before that of its data."""
        options = {k: v for k, v in bound.items() if isinstance(v, bool | int | float | str)}
        first = self._first.setdefault((run_id, function, data), options)
        names = sorted({*options, *first})
        other = [str(options.get(k, "default")) for k in names if options.get(k) != first.get(k)]
        return "_".join([function, *other])


def _true_name(tracker: Tracker, bound: dict[str, Any]) -> str | None:
    if "y_true" not in bound:
        return None
    frames = tracker.frames()
    node = argument_of(call_node(frames[0]), 0, "y_true") if frames else None
    return data_called(bound["y_true"], node, frames, tracker.namespace)
