"""The SQLite engine under the ledger: the only place that speaks SQLite's dialect."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, create_engine, event

__all__ = ["GUARDS", "LOCK_TIMEOUT", "create_sqlite_engine"]

LOCK_TIMEOUT = 10.0
"""Seconds to wait for another process before giving up."""

GUARDS = tuple(
    f"CREATE TRIGGER facts_no_{verb} BEFORE {verb} ON facts "
    "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
"""Triggers that refuse to change what was written."""


def create_sqlite_engine(path: Path, lock_timeout: float = LOCK_TIMEOUT) -> Engine:
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
