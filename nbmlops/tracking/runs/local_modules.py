"""Imported modules that no package brought: the project's own files, by content."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbmlops.records import digest_bytes
from nbmlops.tracking.code.installed import is_installed_file

__all__ = ["LocalModules"]

_MOST = 500
_OURS = str(Path(__file__).parents[2]) + os.sep


class LocalModules:
    """The local modules of this process; those below `root` are named relative to it."""

    def __init__(self, root: Path) -> None:
        self._prefix = f"{root}{os.sep}"
        self._lock = threading.Lock()
        self._files: dict[str, str] = {}  # file -> module
        self._loaded: dict[str, tuple[Any, tuple[int, int]]] = {}  # file -> its spec and stamp
        self._digests: dict[str, tuple[tuple[int, int], str]] = {}

    def digests(self, new: Iterable[str]) -> dict[str, str]:
        """The digest of each local module's file; `new` are modules imported since last time."""
        with self._lock:
            for name in set(new) - {"__main__"}:
                file = getattr(sys.modules.get(name), "__file__", None)
                if isinstance(file, str) and _is_local(file) and len(self._files) < _MOST:
                    self._files[file] = name
            found = {}
            for file in sorted(self._files):
                if stamp := _stamp(file):
                    self._note_load(file, stamp)
                    if self._digests.get(file, (None, ""))[0] != stamp:
                        self._digests[file] = (stamp, _digest(file))
                    found[file.removeprefix(self._prefix)] = self._digests[file][1]
            return found

    def edited(self) -> list[str]:
        """Those whose file is another now than when they were loaded, by name."""
        with self._lock:
            return [
                file.removeprefix(self._prefix)
                for file, (_, stamp) in sorted(self._loaded.items())
                if _stamp(file) != stamp
            ]

    def _note_load(self, file: str, stamp: tuple[int, int]) -> None:
        spec = getattr(sys.modules.get(self._files[file]), "__spec__", None)
        known = self._loaded.get(file)
        # A reload gives the module another spec; its file is then taken as it is.
        if known is None or known[0] is not spec:
            self._loaded[file] = (spec, stamp)


def _is_local(file: str) -> bool:
    return file.endswith(".py") and not file.startswith(_OURS) and not is_installed_file(file)


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        stat = os.stat(file)
    except OSError:
        return None  # deleted since its import
    return stat.st_mtime_ns, stat.st_size


def _digest(file: str) -> str:
    try:
        return digest_bytes(Path(file).read_bytes())
    except OSError:
        return ""
