"""DuckDB: the files that its queries and readers name, and those that they write."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.unseen import call_in_place_of
from nbmlops.tracking.instruments.readers import reader
from nbmlops.tracking.instruments.sklearn_metrics import replace_functions
from nbmlops.tracking.instruments.wrapping import watch

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["DuckdbInstrument"]

_QUERIES = ("execute", "sql", "query", "from_query")
_READERS = ("read_csv", "read_json", "read_parquet", "from_csv_auto", "from_parquet")
_QUOTED = re.compile(r"(?P<written>\bTO\s+)?'(?P<path>(?:[^']|'')+)'", re.IGNORECASE)


class DuckdbInstrument:
    """Watches queries and readers, of the module and of connections."""

    modules = ("duckdb",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch them; a query runs in its caller's place, whose frames of data it may name."""

        def query(
            function: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            if tracker.watching:
                _take(tracker, (*args, *kwargs.values()))
            return call_in_place_of(functools.partial(function, *args, **kwargs))

        for names, watcher in ((_QUERIES, query), ((*_READERS, "connect"), reader(tracker))):
            there = [name for name in names if callable(getattr(module, name, None))]
            replace_functions(tracker, module, there, watcher)
            for name in there:
                if name in vars(module.DuckDBPyConnection):
                    watch(module.DuckDBPyConnection, name, watcher)


def _take(tracker: Tracker, values: tuple[Any, ...]) -> None:
    """Note the files that a query names, or that it is handed as its parameters."""
    for value in values:
        if isinstance(value, str):
            for path, written in _files_in(value):
                if written:
                    tracker.file_written(path)
                else:
                    tracker.file_read(path)
        elif isinstance(value, list | tuple | dict):
            given = value.values() if isinstance(value, dict) else value
            tracker.file_read([part for part in given if isinstance(part, str)])


def _files_in(sql: str) -> Iterator[tuple[str, bool]]:
    """The quoted texts of a query, each of which may name a file, and whether it is written to."""
    for found in _QUOTED.finditer(sql):
        yield found["path"].replace("''", "'"), found["written"] is not None
