"""CatBoost: its classes follow the estimator API without deriving from scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.datasets import DataSets
from nbmlops.tracking.instruments.estimators import EstimatorWatch
from nbmlops.tracking.trainings.inputs import Argument

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["CatboostInstrument"]

_CLASSES = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")


class _Watch(EstimatorWatch):
    """Sees the tables behind a ``Pool``."""

    def __init__(self, tracker: Tracker, pools: DataSets) -> None:
        super().__init__(tracker)
        self._pools = pools

    def arguments(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        frames: list[FrameType],
    ) -> tuple[list[Argument], dict[str, Any]]:
        """A call's data and options, with every pool taken apart."""
        data, options = super().arguments(function, args, kwargs, frames)
        whole: list[Argument] = []
        for argument in data:
            if self._pools.known(argument.value):
                prefix = "" if argument.role == "X" else f"{argument.role}."
                whole += self._pools.parts(argument.value, argument.name, prefix)
            else:
                whole.append(argument)
        return whole, options


class CatboostInstrument:
    """Watches CatBoost's estimators and ``Pool``."""

    modules = ("catboost",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the classes and the pools' constructor."""
        pools = DataSets(tracker)
        pools.watch_class(module.Pool)
        watch = _Watch(tracker, pools)
        for name in _CLASSES:
            if hasattr(module, name):
                watch.watch_class(getattr(module, name), own_only=True)
