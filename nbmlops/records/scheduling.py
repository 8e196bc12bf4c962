"""Nouns of the scheduling room: when and where does it run?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from nbmlops.records.codec import Record
from nbmlops.records.signing import Identity
from nbmlops.records.tracking import Scalar


class Schedule(Record, frozen=True, kw_only=True):
    """When a promoted notebook runs: a cron expression in an IANA time zone.

    `by` is its author as a server knows them; None where only their own machine says so.
    """

    id: str
    promotion_id: str
    model_name: str
    cron: str
    timezone: str
    parameters: dict[str, Scalar] = {}
    author: str
    at: datetime
    by: Identity | None = None


class Unscheduling(Record, frozen=True, kw_only=True):
    """The end of a schedule: it is never due again. `reason` may be empty."""

    schedule_id: str
    model_name: str
    by: Identity
    at: datetime
    reason: str = ""


class Execution(Record, frozen=True, kw_only=True):
    """One run of exactly one bundle.

    `due` is the instant of its schedule, or None when a person asked for it; `duration` is in
    seconds; `output_notebook` is kept also when a cell failed.
    """

    id: str
    promotion_id: str
    content_digest: str
    schedule_id: str | None
    due: datetime | None
    parameters: dict[str, Scalar]
    actor: str
    started: datetime
    duration: float
    outcome: Literal["succeeded", "failed"]
    error: str | None = None
    output_notebook: str | None = None
    run_ids: tuple[str, ...] = ()


class NotebookJob(Record, frozen=True, kw_only=True):
    """A notebook to run, as an executor is handed it.

    All paths are absolute. `output` receives the executed notebook, also when a cell fails;
    `environment` is added to the kernel's environment variables.
    """

    notebook: str
    output: str
    working_directory: str
    parameters: dict[str, Scalar] = {}
    environment: dict[str, str] = {}
