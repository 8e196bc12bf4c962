"""Nouns of the tracking room: what happened in the cell?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from nbmlops.records.codec import Record
from nbmlops.records.data import Fingerprint

Scalar = bool | int | float | str | None


class CellRecord(Record, frozen=True, kw_only=True):
    """One execution of one cell, as it ran (the notebook may have been edited since).

    `order` counts executions within the session from 1; `duration` is in seconds; `cell_id` is
    nbformat's id where the front end tells it. `reads` and `writes` are global names. A cell that
    was not `seen` ran while tracking was off: its source is the shell's, when it `started` is when
    tracking began, and neither its files nor, before IPython 9, its outcome is known.
    """

    cell_id: str | None
    source: str
    source_digest: str
    execution_count: int
    order: int
    started: datetime
    duration: float
    outcome: Literal["ok", "error"]
    error: str | None = None
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    seen: bool = True


class Parameter(Record, frozen=True, kw_only=True):
    """One of a model's parameters, spelled as its library spells it."""

    name: str
    value: Scalar
    is_default: bool


class Metric(Record, frozen=True, kw_only=True):
    """One number that says how good a model is.

    `value` is None where the number was not finite. `data` names what it was computed on, where
    that is known. `cell_id` is the cell that computed it. A `candidate` was read off a name such as
    ``rmse`` rather than off a metric function. `step` counts epochs or iterations from 0.
    """

    name: str
    value: float | None
    at: datetime
    data: str | None = None
    cell_id: str | None = None
    candidate: bool = False
    step: int = 0


def last_values(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Each metric at its last step, in the order in which they came first."""
    last: dict[tuple[str, str | None], Metric] = {}
    for metric in metrics:
        key = (metric.name, metric.data)
        if key not in last or metric.step >= last[key].step:
            last[key] = metric
    return tuple(last.values())


class DataInput(Record, frozen=True, kw_only=True):
    """An object that went into a training: its role, its name in the notebook, its content.

    `files` are those that were read on the way to it, `made_by` the execution counts of the cells
    that made it.
    """

    role: str
    name: str
    fingerprint: Fingerprint
    files: tuple[str, ...] = ()
    made_by: tuple[int, ...] = ()


class GitState(Record, frozen=True, kw_only=True):
    """The commit that a notebook ran on; `dirty` when the working tree differed from it.

    `changed` are the files that differed, `diff_digest` the BLAKE3-256 of the difference (notebooks
    left out, secrets hidden) that stands among the run's artifacts as ``nbmlops/git.diff``.
    """

    commit: str
    branch: str
    dirty: bool
    changed: tuple[str, ...] = ()
    diff_digest: str = ""


class Environment(Record, frozen=True, kw_only=True):
    """What the cell ran on: the interpreter, the imported packages and the source revision.

    `local_modules` are the imported files that no package brought, with their BLAKE3-256 digests;
    `seeds` are the calls and arguments that seeded a random generator, as written.
    """

    python: str
    platform: str
    packages: dict[str, str] = {}
    git: GitState | None = None
    local_modules: dict[str, str] = {}
    seeds: tuple[str, ...] = ()


class Output(Record, frozen=True, kw_only=True):
    """Something that the training cell showed, as the artifact ``nbmlops/outputs/{name}``."""

    name: str
    mime: str
    nbytes: int
    digest: str


class Gap(Record, frozen=True, kw_only=True):
    """Something that was not captured, and why."""

    what: str
    why: str


TrainingKind = Literal["training", "cross-validation", "inferred", "forced"]


class TrackedRun(Record, frozen=True, kw_only=True):
    """A training, whole: another person can trust it and run it again.

    `cells` is the slice: the executed cells that the model depends on, in order, the training cell
    last. `metric_cells` computed its metrics afterwards; `metric_sources` are the other cells that
    these rest on, such as one that read the test data. `notebook` is a path relative to the
    project's root where it lies inside. `mlflow_run_id` is None until the record is delivered;
    `mlflow_tracking_uri` says to which MLflow.
    `execution_id` names the clean run or scheduled execution that it was part of, if any.
    `duration` is in seconds; `completeness` runs from 0 to 1. `kind` tells a library's training
    from one that was inferred from the code or forced by ``%%track``. `stale` says in sentences
    what has changed under the model since; `redacted` names what was hidden because it looks like a
    secret. `parent_id` joins the runs of a cell that trained several models. `tables` hold a
    search's candidates, a curve, or trainings past the first 50 of a cell, one dict a row.
    `peak_memory` is the process's largest resident size seen during the training, in bytes.
    `outputs` are the cell's text and figures. `notebook_digest` names the saved notebook's file,
    where it holds the cell as it ran.
    `dismissed_by` is who has said that an inferred run is no training.
    """

    id: str
    name: str
    author: str
    notebook: str | None
    started: datetime
    duration: float
    kind: TrainingKind = "training"
    parent_id: str | None = None
    tags: dict[str, str] = {}
    model_class: str
    cell: CellRecord
    cells: tuple[CellRecord, ...] = ()
    metric_cells: tuple[CellRecord, ...] = ()
    metric_sources: tuple[CellRecord, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    metrics: tuple[Metric, ...] = ()
    inputs: tuple[DataInput, ...] = ()
    data_digest: str = ""
    environment: Environment
    gaps: tuple[Gap, ...] = ()
    completeness: float = 1.0
    stale: tuple[str, ...] = ()
    redacted: tuple[str, ...] = ()
    tables: dict[str, tuple[dict[str, Scalar], ...]] = {}
    peak_memory: int | None = None
    outputs: tuple[Output, ...] = ()
    notebook_digest: str | None = None
    execution_id: str | None = None
    dismissed_by: str | None = None
    mlflow_run_id: str | None = None
    mlflow_experiment_id: str | None = None
    mlflow_model_uri: str | None = None
    mlflow_tracking_uri: str | None = None

    @property
    def code(self) -> tuple[CellRecord, ...]:
        """Every cell that it takes to train the model and to judge it, as they ran, in order."""
        cells = (*self.cells, self.cell, *self.metric_sources, *self.metric_cells)
        by_order = {cell.order: cell for cell in cells}
        return tuple(cell for _, cell in sorted(by_order.items()))
