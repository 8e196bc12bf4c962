"""What the ledger asks of a database: the part that differs between their dialects."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import BigInteger, Column, Connection, Engine, LargeBinary, MetaData, String, Table
from sqlalchemy.exc import DBAPIError

from nbmlops.governance.ledger import GENESIS, Link

__all__ = ["LOCK_TIMEOUT", "NO_FACTS", "Head", "LedgerStorage", "facts_table", "version_table"]

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process before giving up."""

Head = tuple[int, str]
"""The last fact's sequence and digest."""

NO_FACTS: Head = (0, GENESIS)

facts_table = Table(
    "facts",
    MetaData(),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
)
version_table = Table("alembic_version", MetaData(), Column("version_num", String(32)))


class LedgerStorage(Protocol):
    """One kind of database under the ledger."""

    name: str
    """How a sentence names it; never with a password."""
    schema: str | None
    """The database schema that the tables stand in, if not the default one."""
    engine: Engine

    def exists(self) -> bool:
        """Whether there is anything to read."""

    def create(self) -> None:
        """Make ready what the tables need to stand in, or refuse.

        :raises StoreError: if only somebody else may do that.
        """

    def lock_head(self, connection: Connection) -> Head:
        """The last fact; until the transaction ends nobody else can append."""

    def insert(self, connection: Connection, links: Sequence[Link]) -> None:
        """Add rows behind the head that this transaction has locked."""

    def is_locked(self, error: DBAPIError) -> bool:
        """Whether the database gave up waiting for somebody else."""

    def turn(self) -> AbstractContextManager[None]:
        """See :meth:`nbmlops.governance.ledger.ledger.Ledger.turn`."""
