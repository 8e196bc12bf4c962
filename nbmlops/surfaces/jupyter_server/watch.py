"""A watch on one SQLite file: has anybody committed since we last looked?"""

from __future__ import annotations

import sqlite3
from pathlib import Path

__all__ = ["StoreWatch"]


class StoreWatch:
    """Compares SQLite's own change counter (``PRAGMA data_version``), which no write escapes.

    The file may not exist yet, or be replaced by another. It is only ever read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._version: int | None = None
        self.changed()  # what is there already is no change

    def changed(self) -> bool:
        """Whether the content may differ from when this was last asked. Takes microseconds."""
        file = self._identify()
        replaced = file != self._file
        if replaced:
            self.close()
            self._file = file
        version = self._read_version() if file else None
        changed = replaced or version != self._version
        self._version = version
        return changed

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _read_version(self) -> int | None:
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=0
                )
            row = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:  # being created, or locked just now: the next look tells
            return self._version
        return int(row[0])
