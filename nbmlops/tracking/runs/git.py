"""The git revision that a notebook runs on, and how the working tree differs from it."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

from nbmlops.records import GitState, digest_bytes
from nbmlops.tracking.redaction import hide_in_text

__all__ = ["GitWatch"]

_FRESH = 5.0  # seconds for which a state is taken as current
_MOST_DIFF = 256 << 10  # bytes of a difference that are kept
_MOST_CHANGED = 200
_PATIENCE = 5.0  # seconds that one question to git may take


class GitWatch:
    """The git state of the repository around `root`, read away from the user's cell."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._reading = threading.Lock()
        self._state: GitState | None = None
        self._read_at = float("-inf")
        self.diff = b""

    def is_old(self) -> bool:
        """Whether the state was read too long ago."""
        return time.monotonic() - self._read_at > _FRESH

    def known(self) -> GitState | None:
        """The state as it was read last; only the very first time it is waited for."""
        if self._read_at == float("-inf"):
            self.refresh()
        return self._state

    def refresh(self) -> GitState | None:
        """The state now, at most a few seconds old."""
        with self._reading:
            if self.is_old():
                self._state, self.diff = _git_state(self._root)
                self._read_at = time.monotonic()
            return self._state

    def untracked(self, files: list[str]) -> list[str]:
        """Those of `files`, as records spell them, that the repository does not know."""
        inside = [file for file in files if not os.path.isabs(file)]
        known = _git(self._root, "ls-files", "-z", "--", *inside) if inside else None
        if known is None:
            return []
        return sorted(set(inside) - set(known.decode(errors="replace").split("\0")))


def _git_state(folder: Path) -> tuple[GitState | None, bytes]:
    """The state of the repository around `folder`, and what differs from its commit.

    None outside a repository or without git. Notebooks, whose cells the record holds as they ran,
    are left out of the difference; secrets in it are hidden.
    """
    status = _git(folder, "status", "--porcelain=v2", "--branch", "-uno")
    if status is None:
        return None, b""
    lines = status.decode(errors="replace").splitlines()
    heads = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
    commit = heads.get("branch.oid", "")
    if not commit or commit == "(initial)":
        return None, b""
    dirty = any(not line.startswith("#") for line in lines)
    changed: tuple[str, ...] = ()
    diff = b""
    if dirty:
        names = _git(folder, "diff", "HEAD", "--name-only", "--relative", "-z") or b""
        changed = tuple(n for n in names.decode(errors="replace").split("\0") if n)
        diff = _difference(folder)
    return (
        GitState(
            commit=commit,
            branch=heads.get("branch.head", ""),
            dirty=dirty,
            changed=changed[:_MOST_CHANGED],
            diff_digest=digest_bytes(diff) if diff else "",
        ),
        diff,
    )


def _difference(folder: Path) -> bytes:
    told = _git(
        folder, "diff", "HEAD", "--relative", "--no-color", "--no-ext-diff", "--no-textconv",
        "--", ".", ":(exclude)*.ipynb", most=_MOST_DIFF,
    )  # fmt: skip
    if not told:
        return b""
    cut = len(told) >= _MOST_DIFF
    text, _ = hide_in_text(told.decode(errors="replace"))
    return (text + ("\n… cut here\n" if cut else "")).encode()


def _git(folder: Path, *arguments: str, most: int | None = None) -> bytes | None:
    """What git answers, at most `most` bytes of it; None if it cannot or takes too long."""
    try:
        process = subprocess.Popen(  # noqa: S603 - fixed words and the project's own folder
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except OSError:
        return None
    timer = threading.Timer(_PATIENCE, process.kill)
    timer.start()
    try:
        with process:
            if process.stdout is None:
                return None
            told = process.stdout.read(most if most is not None else -1)
            if most is not None and len(told) >= most:
                process.kill()
                return told
    finally:
        timer.cancel()
    return told if process.returncode == 0 else None
