"""Facts: what happened, told once and never changed. Every status is computed from them."""

from __future__ import annotations

from datetime import datetime

from nbmlops.records.codec import Record
from nbmlops.records.governance import Registration, SignOff, Submission
from nbmlops.records.promotion import Promotion
from nbmlops.records.scheduling import Execution, Schedule


class Promoted(Record, frozen=True, kw_only=True, tag_field="fact", tag="promoted"):
    """A notebook was promoted: its clean run agreed."""

    promotion: Promotion


class Scheduled(Record, frozen=True, kw_only=True, tag_field="fact", tag="scheduled"):
    """A promotion got a schedule."""

    schedule: Schedule


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


Fact = Promoted | Scheduled | Executed | Submitted | SignedOff | Registered | RefusalRecorded


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
    the digest of the last of them.
    """

    facts: int
    head: str
    root: str
    at: datetime


class ChainReport(Record, frozen=True, kw_only=True):
    """What verifying the ledger found: intact, or the first broken fact and why."""

    intact: bool
    facts: int
    head: str
    broken_sequence: int | None = None
    reason: str | None = None
