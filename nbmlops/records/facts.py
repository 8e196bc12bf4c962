"""Facts: what happened, told once and never changed. Every status is computed from them."""

from __future__ import annotations

from datetime import datetime

from nbmlops.records.codec import Record
from nbmlops.records.governance import (
    AliasMove,
    Finding,
    PublishedPolicy,
    Registration,
    Resolution,
    SignOff,
    Submission,
    Withdrawal,
)
from nbmlops.records.promotion import Promotion
from nbmlops.records.scheduling import Execution, Schedule, Unscheduling
from nbmlops.records.signing import Envelope, KeyRevocation, KeyRotation


class Promoted(Record, frozen=True, kw_only=True, tag_field="fact", tag="promoted"):
    """A notebook was promoted: its clean run agreed."""

    promotion: Promotion


class Scheduled(Record, frozen=True, kw_only=True, tag_field="fact", tag="scheduled"):
    """A promotion got a schedule."""

    schedule: Schedule


class Unscheduled(Record, frozen=True, kw_only=True, tag_field="fact", tag="unscheduled"):
    """A schedule was ended."""

    unscheduling: Unscheduling


class Executed(Record, frozen=True, kw_only=True, tag_field="fact", tag="executed"):
    """A promoted notebook ran, whatever came of it."""

    execution: Execution


class Submitted(Record, frozen=True, kw_only=True, tag_field="fact", tag="submitted"):
    """A promotion was submitted for review."""

    submission: Submission


class SignedOff(Record, frozen=True, kw_only=True, tag_field="fact", tag="signed-off"):
    """A reviewer gave a verdict."""

    sign_off: SignOff


class Registered(Record, frozen=True, kw_only=True, tag_field="fact", tag="registered"):
    """A model version entered the registry."""

    registration: Registration


class RefusalRecorded(Record, frozen=True, kw_only=True, tag_field="fact", tag="refused"):
    """Somebody asked for something that the policy does not allow."""

    verb: str
    subject: str
    by: str
    why: tuple[str, ...]


class KeyRevoked(Record, frozen=True, kw_only=True, tag_field="fact", tag="key-revoked"):
    """A key lost its trust."""

    revocation: KeyRevocation


class KeyRotated(Record, frozen=True, kw_only=True, tag_field="fact", tag="key-rotated"):
    """A key took over from another."""

    rotation: KeyRotation


class PolicyPublished(Record, frozen=True, kw_only=True, tag_field="fact", tag="policy-published"):
    """A version of the policy came into force."""

    policy: PublishedPolicy


class FindingRaised(Record, frozen=True, kw_only=True, tag_field="fact", tag="finding-raised"):
    """A reviewer found something that must be settled."""

    finding: Finding


class FindingResolved(Record, frozen=True, kw_only=True, tag_field="fact", tag="finding-resolved"):
    """A finding was settled."""

    resolution: Resolution


class AliasMoved(Record, frozen=True, kw_only=True, tag_field="fact", tag="alias-moved"):
    """An alias was moved to a registered version."""

    move: AliasMove


class Withdrawn(Record, frozen=True, kw_only=True, tag_field="fact", tag="withdrawn"):
    """An approval was suspended."""

    withdrawal: Withdrawal


Fact = (
    Promoted
    | Scheduled
    | Unscheduled
    | Executed
    | Submitted
    | SignedOff
    | Registered
    | RefusalRecorded
    | KeyRevoked
    | KeyRotated
    | PolicyPublished
    | FindingRaised
    | FindingResolved
    | AliasMoved
    | Withdrawn
)


class LedgerEntry(Record, frozen=True, kw_only=True):
    """A fact in its place in the chain.

    `sequence` counts from 1. `digest` is BLAKE3-256 over the sequence, the previous entry's digest,
    the instant, the actor and the fact's bytes; the first entry's `previous` is 64 zeros.
    """

    sequence: int
    at: datetime
    actor: str
    fact: Fact
    previous: str
    digest: str


class Checkpoint(Record, frozen=True, kw_only=True):
    """How far the ledger had come; kept elsewhere, it shows later what was cut or rewritten.

    `root` is the RFC 6962 Merkle root (SHA-256, hex) over the first `facts` sealed entries, `head`
    the digest of the last of them. `envelope` holds the signature over all of it, if it has one.
    """

    facts: int
    head: str
    root: str
    at: datetime
    envelope: Envelope | None = None


class ChainReport(Record, frozen=True, kw_only=True):
    """What verifying the ledger found: intact, or the first broken fact and why."""

    intact: bool
    facts: int
    head: str
    broken_sequence: int | None = None
    reason: str | None = None
