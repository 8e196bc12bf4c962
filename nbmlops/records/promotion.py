"""Nouns of the promotion room: is it fit for production?"""

from __future__ import annotations

from datetime import datetime

from nbmlops.records.codec import Record
from nbmlops.records.signing import Identity
from nbmlops.records.tracking import Gap, Scalar


class BundleFile(Record, frozen=True, kw_only=True):
    """One file of a bundle: its path inside (with ``/``), BLAKE3-256 digest and size in bytes."""

    path: str
    digest: str
    size: int


class Bundle(Record, frozen=True, kw_only=True):
    """Everything that production needs, under one content digest.

    `digest` is taken over the sorted `files`, so it changes when any path or any byte does.
    """

    digest: str
    files: tuple[BundleFile, ...]


class MetricAgreement(Record, frozen=True, kw_only=True):
    """A tracked metric beside the clean run's; they agree within `tolerance` (relative)."""

    name: str
    tracked: float | None
    clean: float | None
    tolerance: float
    agrees: bool


class CleanRun(Record, frozen=True, kw_only=True):
    """The proof: the notebook, run from scratch in a fresh kernel, against what was tracked.

    `run_id` is the TrackedRun that the clean run left, and `mlflow_run_id` its MLflow run, which no
    other run can claim to be; `duration` is in seconds.
    """

    run_id: str
    mlflow_run_id: str | None = None
    started: datetime
    duration: float
    metrics: tuple[MetricAgreement, ...]
    data_agrees: bool
    agrees: bool


class Promotion(Record, frozen=True, kw_only=True):
    """The wish to make a tracked run's notebook a production job, with its proof.

    `notebook` is the promoted notebook, which people may read and edit; the bundle holds the sealed
    copy. `parameters` are its ``parameters`` cell's defaults. `by` is the author as a server knows
    them; None where only their own machine says so.
    """

    id: str
    model_name: str
    run_id: str
    author: str
    at: datetime
    notebook: str
    parameters: dict[str, Scalar] = {}
    bundle: Bundle
    clean_run: CleanRun
    gaps: tuple[Gap, ...] = ()
    by: Identity | None = None
