"""Readers that open files without Python's ``open``: pandas, Polars, Arrow, HDF5 and Spark."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.sklearn_metrics import replace_functions
from nbmlops.tracking.instruments.wrapping import watch

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = [
    "ArrowInstrument",
    "HdfInstrument",
    "PandasInstrument",
    "PolarsInstrument",
    "SparkReadersInstrument",
    "reader",
]

_ARROW = {
    "pyarrow.csv": (("read_csv", "open_csv"), ()),
    "pyarrow.json": (("read_json", "open_json"), ()),
    "pyarrow.feather": (("read_feather", "read_table"), ()),
    "pyarrow.dataset": (("dataset", "parquet_dataset"), ()),
    "pyarrow.parquet": (("read_table", "read_pandas"), ("ParquetFile", "ParquetDataset")),
    "pyarrow.orc": (("read_table",), ("ORCFile",)),
}  # functions, and classes that are made on a file
_SPARK = ("csv", "json", "load", "orc", "parquet", "text")


def reader(tracker: Tracker) -> Callable[..., Any]:
    """A watcher of functions that read what their first argument names: one path, or several."""

    def read(
        function: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if tracker.watching:
            # By keyword, the path is the one that there is something at.
            for value in args[:1] or tuple(kwargs.values()):
                tracker.file_read(value)
        return function(*args, **kwargs)

    return read


def _watch_readers(tracker: Tracker, module: ModuleType, prefixes: tuple[str, ...]) -> None:
    names = [n for n in dir(module) if n.startswith(prefixes) and callable(getattr(module, n))]
    replace_functions(tracker, module, names, reader(tracker))


class PandasInstrument:
    """Watches ``pandas.read_*``."""

    modules = ("pandas",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the readers."""
        _watch_readers(tracker, module, ("read_",))


class PolarsInstrument:
    """Watches ``polars.read_*`` and ``scan_*``."""

    modules = ("polars",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the readers."""
        _watch_readers(tracker, module, ("read_", "scan_"))


class ArrowInstrument:
    """Watches the readers of pyarrow's modules, each once it is imported."""

    modules = tuple(_ARROW)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the readers."""
        functions, classes = _ARROW[module.__name__]
        replace_functions(tracker, module, list(functions), reader(tracker))
        for name in classes:
            watch(getattr(module, name), "__init__", reader(tracker))


class HdfInstrument:
    """Watches ``h5py.File``."""

    modules = ("h5py",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the class."""
        watch(module.File, "__init__", reader(tracker))


class SparkReadersInstrument:
    """Watches ``spark.read``."""

    modules = ("pyspark.sql.readwriter",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the reader's methods."""
        for name in _SPARK:
            watch(module.DataFrameReader, name, reader(tracker))
