"""The dossier of a model version: all that is on record about it, for people outside Jupyter."""

from __future__ import annotations

from datetime import datetime

from nbmlops.records.codec import Record
from nbmlops.records.facts import ChainReport, LedgerEntry
from nbmlops.records.governance import Review
from nbmlops.records.promotion import Promotion


class Dossier(Record, frozen=True, kw_only=True):
    """A review with its promotion and every fact about either, as they stood `at` that instant.

    `chain` says how the ledger stood that they were read from.
    """

    project: str
    review: Review
    promotion: Promotion
    facts: tuple[LedgerEntry, ...]
    chain: ChainReport
    at: datetime
