"""Readers that open files without Python's ``open``: pandas, Polars and Arrow."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.sklearn_metrics import replace_functions

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["ArrowInstrument", "PandasInstrument", "PolarsInstrument"]


def _watch_readers(tracker: Tracker, module: ModuleType, prefixes: tuple[str, ...]) -> None:
    def read(
        function: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if tracker.watching:
            tracker.file_read(args[0] if args else next(iter(kwargs.values()), None))
        return function(*args, **kwargs)

    names = [n for n in dir(module) if n.startswith(prefixes) and callable(getattr(module, n))]
    replace_functions(tracker, module, names, read)


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
    """Watches ``pyarrow.parquet.read_*``."""

    modules = ("pyarrow.parquet",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch the readers."""
        _watch_readers(tracker, module, ("read_table", "read_pandas"))
