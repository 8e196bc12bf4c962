"""The ledger on a database, through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import DatabaseError, OperationalError

from nbmlops.errors import LedgerLocked, SchemaTooNew, StoreError
from nbmlops.governance.database.storage import (
    LOCK_TIMEOUT,
    LedgerStorage,
    facts_table,
    version_table,
)
from nbmlops.governance.ledger import chain
from nbmlops.records import ChainReport, Fact, LedgerEntry, now

__all__ = ["SCHEMA_VERSION", "SqlAlchemyLedger"]

SCHEMA_VERSION = "0004"
"""The newest migration under ``migrations/versions``."""


class SqlAlchemyLedger:
    """A ledger in one table. Nothing is created before the first fact is appended.

    `place` is a SQLite file, or a database's URL that begins with ``postgresql``.
    """

    def __init__(self, place: Path | str, *, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self._storage = _open_storage(place, lock_timeout)
        self._ready = False

    def append(self, fact: Fact, *, actor: str, at: datetime | None = None) -> LedgerEntry:
        """Add a fact behind the last one, under the write lock."""
        return self.append_all([fact], actor=actor, at=at)[0]

    def append_all(
        self, facts: Iterable[Fact], *, actor: str, at: datetime | None = None
    ) -> list[LedgerEntry]:
        """Add facts in one transaction."""
        links = []
        with self._translate():
            self._prepare()
            with self._connect("IMMEDIATE") as connection:
                sequence, digest = self._storage.lock_head(connection)
                for fact in facts:
                    sequence += 1
                    links.append(chain.seal(sequence, at or now(), actor, fact, digest))
                    digest = links[-1].digest
                if links:
                    self._storage.insert(connection, links)
        return [chain.open_link(link) for link in links]

    def entries(self, after: int = 0) -> Iterator[LedgerEntry]:
        """The entries behind sequence `after`, in order."""
        for link in self._links(after):
            yield chain.open_link(link)

    def links(self, after: int = 0) -> Iterator[chain.Link]:
        """The rows behind sequence `after` as they are stored, in order."""
        return self._links(after)

    def verify(self) -> ChainReport:
        """Follow the whole chain; see :func:`nbmlops.governance.ledger.chain.verify`."""
        return chain.verify(self._links(0))

    def turn(self) -> AbstractContextManager[None]:
        """Hold the turn to decide; see :meth:`nbmlops.governance.ledger.ledger.Ledger.turn`."""
        return self._storage.turn()

    def close(self) -> None:
        """Let go of the database's connections."""
        self._storage.engine.dispose()

    def _links(self, after: int) -> Iterator[chain.Link]:
        with self._translate():
            if not self._storage.exists():
                return
            self._prepare()
            rows = (
                select(facts_table)
                .where(facts_table.c.sequence > after)
                .order_by(facts_table.c.sequence)
                .execution_options(yield_per=1_000)
            )
            with self._connect() as connection:
                for sequence, sealed, digest in connection.execute(rows):
                    yield chain.Link(sequence=sequence, sealed=sealed, digest=digest)

    @contextmanager
    def _connect(self, begin: str = "DEFERRED") -> Iterator[Connection]:
        with self._storage.engine.connect() as raw:
            connection = raw.execution_options(nbmlops_begin=begin)
            with connection.begin():
                yield connection

    def _prepare(self) -> None:
        """Bring the schema to this version, or refuse what a newer one wrote."""
        if self._ready:
            return
        found = self._schema_version() if self._storage.exists() else None
        if found != SCHEMA_VERSION:
            if found is not None and found > SCHEMA_VERSION:
                raise SchemaTooNew(
                    f"The ledger {self._storage.name} has schema version {found}, this nbmlops "
                    f"knows up to {SCHEMA_VERSION}. Upgrade it: pip install --upgrade nbmlops."
                )
            from nbmlops.governance.database.migrations import upgrade

            self._storage.create()
            upgrade(self._storage)
        self._ready = True

    def _schema_version(self) -> str | None:
        with self._connect() as connection:
            if not inspect(connection).has_table(version_table.name, schema=self._storage.schema):
                return None
            return connection.execute(select(version_table.c.version_num)).scalar()

    @contextmanager
    def _translate(self) -> Iterator[None]:
        name = self._storage.name
        try:
            yield
        except OperationalError as error:
            if self._storage.is_locked(error):
                raise LedgerLocked(
                    f"The ledger {name} is held by another process. Wait for it to finish, "
                    "or close what has it open, and try again."
                ) from error
            raise StoreError(f"The ledger {name} cannot be used: {error.orig}.") from error
        except DatabaseError as error:
            raise StoreError(
                f"The ledger {name} is damaged or not a ledger: {error.orig}. "
                "Restore it from a copy."
            ) from error


def _open_storage(place: Path | str, lock_timeout: float) -> LedgerStorage:
    if isinstance(place, str) and place.startswith("postgresql"):
        from nbmlops.governance.database.postgresql.engine import PostgresqlStorage

        return PostgresqlStorage(place, lock_timeout)
    from nbmlops.governance.database.sqlite import SqliteStorage

    return SqliteStorage(Path(place), lock_timeout)
