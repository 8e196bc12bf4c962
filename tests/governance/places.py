"""Where the conformance suite's ledgers lie, and how their owners tamper with them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
from live_postgresql import Database

from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.records import RefusalRecorded

APPENDING = (
    "import sys; from pathlib import Path\n"
    "from nbmlops.governance.database import SqlAlchemyLedger\n"
    "from nbmlops.records import RefusalRecorded\n"
    "place, who, count = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
    "ledger = SqlAlchemyLedger(place if '://' in place else Path(place))\n"
    "for n in range(count):\n"
    "    fact = RefusalRecorded(verb='v', subject=str(n), by=who, why=())\n"
    "    print(ledger.append(fact, actor=who).sequence)\n"
)

TAKING_A_TURN = (
    "import sys; from pathlib import Path\n"
    "from nbmlops.errors import LedgerLocked\n"
    "from nbmlops.governance.database import SqlAlchemyLedger\n"
    "place, timeout = sys.argv[1], float(sys.argv[2])\n"
    "place = place if '://' in place else Path(place)\n"
    "try:\n"
    "    with SqlAlchemyLedger(place, lock_timeout=timeout).turn():\n"
    "        print('had it')\n"
    "except LedgerLocked as error:\n"
    "    print(error)\n"
)


def fact(number: int) -> RefusalRecorded:
    """A small fact, told from others by its number."""
    return RefusalRecorded(verb="register", subject=f"s{number}", by="ada", why=("no sign-off",))


class Place(Protocol):
    """A ledger's database, the error with which it refuses, and SQL that edits the third fact."""

    refusal: type[Exception]
    edit: str

    def open(self, lock_timeout: float = 10.0) -> SqlAlchemyLedger:
        """A fresh handle on it."""

    def execute(self, *statements: str, guarded: bool = True) -> None:
        """Change it by SQL, as its owner: past the guards, or the guards taken down first."""

    def start_appending(self, who: str, count: int) -> subprocess.Popen[str]:
        """A process that appends `count` facts and prints their places."""

    def start_turn(self, timeout: float) -> subprocess.Popen[str]:
        """A process that asks for the turn and prints what came of it."""

    def hold(self) -> Any:
        """A connection that keeps everybody from appending, until it is closed."""


@dataclass(frozen=True)
class SqlitePlace:
    """A file."""

    path: Path
    refusal: type[Exception] = sqlite3.IntegrityError
    edit: str = (
        "UPDATE facts SET sealed = CAST(replace(sealed, 's2', 's9') AS BLOB) WHERE sequence = 3"
    )

    def open(self, lock_timeout: float = 10.0) -> SqlAlchemyLedger:
        return SqlAlchemyLedger(self.path, lock_timeout=lock_timeout)

    def execute(self, *statements: str, guarded: bool = True) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            triggers = "SELECT name FROM sqlite_master WHERE type='trigger'"
            for (name,) in connection.execute(triggers).fetchall() if not guarded else []:
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def start_appending(self, who: str, count: int) -> subprocess.Popen[str]:
        return _start(APPENDING, str(self.path), who, count)

    def start_turn(self, timeout: float) -> subprocess.Popen[str]:
        return _start(TAKING_A_TURN, str(self.path), timeout)

    def hold(self) -> sqlite3.Connection:
        holder = sqlite3.connect(self.path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        return holder


@dataclass(frozen=True)
class PostgresPlace:
    """A schema in a database."""

    database: Database
    refusal: type[Exception] = psycopg.errors.InsufficientPrivilege
    edit: str = (
        "UPDATE facts SET sealed = convert_to(replace(convert_from(sealed, 'UTF8'), 's2', 's9'), "
        "'UTF8') WHERE sequence = 3"
    )

    def open(self, lock_timeout: float = 10.0) -> SqlAlchemyLedger:
        return SqlAlchemyLedger(self.database.review, lock_timeout=lock_timeout)

    def execute(self, *statements: str, guarded: bool = True) -> None:
        with psycopg.connect(
            self.database.owner, options="-c search_path=nbmlops,public"
        ) as connection:
            if not guarded:
                connection.execute("ALTER TABLE facts DISABLE TRIGGER USER")
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type] # a test's own literal
            if not guarded:
                connection.execute("ALTER TABLE facts ENABLE TRIGGER USER")

    def start_appending(self, who: str, count: int) -> subprocess.Popen[str]:
        return _start(APPENDING, self.database.review, who, count)

    def start_turn(self, timeout: float) -> subprocess.Popen[str]:
        return _start(TAKING_A_TURN, self.database.review, timeout)

    def hold(self) -> psycopg.Connection:
        holder = psycopg.connect(self.database.review)
        holder.execute("SELECT nbmlops.lock_head()")
        return holder


def _start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
