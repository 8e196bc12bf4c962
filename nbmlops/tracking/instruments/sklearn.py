"""scikit-learn, and everything that derives from its BaseEstimator."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from nbmlops.tracking.instruments.class_making import hear_of_heirs
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
        hear_of_heirs(tracker, module.BaseEstimator, watch.watch_class)
