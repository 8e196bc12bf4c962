"""Nouns of the governance room: who says that it may go?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from nbmlops.records.codec import Record
from nbmlops.records.promotion import MetricAgreement
from nbmlops.records.tracking import DataInput, Gap, Metric, Parameter

Verdict = Literal["approved", "rejected"]
ReviewStatus = Literal["waiting", "approved", "rejected", "stale", "registered"]


class Identity(Record, frozen=True, kw_only=True):
    """Who did it, and who vouches for the name.

    ``self`` means that the person's own machine said so; ``server`` that a server authenticated it.
    """

    name: str
    asserted_by: Literal["self", "server"] = "self"


class Evidence(Record, frozen=True, kw_only=True):
    """What a reviewer looks at, gathered at submission and frozen under the review's digest."""

    model_class: str
    notebook: str
    code: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    metrics: tuple[Metric, ...]
    clean_run: tuple[MetricAgreement, ...]
    clean_run_agrees: bool
    inputs: tuple[DataInput, ...]
    gaps: tuple[Gap, ...]
    completeness: float
    executions: tuple[str, ...] = ()


class Submission(Record, frozen=True, kw_only=True):
    """A promotion laid before reviewers. `content_digest` is what a sign-off binds to."""

    id: str
    promotion_id: str
    model_name: str
    content_digest: str
    author: str
    at: datetime
    evidence: Evidence


class SignOff(Record, frozen=True, kw_only=True):
    """One person's verdict on exactly one content."""

    id: str
    review_id: str
    content_digest: str
    verdict: Verdict
    comment: str
    by: Identity
    at: datetime


class Registration(Record, frozen=True, kw_only=True):
    """A model version that entered the registry, and the sign-offs that let it in."""

    id: str
    review_id: str
    model_name: str
    version: str
    alias: str
    content_digest: str
    sign_off_digests: tuple[str, ...]
    by: Identity
    at: datetime


class Review(Record, frozen=True, kw_only=True):
    """A submission with its sign-offs and what the policy still asks for: always computed."""

    submission: Submission
    sign_offs: tuple[SignOff, ...] = ()
    status: ReviewStatus
    missing: tuple[str, ...] = ()
    registration: Registration | None = None


class Diagnosis(Record, frozen=True, kw_only=True):
    """One thing that ``doctor`` looked at, what it found, and what to do about it."""

    subject: str
    state: Literal["ok", "open", "broken"]
    finding: str
    advice: str | None = None
