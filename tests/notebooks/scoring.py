"""Recall and precision of what was tracked, against the truth."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import msgspec

from nbmlops.records import TrackedRun

from .playing import Heard, value_of
from .truth import Expected, Measured

__all__ = ["ASPECTS", "Score", "score"]

ASPECTS = ("trainings", "data", "parameters", "metrics")
_TOLERANCE = 1e-6
ANYTHING = "..."  # a parameter that must be there, whatever its text


class Score(msgspec.Struct):
    """Counts by aspect, and what was missed or too much, in sentences."""

    right: Counter[str] = msgspec.field(default_factory=Counter)
    expected: Counter[str] = msgspec.field(default_factory=Counter)
    found: Counter[str] = msgspec.field(default_factory=Counter)
    faults: list[str] = []

    def recall(self, aspect: str) -> float:
        """How much of the truth was found."""
        return self.right[aspect] / self.expected[aspect] if self.expected[aspect] else 1.0

    def precision(self, aspect: str) -> float:
        """How much of what was found is true."""
        return self.right[aspect] / self.found[aspect] if self.found[aspect] else 1.0

    @property
    def whole(self) -> bool:
        """Whether everything is right and nothing too much."""
        return not self.faults and all(self.recall(a) == 1.0 == self.precision(a) for a in ASPECTS)

    def count(self, aspect: str, where: str, truth: set[Any], told: set[Any]) -> None:
        """Count one training's aspect."""
        self.right[aspect] += len(truth & told)
        self.expected[aspect] += len(truth)
        self.found[aspect] += len(told)
        self.faults += [
            f"{where}: missed {aspect} {item}" for item in sorted(truth - told, key=str)
        ]
        self.faults += [f"{where}: wrong {aspect} {item}" for item in sorted(told - truth, key=str)]

    def add(self, other: Score) -> None:
        """Add another notebook's counts."""
        self.right += other.right
        self.expected += other.expected
        self.found += other.found
        self.faults += other.faults


def score(heard: Heard) -> Score:
    """Compare all that was heard of a notebook with its truth."""
    total = Score(faults=list(heard.troubles))
    cells = dict.fromkeys([*(e.cell for e in heard.truth.trainings), *heard.runs])
    for cell in cells:
        expected = [e for e in heard.truth.trainings if e.cell == cell]
        _pair(cell, expected, list(heard.runs.get(cell, ())), heard, total)
    return total


def _pair(
    cell: str, expected: list[Expected], runs: list[TrackedRun], heard: Heard, total: Score
) -> None:
    """Give each training of a cell the run that is likest to it."""
    total.expected["trainings"] += len(expected)
    total.found["trainings"] += len(runs)
    likeness = sorted(
        (
            (-sum(len(t & f) for t, f in _aspects(wanted, run, heard).values()), n, m)
            for n, wanted in enumerate(expected)
            for m, run in enumerate(runs)
            if (wanted.model, wanted.kind) == (run.model_class, run.kind)
        ),
    )
    pairs: dict[int, int] = {}
    for _, n, m in likeness:
        if n not in pairs and m not in pairs.values():
            pairs[n] = m
    total.right["trainings"] += len(pairs)
    for n, wanted in enumerate(expected):
        if n not in pairs:
            total.faults.append(f"{cell}: missed the training of {wanted.model} ({wanted.kind})")
            for aspect, (truth, _) in _aspects(wanted, None, heard).items():
                total.expected[aspect] += len(truth)
            continue
        where = f"{cell} {wanted.model.rsplit('.', 1)[-1]}"
        for aspect, (truth, told) in _aspects(wanted, runs[pairs[n]], heard).items():
            total.count(aspect, where, truth, told)
    for m, run in enumerate(runs):
        if m not in pairs.values():
            total.faults.append(f"{cell}: {run.model_class} ({run.kind}) is no training of it")


def _aspects(
    wanted: Expected, run: TrackedRun | None, heard: Heard
) -> dict[str, tuple[set[Any], set[Any]]]:
    """For each aspect, what is true and what was told, as comparable items."""
    cell = wanted.cell
    digests = heard.digests.get(cell, {})
    true_values = {
        name: value_of(metric, cell, heard) for name, metric in wanted.measured().items()
    }
    data = {(r, c.name, digests.get(c.is_, "?")[:12]) for r, c in wanted.contents().items()}
    told_parameters = (
        {p.name: _plain(p.value) for p in run.parameters if not p.is_default} if run else {}
    )
    parameters = set()
    for name, value in wanted.parameters.items():
        true = value_of(value, cell, heard) if isinstance(value, Measured) else value
        said = told_parameters.get(name)
        parameters.add((name, said if true == ANYTHING else _plain(true)))
    metrics = {(name, _rounded(value)) for name, value in true_values.items()}
    if run is None:
        return {
            "data": (data, set()), "parameters": (parameters, set()), "metrics": (metrics, set()),
        }  # fmt: skip
    told_metrics = {
        (m.name, _rounded(true_values[m.name]))
        if _close(m.value, true_values.get(m.name))
        else (m.name, _rounded(m.value))
        for m in _latest(run)
    }
    return {
        "data": (data, {(i.role, i.name, i.fingerprint.digest[:12]) for i in run.inputs}),
        "parameters": (parameters, set(told_parameters.items())),
        "metrics": (metrics, told_metrics),
    }  # fmt: skip


def _latest(run: TrackedRun) -> list[Any]:
    """A run's metrics, each at its last step; what is only offered as a candidate is not told."""
    last = {m.name: m for m in sorted(run.metrics, key=lambda m: m.step) if not m.candidate}
    return list(last.values())


def _close(told: float | None, true: float | None) -> bool:
    if told is None or true is None:
        return False
    return math.isclose(told, true, rel_tol=_TOLERANCE, abs_tol=1e-12)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.9g}")


def _plain(value: Any) -> Any:
    """Numbers as numbers (1 and 1.0 are the same setting; True is not 1), the rest as text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return str(value)
