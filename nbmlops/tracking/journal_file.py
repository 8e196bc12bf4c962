"""The journal's file: its tables, and transactions that end whole or not at all."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbmlops.errors import SchemaTooNew, StoreError

__all__ = ["JournalFile"]

_VERSION = 2
# `changes` names each run once, under a number that grows with every change of what readers see:
# a trigger gives it, so that no writer can forget to.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    notebook TEXT,
    session TEXT NOT NULL,
    open INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1,
    delivered INTEGER NOT NULL DEFAULT 0,
    attempted INTEGER NOT NULL DEFAULT 0,
    model TEXT NOT NULL DEFAULT 'none',
    destination TEXT,
    problem TEXT,
    record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_notebook ON runs (notebook, sequence);
CREATE INDEX IF NOT EXISTS runs_undelivered ON runs (sequence) WHERE delivered < revision;
CREATE TABLE IF NOT EXISTS changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL UNIQUE
);
INSERT OR IGNORE INTO changes (run) SELECT id FROM runs ORDER BY sequence;
CREATE TRIGGER IF NOT EXISTS run_added AFTER INSERT ON runs
BEGIN
    INSERT OR REPLACE INTO changes (run) VALUES (NEW.id);
END;
CREATE TRIGGER IF NOT EXISTS run_changed AFTER UPDATE ON runs
WHEN NEW.record IS NOT OLD.record OR NEW.problem IS NOT OLD.problem
    OR (NEW.delivered < NEW.revision) IS NOT (OLD.delivered < OLD.revision)
BEGIN
    INSERT OR REPLACE INTO changes (run) VALUES (NEW.id);
END;
"""


class JournalFile:
    """The SQLite file at `path`, made on first use, with one connection for each thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection.

        :raises SchemaTooNew: if a newer nbmlops wrote the file.
        :raises StoreError: if the file cannot be opened, read or written.
        """
        try:
            yield self._connection()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"The journal {self.path} cannot be used: {error}.") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the only right to write; raises as :meth:`reading` does."""
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "db", None)
        if connection is not None:
            connection.close()
            self._local.db = None

    def _connection(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is not None:
            return db
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            db.close()
            raise SchemaTooNew(
                f"{self.path} was written by a newer nbmlops."
                " Update this one: pip install -U nbmlops."
            )
        if version < _VERSION:
            db.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;"
            )
        self._local.db = db
        return db
