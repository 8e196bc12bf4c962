"""The ledger on a database, through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import DatabaseError, OperationalError

from nbmlops.errors import LedgerLocked, SchemaTooNew, StoreError
from nbmlops.governance import chain
from nbmlops.governance.sqlite_engine import LOCK_TIMEOUT, create_sqlite_engine
from nbmlops.records import ChainReport, Fact, LedgerEntry, now

__all__ = ["SCHEMA_VERSION", "SqlAlchemyLedger", "facts_table"]

SCHEMA_VERSION = "0001"
"""The newest migration under ``migrations/versions``."""

_metadata = MetaData()

facts_table = Table(
    "facts",
    _metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
)
_version_table = Table("alembic_version", MetaData(), Column("version_num", String(32)))


class SqlAlchemyLedger:
    """A ledger in one table. Nothing is created before the first fact is appended."""

    def __init__(self, path: Path, *, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self._path = path
        self._engine = create_sqlite_engine(path, lock_timeout)
        self._ready = False

    def append(self, fact: Fact, *, actor: str, at: datetime | None = None) -> LedgerEntry:
        """Add a fact behind the last one, under the write lock."""
        with self._translate():
            self._prepare()
            with self._connect("IMMEDIATE") as connection:
                last = connection.execute(
                    select(facts_table.c.sequence, facts_table.c.digest)
                    .order_by(facts_table.c.sequence.desc())
                    .limit(1)
                ).first()
                sequence, previous = (
                    (last.sequence + 1, last.digest) if last else (1, chain.GENESIS)
                )
                link = chain.seal(sequence, at or now(), actor, fact, previous)
                connection.execute(
                    insert(facts_table).values(
                        sequence=link.sequence, sealed=link.sealed, digest=link.digest
                    )
                )
        return chain.open_link(link)

    def entries(self, after: int = 0) -> Iterator[LedgerEntry]:
        """The entries behind sequence `after`, in order."""
        for link in self._links(after):
            yield chain.open_link(link)

    def links(self, after: int = 0) -> Iterator[chain.Link]:
        """The rows behind sequence `after` as they are stored, in order."""
        return self._links(after)

    def verify(self) -> ChainReport:
        """Follow the whole chain; see :func:`nbmlops.governance.chain.verify`."""
        return chain.verify(self._links(0))

    def close(self) -> None:
        """Let go of the database's connections."""
        self._engine.dispose()

    def _links(self, after: int) -> Iterator[chain.Link]:
        if not self._path.exists():
            return
        with self._translate():
            self._prepare()
            rows = (
                select(facts_table)
                .where(facts_table.c.sequence > after)
                .order_by(facts_table.c.sequence)
                .execution_options(yield_per=1_000)
            )
            with self._connect() as connection:
                for row in connection.execute(rows):
                    yield chain.Link(sequence=row.sequence, sealed=row.sealed, digest=row.digest)

    @contextmanager
    def _connect(self, begin: str = "DEFERRED") -> Iterator[Connection]:
        with self._engine.connect() as raw:
            connection = raw.execution_options(nbmlops_begin=begin)
            with connection.begin():
                yield connection

    def _prepare(self) -> None:
        """Bring the schema to this version, or refuse what a newer one wrote."""
        if self._ready:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        found = self._schema_version()
        if found != SCHEMA_VERSION:
            if found is not None and found > SCHEMA_VERSION:
                raise SchemaTooNew(
                    f"The ledger {self._path} has schema version {found}, this nbmlops knows up to "
                    f"{SCHEMA_VERSION}. Upgrade it: pip install --upgrade nbmlops."
                )
            from nbmlops.governance.migrations import upgrade

            upgrade(self._engine)
        self._ready = True

    def _schema_version(self) -> str | None:
        with self._connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(select(_version_table.c.version_num)).scalar()

    @contextmanager
    def _translate(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            if "locked" in str(error.orig):
                raise LedgerLocked(
                    f"The ledger {self._path} is held by another process. Wait for it to finish, "
                    "or close what has the file open, and try again."
                ) from error
            raise StoreError(f"The ledger {self._path} cannot be used: {error.orig}.") from error
        except DatabaseError as error:
            raise StoreError(
                f"The ledger {self._path} is damaged or not a ledger: {error.orig}. "
                "Restore it from a copy."
            ) from error
