"""What any ledger promises, whatever keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from nbmlops.governance.chain import Link
from nbmlops.records import ChainReport, Fact, LedgerEntry

__all__ = ["Ledger"]


class Ledger(Protocol):
    """An append-only, hash-chained list of facts."""

    def append(self, fact: Fact, *, actor: str, at: datetime | None = None) -> LedgerEntry:
        """Add a fact; once this returns, a crash cannot lose it.

        :raises LedgerLocked: if another process holds the ledger for too long.
        :raises SchemaTooNew: if a newer nbmlops wrote it.
        """

    def entries(self, after: int = 0) -> Iterator[LedgerEntry]:
        """The entries whose sequence is greater than `after`, in order."""

    def links(self, after: int = 0) -> Iterator[Link]:
        """The rows behind sequence `after` as they are stored, in order."""

    def verify(self) -> ChainReport:
        """Follow the whole chain and report the first break, if any."""
