"""Metrics on a part of the rows, such as one group's: they do not take the place of the whole's."""

from __future__ import annotations

from typing import Any

__all__ = ["MeasuredRows", "rows_of"]


class MeasuredRows:
    """On how many rows each metric of each run was measured; `namespace` holds the data."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._measured: dict[tuple[str, str], int] = {}

    def is_part(self, run_id: str, name: str, values: Any, data: str | None) -> bool:
        """Whether metric `name` on `values` judges a part of `data`, whose whole it has judged.

        Rows of a fold and the others are both parts: of these the later counts, as ever.
        """
        rows, whole = _rows(values), _rows(self._namespace.get(data or ""))
        key = (run_id, name)
        if rows is None or whole is None:
            return False
        if rows < whole <= self._measured.get(key, 0):
            return True
        self._measured[key] = rows
        return False


def _rows(values: Any) -> int | None:
    return len(values) if isinstance(values, list | tuple) else rows_of(values)


def rows_of(value: Any) -> int | None:
    """How many rows an array has; None for what is none."""
    shape = getattr(value, "shape", None)
    return shape[0] if isinstance(shape, tuple) and shape and type(shape[0]) is int else None
