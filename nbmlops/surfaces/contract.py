"""The wire between server and panel: what each route sends, and its JSON schema.

TypeScript reads the same names: ``labextension/contract.schema.json`` is written from here, and
``labextension/src/contract.ts`` from that. ``python -m nbmlops.surfaces.contract`` writes it anew.
"""

from __future__ import annotations

import inspect
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from nbmlops.records import (
    DataInput,
    Gap,
    Identity,
    Metric,
    Parameter,
    Record,
    Review,
    ReviewStatus,
    TrackedRun,
    Verdict,
    last_values,
    percent,
)
from nbmlops.surfaces.wording import ended
from nbmlops.tracking import run_page

__all__ = [
    "CONTRACT",
    "DismissalRequest",
    "Failure",
    "InputSummary",
    "RecordsChanged",
    "ReviewSummary",
    "RunList",
    "RunSummary",
    "ServerStatus",
    "SignOffRequest",
    "contract_schema",
]


class InputSummary(Record, frozen=True, kw_only=True):
    """A training's input without its columns: `extent` is its shape, or its rows and columns."""

    role: str
    name: str
    kind: str
    digest: str
    extent: tuple[int, ...]
    files: tuple[str, ...]

    @classmethod
    def of(cls, data: DataInput) -> InputSummary:
        """The short form of `data`."""
        return cls(
            role=data.role,
            name=data.name,
            kind=data.fingerprint.kind,
            digest=data.fingerprint.digest,
            extent=data.fingerprint.extent,
            files=data.files,
        )


class RunSummary(Record, frozen=True, kw_only=True):
    """A tracked run as a list shows it: without sources, packages and columns.

    `cell_id` is the training cell's. `delivered` says whether MLflow has it, `page` is where a
    server's UI shows it. `duration` is in seconds; `captured` is the completeness in percent. Of a
    metric that was logged step by step, `metrics` holds the last. `kind` and `stale` are the
    record's own, as `parent_id` is, which joins the runs of a cell that left several. `ended` says
    how a cell ended that did not come to its end.
    """

    id: str
    name: str
    author: str
    notebook: str | None
    started: datetime
    duration: float
    kind: str
    model_class: str
    cell_id: str | None
    execution_count: int
    parameters: tuple[Parameter, ...]
    metrics: tuple[Metric, ...]
    inputs: tuple[InputSummary, ...]
    data_digest: str
    gaps: tuple[Gap, ...]
    stale: tuple[str, ...]
    captured: int
    ended: str
    delivered: bool
    page: str | None
    execution_id: str | None
    parent_id: str | None
    dismissed_by: str | None

    @classmethod
    def of(cls, run: TrackedRun) -> RunSummary:
        """The short form of `run`."""
        return cls(
            id=run.id,
            name=run.name,
            author=run.author,
            notebook=run.notebook,
            started=run.started,
            duration=run.duration,
            kind=run.kind,
            model_class=run.model_class,
            cell_id=run.cell.cell_id,
            execution_count=run.cell.execution_count,
            parameters=run.parameters,
            metrics=last_values(run.metrics),
            inputs=tuple(InputSummary.of(data) for data in run.inputs),
            data_digest=run.data_digest,
            gaps=run.gaps,
            stale=run.stale,
            captured=percent(run.completeness),
            ended=ended(run.cell),
            delivered=run.mlflow_run_id is not None,
            page=run_page(run),
            execution_id=run.execution_id,
            parent_id=run.parent_id,
            dismissed_by=run.dismissed_by,
        )


class RunList(Record, frozen=True, kw_only=True):
    """The latest `runs`, newest first, of as many as `total` says."""

    runs: tuple[RunSummary, ...]
    total: int


class ReviewSummary(Record, frozen=True, kw_only=True):
    """A review as a list shows it; `missing` holds one sentence for each thing still asked for."""

    id: str
    model_name: str
    author: str
    at: datetime
    notebook: str
    content_digest: str
    status: ReviewStatus
    missing: tuple[str, ...]
    approvals: int
    rejections: int

    @classmethod
    def of(cls, review: Review) -> ReviewSummary:
        """The short form of `review`."""
        submission = review.submission
        verdicts = [sign_off.verdict for sign_off in review.sign_offs]
        return cls(
            id=submission.id,
            model_name=submission.model_name,
            author=submission.author,
            at=submission.at,
            notebook=submission.evidence.notebook,
            content_digest=submission.content_digest,
            status=review.status,
            missing=review.missing,
            approvals=verdicts.count("approved"),
            rejections=verdicts.count("rejected"),
        )


class ServerStatus(Record, frozen=True, kw_only=True):
    """Which project this server serves, and as whom it would sign."""

    version: str
    root: str
    identity: Identity
    runs: int
    undelivered: int
    reviews_waiting: int


class DismissalRequest(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST runs/{id}/dismissal``; `undo` takes one back. Who says so is not in it."""

    undo: bool = False


class SignOffRequest(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of ``POST reviews/{id}/sign-offs``. Who signs is never part of it."""

    verdict: Verdict
    comment: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


class Failure(Record, frozen=True, kw_only=True):
    """The body of every answer that is not a success; `missing` is empty unless a policy refused.

    `message` says what is wrong and what to do next.
    """

    message: str
    missing: tuple[str, ...] = ()


class RecordsChanged(Record, frozen=True, kw_only=True):
    """The event that something was recorded: ids alone, so that reading them stays authorized."""

    noun: Literal["run", "review"]
    ids: tuple[str, ...]


CONTRACT = (
    TrackedRun,
    Review,
    RunSummary,
    RunList,
    ReviewSummary,
    ServerStatus,
    SignOffRequest,
    DismissalRequest,
    Failure,
    RecordsChanged,
)
_REQUESTS = {SignOffRequest.__name__, DismissalRequest.__name__}


def contract_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of everything that crosses the wire.

    What the server sends always has all of its fields, so all are required; a request's fields with
    a default may be left out.
    """
    _, definitions = msgspec.json.schema_components(CONTRACT, ref_template="#/$defs/{name}")
    for name, definition in definitions.items():
        if name not in _REQUESTS:
            definition["required"] = sorted(definition["properties"])
        definition["additionalProperties"] = False
        definition["description"] = inspect.cleandoc(definition["description"])
        for field in definition["properties"].values():
            field.pop("default", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Contract",
        "type": "object",
        "description": "Everything that crosses the wire between the server and the panel.",
        "properties": {kind.__name__: {"$ref": f"#/$defs/{kind.__name__}"} for kind in CONTRACT},
        "required": [kind.__name__ for kind in CONTRACT],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def contract_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(contract_schema(), indent=2) + "\n"


if __name__ == "__main__":
    target = Path(__file__).parents[2] / "labextension" / "contract.schema.json"
    target.write_text(contract_text(), encoding="utf-8")
    print(f"wrote {target}")
