"""What any ledger promises, whatever keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from nbmlops.governance.ledger.chain import Link
from nbmlops.records import ChainReport, Fact, LedgerEntry

__all__ = ["Ledger"]


class Ledger(Protocol):
    """An append-only, hash-chained list of facts."""

    def append(self, fact: Fact, *, actor: str, at: datetime | None = None) -> LedgerEntry:
        """Add a fact; once this returns, a crash cannot lose it.

        :raises LedgerLocked: if another process holds the ledger for too long.
        :raises SchemaTooNew: if a newer nbmlops wrote it.
        """

    def append_all(
        self, facts: Iterable[Fact], *, actor: str, at: datetime | None = None
    ) -> list[LedgerEntry]:
        """Add facts that happened together: all of them, one behind another, or none."""

    def entries(self, after: int = 0) -> Iterator[LedgerEntry]:
        """The entries whose sequence is greater than `after`, in order."""

    def links(self, after: int = 0) -> Iterator[Link]:
        """The rows behind sequence `after` as they are stored, in order."""

    def verify(self) -> ChainReport:
        """Follow the whole chain and report the first break, if any."""

    def turn(self) -> AbstractContextManager[None]:
        """Hold the turn to decide: nobody else decides on this ledger meanwhile, in any process.

        Facts can still be appended. A thread that has the turn may ask for it again.

        :raises LedgerLocked: if somebody else keeps it for too long.
        """
