"""Runs notebooks on this machine: papermill, in a process of its own.

The process keeps papermill's imports, its change of directory and the kernel's environment out of
ours; it speaks one JSON line per event on its standard output.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Literal

import msgspec

from nbmlops.errors import CellFailed, KernelMissing, NotebookError
from nbmlops.records import NotebookJob, Record, decode, encode
from nbmlops.scheduling.executors import Progress

__all__ = ["Event", "LocalExecutor"]


class Event(Record, frozen=True, kw_only=True):
    """What the process tells: progress, or why it ends."""

    kind: Literal["progress", "done", "cell-failed", "kernel-missing", "notebook-error"]
    done: int = 0
    total: int = 0
    message: str = ""


_ERRORS: dict[str, type[NotebookError]] = {
    "cell-failed": CellFailed,
    "kernel-missing": KernelMissing,
    "notebook-error": NotebookError,
}


class LocalExecutor:
    """An :class:`~nbmlops.scheduling.executors.Executor` on this machine."""

    def run(self, job: NotebookJob, on_progress: Progress | None = None) -> None:
        """Run `job` in a fresh kernel, in its own process."""
        command = [sys.executable, "-m", "nbmlops.scheduling.executors.papermill_process"]
        last: Event | None = None
        with (
            tempfile.TemporaryFile() as complaints,
            subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env={**os.environ, **job.environment},
            ) as process,
        ):
            if process.stdin is None or process.stdout is None:  # both were asked for
                raise AssertionError("pipes are missing")
            process.stdin.write(encode(job))
            process.stdin.close()
            for line in process.stdout:
                event = _read(line)
                if event is None:
                    continue
                last = event
                if event.kind == "progress" and on_progress:
                    on_progress(event.done, event.total)
            process.wait()
            complaints.seek(0)
            noise = complaints.read().decode(errors="replace").strip()
        if last is None or last.kind == "progress":
            tail = noise.splitlines()[-1] if noise else f"exit code {process.returncode}"
            raise NotebookError(f"{job.notebook} could not be run: {tail}")
        if last.kind in _ERRORS:
            raise _ERRORS[last.kind](last.message)


def _read(line: bytes) -> Event | None:
    """An event, or None for a line that some library printed among ours."""
    try:
        return decode(line, Event)
    except msgspec.MsgspecError:
        return None
