"""scikit-learn, and everything that derives from its BaseEstimator."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.unseen import unseen
from nbmlops.tracking.instruments.estimators import EstimatorWatch

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["SklearnInstrument"]


class SklearnInstrument:
    """Watches every estimator class that exists or will."""

    modules = ("sklearn.base",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch all subclasses of ``BaseEstimator``, now and as they are defined."""
        watch = EstimatorWatch(tracker)
        base: Any = module.BaseEstimator

        def seen(cls: Any, /, **kwargs: Any) -> None:
            super(base, cls).__init_subclass__(**kwargs)
            with tracker.safely(f"the class {cls.__name__}"):
                watch.watch_class(cls)

        base.__init_subclass__ = classmethod(unseen(seen))
        waiting = [base]
        while waiting:
            cls = waiting.pop()
            watch.watch_class(cls)
            waiting += type.__subclasses__(cls)
