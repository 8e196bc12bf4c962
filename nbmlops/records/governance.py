"""Nouns of the governance room: who says that it may go?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from nbmlops.records.codec import Record
from nbmlops.records.comparison import Change
from nbmlops.records.promotion import Bundle, BundleFile, MetricAgreement
from nbmlops.records.signing import Envelope, Identity
from nbmlops.records.tracking import DataInput, Environment, Gap, Metric, Parameter

Verdict = Literal["approved", "rejected", "approved with conditions"]
ReviewStatus = Literal["waiting", "approved", "rejected", "stale", "registered", "withdrawn"]

CHAMPION = "champion"
"""The alias of the version that is in production."""

DEFAULT_SCOPES = ("register", f"alias:{CHAMPION}")
"""What a sign-off allows where it does not say otherwise."""


class DataChange(Record, frozen=True, kw_only=True):
    """How one input differs, in sentences about its rows and columns."""

    role: str
    name: str
    sentences: tuple[str, ...]


class Comparison(Record, frozen=True, kw_only=True):
    """A submission beside the model's champion as it was on that day.

    `code` is a unified diff of the cells. `metrics` holds each metric that either has; the others
    hold only what differs.
    """

    version: str
    review_id: str
    content_digest: str
    code: tuple[str, ...] = ()
    data: tuple[DataChange, ...] = ()
    parameters: tuple[Change, ...] = ()
    metrics: tuple[Change, ...] = ()
    environment: tuple[Change, ...] = ()


class Evidence(Record, frozen=True, kw_only=True):
    """What a reviewer looks at, gathered at submission and sealed as the review's dossier.

    `files` are the sealed content's, with their digests. `champion` is None where the model has
    none yet, or where it is this very content. What is not known is a gap.
    """

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
    run_ids: tuple[str, ...] = ()
    data_digest: str = ""
    environment: Environment | None = None
    files: tuple[BundleFile, ...] = ()
    champion: Comparison | None = None
    model_card: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    attachments: tuple[BundleFile, ...] = ()


class Submission(Record, frozen=True, kw_only=True):
    """A promotion laid before reviewers. A sign-off binds to `content_digest` and `dossier`.

    `dossier` is the sealed evidence with what was attached; submissions from before there were
    dossiers have none. `mlflow_run_id` is the clean run in MLflow: who may read that, may read what
    was sealed.
    """

    id: str
    promotion_id: str
    model_name: str
    content_digest: str
    author: str
    at: datetime
    evidence: Evidence
    dossier: Bundle | None = None
    mlflow_run_id: str | None = None


class SignOff(Record, frozen=True, kw_only=True):
    """One person's verdict on exactly one content, and what it allows (`scopes`) until `expires`.

    `envelope` holds the signed statement; without one the sign-off is self-asserted and unsigned.
    """

    id: str
    review_id: str
    content_digest: str
    verdict: Verdict
    comment: str
    by: Identity
    at: datetime
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    expires: datetime | None = None
    nonce: str = ""
    envelope: Envelope | None = None


class Resolution(Record, frozen=True, kw_only=True):
    """How a finding was settled; `envelope` holds its signature, if it has one."""

    finding_id: str
    note: str
    by: Identity
    at: datetime
    envelope: Envelope | None = None


class Finding(Record, frozen=True, kw_only=True):
    """Something that a reviewer asks to be settled, pinned to a code cell or a metric.

    `cell` counts the evidence's code cells from 1. `sign_off_id` names the approval whose condition
    it is. It is open until it has a `resolution`.
    """

    id: str
    review_id: str
    text: str
    by: Identity
    at: datetime
    cell: int | None = None
    metric: str | None = None
    sign_off_id: str | None = None
    resolution: Resolution | None = None


class Registration(Record, frozen=True, kw_only=True):
    """A model version that entered the registry, and the sign-offs that let it in.

    `alias` is the one that moved to it then, if one did: MLflow's own client moves none.
    """

    id: str
    review_id: str
    model_name: str
    version: str
    alias: str | None
    content_digest: str
    sign_off_digests: tuple[str, ...]
    by: Identity
    at: datetime


class AliasMove(Record, frozen=True, kw_only=True):
    """An alias that was moved to a registered version."""

    model_name: str
    alias: str
    version: str
    review_id: str
    content_digest: str
    by: Identity
    at: datetime


class Withdrawal(Record, frozen=True, kw_only=True):
    """An approval that was suspended: sign-offs given before it no longer count.

    It holds with and without a signature, which `envelope` has.
    """

    id: str
    review_id: str
    model_name: str
    version: str | None
    content_digest: str
    reason: str
    by: Identity
    at: datetime
    envelope: Envelope | None = None


class PublishedPolicy(Record, frozen=True, kw_only=True):
    """A version of the policy that can no longer change: its text, and the text's digest.

    `envelope` is there where the policy before it asked for a publisher's signature.
    """

    version: int
    digest: str
    text: str
    by: Identity
    at: datetime
    envelope: Envelope | None = None


class Review(Record, frozen=True, kw_only=True):
    """A submission with its sign-offs and what the policy still asks for: always computed.

    `uncounted` says of each sign-off that does not count why. `policy` names the version and tier
    that it was judged by.
    """

    submission: Submission
    sign_offs: tuple[SignOff, ...] = ()
    status: ReviewStatus
    missing: tuple[str, ...] = ()
    registration: Registration | None = None
    findings: tuple[Finding, ...] = ()
    uncounted: tuple[str, ...] = ()
    withdrawal: Withdrawal | None = None
    policy: str = ""


class Diagnosis(Record, frozen=True, kw_only=True):
    """One thing that ``doctor`` looked at, what it found, and what to do about it.

    A way round the gate is ``closed``, only ``detected`` afterwards, or ``open``.
    """

    subject: str
    state: Literal["ok", "closed", "detected", "open", "broken"]
    finding: str
    advice: str | None = None
