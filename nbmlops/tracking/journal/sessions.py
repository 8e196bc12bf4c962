"""A kernel's session, and whether it still lives: it holds a lock that dies with the process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from nbmlops.records import new_id

__all__ = ["Session", "is_alive"]


class Session:
    """One kernel's stay in a project; its lock file stands in ``sessions/`` below `home`."""

    def __init__(self, home: Path) -> None:
        self.id = new_id("session")
        self.pid = os.getpid()
        folder = home / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / self.id
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """End the session; a forked child leaves its parent's alone."""
        if os.getpid() == self.pid and not self._file.closed:
            self._path.unlink(missing_ok=True)
            self._file.close()


def is_alive(home: Path, session: str) -> bool:
    """Whether the process of that session still runs."""
    if not session:
        return False
    try:
        with (home / "sessions" / session).open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
