"""Instruments: how trainings are seen in each library, loaded only when the user imports it.

An instrument names the modules after whose import it is installed. Others are found by the entry
point group ``nbmlops.instruments``.
"""

from __future__ import annotations

from importlib import import_module, metadata
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

import wrapt

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["Instrument", "install_instruments"]

_HERE = "nbmlops.tracking.instruments"
# module whose import it waits for -> our instrument
_OURS = {
    "sklearn.base": f"{_HERE}.sklearn:SklearnInstrument",
    "sklearn.metrics": f"{_HERE}.sklearn_metrics:SklearnMetricsInstrument",
    "sklearn.model_selection": f"{_HERE}.sklearn_validation:SklearnValidationInstrument",
    "xgboost": f"{_HERE}.boosting:XgboostInstrument",
    "lightgbm": f"{_HERE}.boosting:LightgbmInstrument",
    "catboost": f"{_HERE}.catboost:CatboostInstrument",
    "statsmodels.base.model": f"{_HERE}.statsmodels:StatsmodelsInstrument",
    "torch": f"{_HERE}.torch:TorchInstrument",
    "numpy": f"{_HERE}.solvers:NumpySolvers",
    "numpy.linalg": f"{_HERE}.solvers:NumpySolvers",
    "torch.linalg": f"{_HERE}.solvers:TorchLinearSolvers",
    "scipy.linalg": f"{_HERE}.solvers:ScipyLinearSolvers",
    "scipy.optimize": f"{_HERE}.solvers:ScipyOptimizers",
    "scipy.stats": f"{_HERE}.solvers:ScipyStatistics",
    "joblib.parallel": f"{_HERE}.worker_processes:JoblibInstrument",
    "concurrent.futures.process": f"{_HERE}.worker_processes:ExecutorInstrument",
    "multiprocessing.pool": f"{_HERE}.worker_processes:PoolInstrument",
    "optuna.study.study": f"{_HERE}.optuna:OptunaInstrument",
    "torchmetrics": f"{_HERE}.torchmetrics:TorchmetricsInstrument",
    "lightning.pytorch": f"{_HERE}.lightning:LightningInstrument",
    "pytorch_lightning": f"{_HERE}.lightning:LightningInstrument",
    "transformers.trainer": f"{_HERE}.transformers:TransformersInstrument",
    "keras": f"{_HERE}.keras:KerasInstrument",
    "pyspark.ml.base": f"{_HERE}.pyspark_ml:PysparkMlInstrument",
    "pyspark.ml.evaluation": f"{_HERE}.pyspark_ml:PysparkEvaluationInstrument",
    "pandas": f"{_HERE}.readers:PandasInstrument",
    "polars": f"{_HERE}.readers:PolarsInstrument",
    "pyarrow.csv": f"{_HERE}.readers:ArrowInstrument",
    "pyarrow.dataset": f"{_HERE}.readers:ArrowInstrument",
    "pyarrow.feather": f"{_HERE}.readers:ArrowInstrument",
    "pyarrow.json": f"{_HERE}.readers:ArrowInstrument",
    "pyarrow.orc": f"{_HERE}.readers:ArrowInstrument",
    "pyarrow.parquet": f"{_HERE}.readers:ArrowInstrument",
    "pyspark.sql.readwriter": f"{_HERE}.readers:SparkReadersInstrument",
    "h5py": f"{_HERE}.readers:HdfInstrument",
    "duckdb": f"{_HERE}.duckdb:DuckdbInstrument",
}


class Instrument(Protocol):
    """Makes a tracker see the trainings of one library."""

    modules: tuple[str, ...]
    """The modules after whose import :meth:`install` is called."""

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Put watchers into `module`. Called once a module; may raise, which is reported."""
        ...


def install_instruments(tracker: Tracker) -> None:
    """Arrange for every instrument to be loaded when its library is, or now if it was already."""
    from nbmlops.tracking.instruments.candidates import watch_candidates
    from nbmlops.tracking.instruments.derived import watch_derived
    from nbmlops.tracking.instruments.hand_written import watch_hand_written
    from nbmlops.tracking.instruments.own_classes import watch_own_classes

    watch_own_classes(tracker)
    watch_derived(tracker)
    watch_hand_written(tracker)
    watch_candidates(tracker)
    for module, where in _OURS.items():
        _arrange(tracker, module, where)
    for entry in metadata.entry_points(group="nbmlops.instruments"):
        if entry.value.startswith(_HERE):
            continue
        with tracker.safely(f"the instrument {entry.name}"):
            for module in entry.load().modules:
                _arrange(tracker, module, entry.value)


def _arrange(tracker: Tracker, module: str, where: str) -> None:
    def imported(library: ModuleType) -> None:
        home, _, name = where.partition(":")
        with tracker.safely(f"the instrument for {module}"):
            instrument: Instrument = getattr(import_module(home), name)()
            instrument.install(tracker, library)

    wrapt.register_post_import_hook(imported, module)
