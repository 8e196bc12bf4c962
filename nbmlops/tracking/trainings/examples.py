"""A model's input example: the first rows of what it was trained on, small and without secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbmlops.tracking.redaction import hide_value

__all__ = ["example_of", "examples_of"]

_ROWS = 20
_MOST_BYTES = 1 << 20  # of an example; one row that is larger is none
_ANSWERS = ("labels", "label", "target", "targets", "y")  # of a batch by name: no input


def example_of(value: Any) -> Any:
    """The first rows of a frame, array or tensor, or of a batch of them, copied.

    Tensors become arrays. None where the rows are large, hold what looks like a credential, or
    are nothing plain.
    """
    try:
        rows = _head(value)
        return None if rows is None or any(_is_secret(*text) for text in _texts(rows)) else rows
    except Exception:  # noqa: BLE001 - slicing a foreign object may raise anything; the model then has no example
        return None


def examples_of(batch: Any) -> list[Any]:
    """The first rows of each part of a batch, as :func:`example_of` tells them."""
    if isinstance(batch, list | tuple) and batch and hasattr(batch[0], "shape"):
        return [example_of(part) for part in batch]
    return [example_of(batch)]


def _head(value: Any) -> Any:
    kind = type(value)
    if isinstance(value, dict):
        parts = {k: _head(v) for k, v in value.items() if k not in _ANSWERS}
        return parts if parts and all(p is not None for p in parts.values()) else None
    if isinstance(value, list | tuple) and value and hasattr(value[0], "shape"):
        return _head(value[0])  # a batch: what comes first is the input
    if hasattr(value, "iloc"):
        return value.iloc[:_ROWS].copy()
    if kind.__module__.startswith("polars"):
        return value.head(_ROWS).clone()
    if kind.__module__ == "numpy" or hasattr(value, "detach"):
        return _array(value)
    return None


def _array(value: Any) -> Any:
    """As many whole rows of an array or tensor as are small together."""
    rows = len(value) if len(value.shape) else 0
    count = min(_ROWS, _MOST_BYTES // max(1, value.nbytes // rows)) if rows else 0
    if not count:
        return None
    first = value[:count]
    return first.detach().cpu().clone().numpy() if hasattr(first, "detach") else first.copy()


def _texts(rows: Any) -> Iterator[tuple[str, Any]]:
    """Each text among some rows, under the name of its column."""
    if isinstance(rows, dict):
        for name, part in rows.items():
            yield from ((str(name), text) for _, text in _texts(part))
    elif hasattr(rows, "columns"):
        for name in rows.columns:
            yield from ((str(name), value) for value in rows[name].to_list())
    elif getattr(rows, "dtype", None) is not None and rows.dtype.kind in "OUS":
        yield from (("", value) for value in rows.ravel().tolist())


def _is_secret(name: str, value: Any) -> bool:
    return isinstance(value, str) and hide_value(name, value)[1]
