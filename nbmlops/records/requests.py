"""Decisions that people ask for: said on one machine, made on another if a server decides.

Who asks is never part of it: whoever decides knows that.
"""

from __future__ import annotations

from nbmlops.records.codec import Record
from nbmlops.records.governance import PublishedPolicy
from nbmlops.records.signing import Envelope, KeyRotation


class AliasRequest(Record, frozen=True, kw_only=True, tag_field="request", tag="alias"):
    """Let an alias stand at a registered version."""

    model_name: str
    version: str
    alias: str


class WithdrawalRequest(Record, frozen=True, kw_only=True, tag_field="request", tag="withdrawal"):
    """Suspend an approval; `subject` is ``model/3``, ``model@champion`` or a review's id."""

    subject: str
    reason: str
    envelope: Envelope | None = None


class UnscheduleRequest(Record, frozen=True, kw_only=True, tag_field="request", tag="unschedule"):
    """End a schedule."""

    schedule_id: str
    reason: str = ""


class FindingRequest(Record, frozen=True, kw_only=True, tag_field="request", tag="finding"):
    """Pin a finding to a review, to one of its code cells (from 1) or metrics."""

    review_id: str
    text: str
    cell: int | None = None
    metric: str | None = None


class ResolutionRequest(Record, frozen=True, kw_only=True, tag_field="request", tag="resolution"):
    """Settle a finding."""

    finding_id: str
    note: str = ""
    envelope: Envelope | None = None


class PublicationRequest(Record, frozen=True, kw_only=True, tag_field="request", tag="publication"):
    """Put a policy in force."""

    policy: PublishedPolicy


class RevocationRequest(Record, frozen=True, kw_only=True, tag_field="request", tag="revocation"):
    """Take all trust from a key."""

    key_id: str
    reason: str = ""
    envelope: Envelope | None = None


class RotationRequest(Record, frozen=True, kw_only=True, tag_field="request", tag="rotation"):
    """Let a new key take over from one that signed it."""

    rotation: KeyRotation


Request = (
    AliasRequest
    | WithdrawalRequest
    | UnscheduleRequest
    | FindingRequest
    | ResolutionRequest
    | PublicationRequest
    | RevocationRequest
    | RotationRequest
)
