"""A PostgreSQL server for tests: Debian's binaries, a folder of its own, a socket and no port."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

BINARIES = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
PASSWORDS = {"app": "app-secret", "review": "review-secret"}
REFUSALS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ForeignKeyViolation)


@dataclass(frozen=True)
class Database:
    """One database and the URLs of its three roles."""

    owner: str
    app: str
    review: str


@dataclass(frozen=True)
class PostgresServer:
    """A running server, whose owner is ``postgres``."""

    socket: Path
    _count: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str, role: str = "postgres", password: str = "") -> str:
        login = f"{role}:{password}" if password else role
        return f"postgresql://{login}@/{database}?host={self.socket}"

    def create(self) -> Database:
        """A new empty database."""
        name = f"team{next(self._count)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        roles = {r: self.url(name, f"{name}_{r}", p) for r, p in PASSWORDS.items()}
        return Database(self.url(name), roles["app"], roles["review"])


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server as the user ``postgres`` where we are root, for it refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="nbmlops-pg-"))
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(BINARIES / program), "-D", str(data), *arguments]
        subprocess.run(
            command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )

    try:
        run("initdb", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        # Role passwords are asked for, so that a test can tell one role's door from another's.
        (data / "pg_hba.conf").write_text(
            "local all postgres trust\nlocal all all scram-sha-256\n", encoding="utf-8"
        )
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            folder.chmod(0o755)
            yield PostgresServer(folder)
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
