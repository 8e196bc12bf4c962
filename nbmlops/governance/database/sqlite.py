"""The ledger on SQLite: the only place that speaks its dialect."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from nbmlops.governance.database.storage import LOCK_TIMEOUT, NO_FACTS, Head
from nbmlops.governance.database.turn import take_turn, turn_not_ended
from nbmlops.governance.ledger import Link

__all__ = ["GUARDS", "INSERT_GUARD", "SqliteStorage"]

GUARDS = tuple(
    f"CREATE TRIGGER facts_no_{verb} BEFORE {verb} ON facts "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
"""Triggers that refuse to change what was written."""

INSERT_GUARD = (
    "CREATE TRIGGER facts_only_behind BEFORE INSERT ON facts "
    "WHEN NEW.sequence <= (SELECT coalesce(max(sequence), 0) FROM facts) "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
)
"""A trigger against INSERT OR REPLACE, which removes a row without the guard on DELETE."""

_PAUSE = 0.01  # seconds between two looks at a file lock; flock itself cannot give up waiting


class SqliteStorage:
    """A ledger's file, and beside it the file by which processes take turns."""

    schema: str | None = None

    def __init__(self, path: Path, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self.name = str(path)
        self.engine = _create_sqlite_engine(path, lock_timeout)
        self._path = path
        self._lock_timeout = lock_timeout

    def exists(self) -> bool:
        """Whether the file is there."""
        return self._path.exists()

    def create(self) -> None:
        """Make the folder; SQLite makes the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def lock_head(self, connection: Connection) -> Head:
        """The last fact; the transaction already holds the write lock."""
        row = connection.exec_driver_sql(
            "SELECT sequence, digest FROM facts ORDER BY sequence DESC LIMIT 1"
        ).first()
        return (row[0], row[1]) if row else NO_FACTS

    def insert(self, connection: Connection, links: Sequence[Link]) -> None:
        """Add rows."""
        connection.exec_driver_sql(
            "INSERT INTO facts (sequence, sealed, digest) VALUES (?, ?, ?)",
            [(link.sequence, link.sealed, link.digest) for link in links],
        )

    def is_locked(self, error: DBAPIError) -> bool:
        """SQLite's "database is locked"."""
        return "locked" in str(error.orig)

    def turn(self) -> AbstractContextManager[None]:
        """A lock on a file beside the ledger, which the kernel lets go if the process dies."""
        return take_turn(str(self._path.resolve()), self._lock_timeout, self._lock_file)

    @contextmanager
    def _lock_file(self) -> Iterator[None]:
        self.create()
        with self._path.with_suffix(".turn").open("ab") as file:
            deadline = time.monotonic() + self._lock_timeout
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    if time.monotonic() > deadline:
                        raise turn_not_ended(self.name) from error
                    time.sleep(_PAUSE)
                else:
                    break
            yield


def _create_sqlite_engine(path: Path, lock_timeout: float = LOCK_TIMEOUT) -> Engine:
    """An engine on `path` in WAL mode, whose transactions take the write lock at their start.

    Without that, two writers that have read the same head would append behind the same fact.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": lock_timeout})

    @event.listens_for(engine, "connect")
    def _configure(connection: SqliteConnection, _record: object) -> None:
        # The driver's own transaction handling would begin lazily; ours begins in `_begin`.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        # An acknowledged fact survives a power cut, not only a crash of the process.
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("nbmlops_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine
