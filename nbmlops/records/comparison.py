"""What differs between two tracked runs."""

from __future__ import annotations

from nbmlops.records.codec import Record
from nbmlops.records.data import DataDiff
from nbmlops.records.tracking import Scalar

__all__ = ["Change", "RunDiff", "percent", "shown"]


class Change(Record, frozen=True, kw_only=True):
    """One value beside what it was; None where there was, or is, none."""

    name: str
    before: Scalar
    after: Scalar


class RunDiff(Record, frozen=True, kw_only=True):
    """What differs from run `before` to run `after` (their ids, beside `names` and `models`).

    `code` is the unified diff of what their models are made from. `data` tells each input that
    differs, by role; `parameters`, `environment` and `metrics` hold one :class:`Change` a name,
    metrics also those that are equal.
    """

    before: str
    after: str
    names: tuple[str, str]
    models: tuple[str, str]
    code: tuple[str, ...] = ()
    data: dict[str, DataDiff] = {}
    parameters: tuple[Change, ...] = ()
    environment: tuple[Change, ...] = ()
    metrics: tuple[Change, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether nothing differs, the runs' ids and times aside."""
        told = (self.code, self.data, self.parameters, self.environment)
        same_model = self.models[0] == self.models[1]
        return same_model and not any(told) and not any(m.before != m.after for m in self.metrics)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Each difference as a line; one line that says so if there is none."""
        if self.identical:
            return ["The runs do not differ."]
        told = []
        if self.models[0] != self.models[1]:
            told.append(f"model: {self.models[0]} → {self.models[1]}")
        told += [f"parameter {_change(c)}" for c in self.parameters]
        told += [f"data {role}: {diff}" for role, diff in self.data.items()]
        told += [f"metric {_moved(m)}" for m in self.metrics if m.before != m.after]
        told += [f"environment: {_change(c)}" for c in self.environment]
        if self.code:
            told += ["code:", *(f"  {line}" for line in self.code)]
        return told


def _change(change: Change) -> str:
    return f"{change.name}: {change.before} → {change.after}"


def _moved(metric: Change) -> str:
    old, new = metric.before, metric.after
    if isinstance(old, int | float) and isinstance(new, int | float):
        return f"{metric.name}: {old:.6g} → {new:.6g} ({new - old:+.4g})"
    return f"{metric.name}: {shown(old)} → {shown(new)}"


def percent(share: float) -> int:
    """A share from 0 to 1 in whole percent, as every surface says it: only a whole one is 100."""
    return int(round(share * 100, 6))


def shown(value: Scalar) -> str:
    """A value as people read it: six digits of a number, a dash for none."""
    return f"{value:.6g}" if isinstance(value, float) else "–" if value is None else str(value)
