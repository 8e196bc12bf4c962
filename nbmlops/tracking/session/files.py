"""Which files a cell reads and writes: Python's audit of ``open``, and readers that bypass it."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from glob import iglob
from itertools import islice
from typing import Any

from nbmlops.records import Gap
from nbmlops.settings import Settings
from nbmlops.tracking.code.audit import hear
from nbmlops.tracking.redaction import hide_in_text

__all__ = ["FileWatch"]

_NOT_DATA = (".py", ".pyc", ".so", ".pyi", ".dist-info", ".ipynb", ".lock", ".tmp", ".ttf")
_MOST = 200
_PATTERN = re.compile(r"[*?\[]")
_LONGEST = 4096  # characters of a path, as Linux has it
# What libraries pass through on their way, named by `tempfile`, is gone as soon as it is read.
_PASSING = re.compile(re.escape(tempfile.gettempdir()) + r"(?:/tmp[a-z0-9_]{8}){1,2}")


class FileWatch:
    """Collects the data files that are opened for reading into the list `into`, while it is set.

    Those opened for writing go into `written`; so do folders that are made, ending in a slash.
    """

    def __init__(self, settings: Settings) -> None:
        self.on = False
        self.into: list[str] | None = None
        self.written: list[str] = []
        self._stamps: dict[str, tuple[int, int] | None] = {}
        self._settings = settings
        paths = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib", "data")}
        system = (
            "/proc",
            "/sys",
            "/dev",
            "/etc",
            "/usr",
            "/lib",
            "/tmp/ipykernel",  # noqa: S108 - compared with, never written
            str(settings.home),
        )
        self._foreign = (*paths, *system, sys.base_prefix)
        hear("open", self._opened)  # for good; `on` silences it
        hear("os.mkdir", self._folder_made)

    def read(self, path: Any) -> None:
        """A reader that Python's audit does not see has read `path`.

        It may be a file, a folder, an address, a pattern of paths, or a list of these; anything
        else is none.
        """
        if isinstance(path, list | tuple):
            for part in path[:_MOST]:
                self.read(part)
            return
        if self.into is None or not self.on or not isinstance(path, str | os.PathLike):
            return
        text = os.fspath(path)
        if not isinstance(text, str) or len(self.into) >= _MOST:
            return
        if "://" in text:
            self._add(hide_in_text(text.split("?")[0])[0])
        elif _exists(text):
            self._add(self._settings.relative(text))
        elif _PATTERN.search(text) and len(text) < _LONGEST:
            for found in islice(iglob(text, recursive=True), _MOST):
                self._add(self._settings.relative(found))

    def write(self, path: str) -> None:
        """A writer that Python's audit does not see has written file `path`."""
        spelled = self._settings.relative(path)
        if self.on and spelled not in self.written and len(self.written) < _MOST:
            self.written.append(spelled)

    def _opened(self, arguments: tuple[Any, ...]) -> None:
        if self.into is None or not self.on:
            return
        path, mode = arguments[0], arguments[1]
        if not isinstance(path, str) or mode is None:
            return
        if path[:1] == "<" and not os.path.exists(path):
            return  # code that is in no file: Python looks for it when it shows an error's line
        into = self.into if "r" in mode and "+" not in mode else self.written
        absolute = os.path.abspath(path)
        if absolute.startswith(self._foreign) or absolute.endswith(_NOT_DATA):
            return
        if f"{os.sep}." in absolute or len(into) >= _MOST or _PASSING.fullmatch(absolute):
            return
        spelled = self._settings.relative(absolute)
        if into is self.into:
            self._add(spelled)
        elif spelled not in into:
            into.append(spelled)

    def _folder_made(self, arguments: tuple[Any, ...]) -> None:
        if self.into is None or not self.on or not isinstance(arguments[0], str | os.PathLike):
            return
        path = os.fspath(arguments[0])
        absolute = os.path.abspath(path) if isinstance(path, str) else f"{os.sep}."
        if absolute.startswith(self._foreign) or f"{os.sep}." in absolute:
            return
        spelled = f"{self._settings.relative(absolute)}/"
        if spelled not in self.written and len(self.written) < _MOST:
            self.written.append(spelled)

    def modified(self, files: Iterable[str]) -> dict[str, float]:
        """When each of the `files` that were read had been written, as a POSIX time."""
        stamps = {file: self._stamps.get(file) for file in files}
        return {file: stamp[0] / 1e9 for file, stamp in stamps.items() if stamp is not None}

    def gaps(self, files: Iterable[str]) -> Iterator[Gap]:
        """Which of the files that were read are no longer what they were."""
        for file in files:
            before = self._stamps.get(file)
            now = self._stamp(file) if before else None
            if before and now is None:
                yield Gap(what="file", why=f"{file} is no longer there.")
            elif before != now:
                yield Gap(what="file", why=f"{file} has changed since it was read.")

    def _add(self, spelled: str) -> None:
        if self.into is not None and spelled not in self.into:
            self.into.append(spelled)
            if "://" not in spelled:
                self._stamps[spelled] = self._stamp(spelled)

    def _stamp(self, spelled: str) -> tuple[int, int] | None:
        try:
            stat = os.stat(self._settings.root / spelled)
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size


def _exists(text: str) -> bool:
    try:
        return os.path.exists(text)
    except ValueError:  # it holds a null byte: no path does
        return False
