"""A training while it goes on, and which training is the outermost one."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any

import msgspec

from nbmlops.records import (
    DataInput,
    Gap,
    Metric,
    Parameter,
    Scalar,
    TrainingKind,
    new_id,
    now,
)

__all__ = ["Activity", "Training"]


class Training(msgspec.Struct, kw_only=True):
    """What is known of a training so far; `model` is let go when it is complete."""

    id: str = msgspec.field(default_factory=lambda: new_id("run"))
    kind: TrainingKind = "training"
    model: Any
    model_class: str
    name: str
    started: datetime = msgspec.field(default_factory=now)
    began: float = msgspec.field(default_factory=time.perf_counter)
    duration: float = 0.0
    parameters: tuple[Parameter, ...] = ()
    inputs: list[DataInput] = msgspec.field(default_factory=list)
    metrics: list[Metric] = msgspec.field(default_factory=list)
    gaps: list[Gap] = msgspec.field(default_factory=list)
    redacted: list[str] = msgspec.field(default_factory=list)
    tables: dict[str, tuple[dict[str, Scalar], ...]] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    data_name: str | None = None
    sample: Any = None
    destination: tuple[str, str] | None = None
    incremental: bool = False
    keep_model: bool = True
    own_code: bool = False  # the user's own class trains; what it does inside is told about it
    kept: Any = None  # what is saved in the model's place
    released: bool = False  # the model was handed on to be saved
    random: bool = False  # it depends on a generator that has no parameter of its own
    step: int = 0  # the epoch that it is in, for metrics that are computed meanwhile
    peak_memory: int | None = None

    def measure(self, metric: Metric) -> None:
        """Take in a metric, in the place of what was measured under its name and step before."""
        same = (metric.name, metric.data, metric.step)
        self.metrics = [m for m in self.metrics if (m.name, m.data, m.step) != same]
        self.metrics.append(metric)


class Activity:
    """Which threads are inside a training. A worker thread of a training's is inside it too."""

    def __init__(self) -> None:
        self.inside: dict[int, int] = {}
        """How many trainings each thread is inside of; it is empty where none is inside of any."""
        self._cell_thread = threading.get_ident()

    def on_cell_thread(self) -> None:
        """The calling thread runs a cell that begins; no training of an earlier one goes on."""
        self._cell_thread = threading.get_ident()
        self.inside.pop(self._cell_thread, None)

    @property
    def depth(self) -> int:
        """How many trainings the calling thread is inside of."""
        return self.inside.get(threading.get_ident(), 0)

    def return_to(self, depth: int) -> None:
        """Forget what the calling thread entered since it was at `depth`."""
        if depth:
            self.inside[threading.get_ident()] = depth
        else:
            self.inside.pop(threading.get_ident(), None)

    @property
    def busy(self) -> bool:
        """Whether the calling thread works for a training that has begun."""
        if not self.inside:
            return False
        mine = threading.get_ident()
        if mine in self.inside:
            return True
        # joblib's threads carry nothing of the thread that started them.
        return mine != self._cell_thread and self._cell_thread in self.inside

    def enter(self) -> None:
        """The calling thread begins a training."""
        mine = threading.get_ident()
        self.inside[mine] = self.inside.get(mine, 0) + 1

    def leave(self) -> None:
        """The calling thread ends a training."""
        mine = threading.get_ident()
        left = self.inside.get(mine, 1) - 1
        if left:
            self.inside[mine] = left
        else:
            self.inside.pop(mine, None)
