"""The ledger on PostgreSQL: the only place that speaks its dialect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from nbmlops.errors import StoreError
from nbmlops.governance.database.postgresql.guards import SCHEMA
from nbmlops.governance.database.storage import LOCK_TIMEOUT, Head
from nbmlops.governance.database.turn import take_turn, turn_not_ended
from nbmlops.governance.ledger import Link

__all__ = ["PostgresqlStorage", "create_postgresql_engine", "with_driver"]

# PostgreSQL's codes for "gave up waiting" and "this role may not".
_LOCK_NOT_AVAILABLE, _INSUFFICIENT_PRIVILEGE = "55P03", "42501"


class PostgresqlStorage:
    """A ledger's schema in a database that ``nbmlops server init`` has prepared."""

    schema: str | None = SCHEMA

    def __init__(
        self, url: str, lock_timeout: float = LOCK_TIMEOUT, *, owner: bool = False
    ) -> None:
        self.engine = create_postgresql_engine(url, lock_timeout)
        self.name = self.engine.url.render_as_string(hide_password=True)
        self._owner = owner
        self._lock_timeout = lock_timeout

    def exists(self) -> bool:
        """A database is always there to be asked."""
        return True

    def create(self) -> None:
        """Make the schema, which only the owner does.

        :raises StoreError: if this is not the owner's connection.
        """
        if not self._owner:
            raise StoreError(
                f"The database {self.name} has no ledger of this version. Its owner runs: "
                "nbmlops server init --database URL."
            )
        with self.engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")

    def lock_head(self, connection: Connection) -> Head:
        """The last fact, under an advisory lock that ends with the transaction.

        :raises StoreError: if this is not the role that may append.
        """
        try:
            row = connection.exec_driver_sql("SELECT * FROM nbmlops.lock_head()").one()
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
                raise
            raise StoreError(
                f"The database role of {self.name} may not write to the ledger. Work through "
                "nbmlops server, which has the role that may: set MLFLOW_TRACKING_URI to its "
                "address."
            ) from error
        return row[0], row[1]

    def insert(self, connection: Connection, links: Sequence[Link]) -> None:
        """Add rows through the function that checks their place and who may add them."""
        connection.exec_driver_sql(
            "SELECT nbmlops.append_fact(%s, %s, %s)",
            [(link.sequence, link.sealed, link.digest) for link in links],
        )

    def is_locked(self, error: DBAPIError) -> bool:
        """Whether lock_timeout ran out."""
        return getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE

    def turn(self) -> AbstractContextManager[None]:
        """An advisory lock of a session of its own, which ends with the connection."""
        # The roles of one database share its turn.
        place = self.engine.url.set(username=None, password=None)
        return take_turn(str(place), self._lock_timeout, self._lock_session)

    @contextmanager
    def _lock_session(self) -> Iterator[None]:
        with self.engine.connect() as connection:
            try:
                connection.exec_driver_sql("SELECT pg_advisory_lock(hashtext('nbmlops.turn'))")
            except OperationalError as error:
                if self.is_locked(error):
                    raise turn_not_ended(self.name) from error
                raise
            # Nothing is read here, and a transaction that idles would keep old rows alive.
            connection.commit()
            try:
                yield
            finally:
                connection.exec_driver_sql("SELECT pg_advisory_unlock(hashtext('nbmlops.turn'))")


def create_postgresql_engine(url: str, lock_timeout: float = LOCK_TIMEOUT) -> Engine:
    """An engine whose tables stand in our schema, and which gives up waiting for locks."""
    return create_engine(
        with_driver(url),
        connect_args={"options": f"-c lock_timeout={int(lock_timeout * 1000)}"},
        execution_options={"schema_translate_map": {None: SCHEMA}},
        pool_pre_ping=True,
    )


def with_driver(url: str) -> URL:
    """`url` with the driver that we depend on, whichever SQLAlchemy would take by default."""
    return make_url(url).set(drivername="postgresql+psycopg")
