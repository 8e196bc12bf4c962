"""The journal's file: its tables, and transactions that end whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbmlops.errors import SchemaTooNew, StoreError
from nbmlops.steps import pass_step
from nbmlops.tracking.journal.home import unusable

__all__ = ["JournalFile"]

_VERSION = 4
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
CREATE TABLE IF NOT EXISTS claims (
    what TEXT NOT NULL,
    place TEXT NOT NULL,
    token TEXT NOT NULL,
    made TEXT,
    PRIMARY KEY (what, place)
);
CREATE TABLE IF NOT EXISTS outage (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    problem TEXT NOT NULL
);
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
    """The SQLite file at `path`, made on first use, with one connection for each thread.

    It waits `patience` seconds for another process that writes.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self.path = path
        self._patience = patience
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
            self.close()
            raise _told(self.path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the only right to write; raises as :meth:`reading` does."""
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                pass_step("journal-commit")
                db.execute("COMMIT")
            except BaseException:  # whatever it was, an interrupt too, nothing is half-written
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
        if db is not None and self._local.file == _identity(self.path):
            return db
        self.close()  # a file that was moved away or deleted would take writes and lose them
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)
        try:
            self._prepare(db)
        except BaseException:  # whatever it was, the file is not kept open
            db.close()
            raise
        self._local.db, self._local.file = db, _identity(self.path)
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise SchemaTooNew(
                f"{self.path} was written by a newer nbmlops."
                " Update this one: pip install -U nbmlops."
            )
        if version < _VERSION:
            db.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _told(path: Path, error: Exception) -> StoreError:
    """What is wrong with the file or with its folder, and what to do next."""
    return unusable(path.parent, error) or StoreError(_sentence(path, error))


def _sentence(path: Path, error: Exception) -> str:
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return (
            f"The journal {path} is damaged ({error}). Move {path.name}* away and a new one is"
            " begun; what was delivered is in MLflow."
        )
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"The journal {path} is held by another process. Wait for it, or end it."
    return (
        f"The journal {path} cannot be used ({error}). Make room, make its folder writable, or set"
        " NBMLOPS_ROOT to a folder that is."
    )
