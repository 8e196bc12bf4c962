"""What a hand-written training leaves: its arrays, as they are now, and the losses on the way."""

from __future__ import annotations

import copy
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

from nbmlops.records import Metric, Scalar, now
from nbmlops.tracking.metrics.names import is_loss_history, is_metric_name, loss_of_history

__all__ = ["as_number", "curve_of", "kept", "last_losses"]

_LARGEST = 256 << 20  # bytes of one array that is copied; a larger one is saved as it stands
_MOST_ROUNDS = 20_000


def kept(values: Mapping[str, Any]) -> Any:
    """The model: fitted values by name, copied; or the one object of a class that holds them."""
    if len(values) == 1:
        (only,) = values.values()
        if hasattr(only, "__dict__") and not hasattr(type(only), "__array__"):
            return only
    return {name: _copied(value) for name, value in values.items()}


def _copied(value: Any) -> Any:
    if getattr(value, "nbytes", 0) > _LARGEST:
        return value
    if type(value).__module__.startswith("torch"):
        return value.detach().clone() if hasattr(value, "detach") else copy.deepcopy(value)
    return copy.deepcopy(value)


def as_number(value: Any) -> float | None:
    """A floating-point scalar of any library as a float; None for anything else."""
    if isinstance(value, bool | int) or value is None:
        return None
    if not isinstance(value, numbers.Real):
        shape = getattr(value, "shape", None)
        if shape is None or tuple(shape) != () or "float" not in str(getattr(value, "dtype", "")):
            return None
        value = value.item()
    return float(value)


def last_losses(values: Mapping[str, Any]) -> list[Metric]:
    """The last value of each variable that is named as a measure, as candidates."""
    found: dict[str, Metric] = {}
    for name, value in values.items():
        series = _series(value) if is_loss_history(name) else None
        number = series[-1] if series else as_number(value) if is_metric_name(name) else None
        if number is None:
            continue
        spelled = loss_of_history(name) if series else name
        finite = number if math.isfinite(number) else None
        found[spelled] = Metric(name=spelled, value=finite, at=now(), candidate=True)
    return list(found.values())


def curve_of(values: Mapping[str, Any]) -> tuple[dict[str, Scalar], ...]:
    """The histories of losses, one row a round."""
    series = {
        loss_of_history(name): values_
        for name, value in values.items()
        if is_loss_history(name) and (values_ := _series(value))
    }
    longest = max((len(s) for s in series.values()), default=0)
    if longest < 2:
        return ()
    return tuple(
        {"step": step, **{name: s[step] for name, s in series.items() if step < len(s)}}
        for step in range(min(longest, _MOST_ROUNDS))
    )


def _series(value: Any) -> list[float]:
    """A list or one-dimensional array of numbers as floats; empty for anything else."""
    if isinstance(value, dict):
        return []
    if not isinstance(value, list | tuple) and getattr(value, "ndim", None) != 1:
        return []
    return numbers_in(value)


def numbers_in(values: Iterable[Any]) -> list[float]:
    """Every value as a float; empty if one is no number."""
    found = []
    for value in values:
        number = float(value) if isinstance(value, int) else as_number(value)
        if number is None:
            return []
        found.append(number)
    return found
