"""The folder of ours in a project, ``.nbmlops``, and what is wrong with it where it cannot be used.

Journal, models, outputs, locks and the deliverer all need it: what keeps them all from it is one
thing, and is told in one sentence.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

from nbmlops.errors import StoreError

__all__ = ["unusable"]


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LITTLE = 1 << 16  # bytes that tell whether there is room


def unusable(home: Path, error: BaseException | None = None) -> StoreError | None:
    """Why nothing can be written to `home`, and what to do; None where something can.

    `error` is what writing there ended in, if somebody has tried.
    """
    if error is not None and _lacks_room(home, error):
        return StoreError(f"The disk that holds {home} is full. Make room on it.")
    try:
        home.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        return StoreError(
            f"{home} cannot be written (a file stands in its place). Move that away, or set"
            " NBMLOPS_ROOT to a folder that can be written."
        )
    except OSError as failed:
        if failed.errno in _NO_ROOM:
            return unusable(home, failed)
        return _closed(home, failed.strerror or str(failed))
    return None if os.access(home, os.W_OK | os.X_OK) else _closed(home, "it is read-only")


def _lacks_room(home: Path, error: BaseException) -> bool:
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, OSError) and error.errno in _NO_ROOM
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return code == sqlite3.SQLITE_FULL
    try:  # SQLite says no more than that it could not: a quota's end, too, is told to who writes
        with tempfile.TemporaryFile(dir=home) as file:
            file.write(bytes(_LITTLE))
    except OSError as told:
        return told.errno in _NO_ROOM
    return False


def _closed(home: Path, why: str) -> StoreError:
    return StoreError(
        f"{home} cannot be written ({why}). Make it writable, or set NBMLOPS_ROOT to a folder"
        " that is."
    )
