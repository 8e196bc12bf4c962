"""torchmetrics: a metric finds its model through what it was updated with."""

from __future__ import annotations

import functools
import inspect
import re
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.unseen import unseen
from nbmlops.tracking.instruments.curves import add_judgement, add_to_origin, as_number
from nbmlops.tracking.instruments.sklearn_metrics import replace_functions
from nbmlops.tracking.metrics.provenance import Origin

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["TorchmetricsInstrument"]

_TASK = re.compile(r"^(Binary|Multiclass|Multilabel)(?=[A-Z])")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class TorchmetricsInstrument:
    """Watches the functions, and what metric objects are updated with and compute."""

    modules = ("torchmetrics",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch ``torchmetrics.functional`` and ``Metric``."""
        objects = _MetricObjects(tracker)

        def function(
            original: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            value = original(*args, **kwargs)
            if tracker.watching and not tracker.activity.busy:
                with tracker.safely("a metric"):
                    seen = [*args, *kwargs.values()]
                    add_to_origin(tracker, original.__name__, value, seen)
            return value

        functional = module.functional
        names = [n for n in functional.__all__ if inspect.isfunction(getattr(functional, n, None))]
        replace_functions(tracker, functional, names, function)
        for name, around in (("_wrap_update", objects.update), ("_wrap_compute", objects.compute)):
            _around_result(module.Metric, name, around)


class _MetricObjects:
    """Remembers, while a metric object collects, whose predictions it was given."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._origins: dict[int, tuple[Any, Origin]] = {}

    def update(self, metric: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        """What ``metric.update`` is from now on; the first update tells the model."""
        reference = weakref.ref(metric)
        key = id(metric)

        @functools.wraps(original)
        def update(*args: Any, **kwargs: Any) -> Any:
            tracker = self._tracker
            fresh = (this := reference()) is not None and not this._update_count
            if fresh and tracker.watching and not tracker.activity.busy:
                self._origins.pop(key, None)
                with tracker.safely("a metric"):
                    if origin := tracker.origin([*args, *kwargs.values()]):
                        gone = weakref.ref(this, lambda _gone: self._origins.pop(key, None))
                        self._origins[key] = (gone, origin)
            return original(*args, **kwargs)

        return update

    def compute(self, metric: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        """What ``metric.compute`` is from now on."""
        reference = weakref.ref(metric)

        @functools.wraps(original)
        def compute(*args: Any, **kwargs: Any) -> Any:
            value = original(*args, **kwargs)
            tracker, this = self._tracker, reference()
            known = self._origins.get(id(this))
            if this is None or not tracker.watching or tracker.activity.busy:
                return value
            with tracker.safely("a metric"):
                name = _spelled(this)
                number = as_number(value)
                if number is None:
                    return value
                if known is None or known[0]() is not this:
                    tracker.metrics.unlinked(name, number)
                else:
                    add_judgement(tracker, known[1].run_id, {name: value}, known[1].data)
            return value

        return compute


def _around_result(
    owner: Any, name: str, around: Callable[[Any, Callable[..., Any]], Callable[..., Any]]
) -> None:
    original = vars(owner)[name]

    @functools.wraps(original)
    def wrap(metric: Any, function: Callable[..., Any]) -> Callable[..., Any]:
        return unseen(around(metric, original(metric, function)))

    setattr(owner, name, unseen(wrap))


def _spelled(metric: Any) -> str:
    """A metric's class as its function is called: ``f1_score`` of ``MulticlassF1Score``."""
    name = _TASK.sub("", type(metric).__name__)
    return name.lower() if name.isupper() else _WORD.sub("_", name).lower()
