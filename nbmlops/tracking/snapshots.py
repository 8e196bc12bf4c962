"""A fitted model on its way out of the kernel: pickled once, to be filed by another process.

The kernel only pickles; MLflow is imported where the snapshot is read. A pending snapshot is
finished before the same object is trained again.
"""

from __future__ import annotations

import os
import queue
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbmlops.records import new_id

__all__ = ["SNAPSHOT_FILE", "SnapshotWriter", "write_snapshot"]

SNAPSHOT_FILE = "model.pickle"


def write_snapshot(folder: Path, content: dict[str, Any]) -> None:
    """Pickle `content` into `folder`; the file appears whole or not at all."""
    import cloudpickle  # type: ignore[import-untyped] # ships none

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = folder / f"{new_id('part')}.tmp"
    try:
        with partial.open("wb") as file:
            cloudpickle.dump(content, file)
        os.replace(partial, folder / SNAPSHOT_FILE)
    finally:
        partial.unlink(missing_ok=True)


class SnapshotWriter:
    """Writes snapshots on a thread of its own, in order."""

    def __init__(self, spool: Path, done: Callable[[str, str | None], None]) -> None:
        """`done` hears the run's id and what went wrong, or None."""
        self._spool = spool
        self._done = done
        self._queue: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue()
        self._pending: dict[int, threading.Event] = {}
        self._thread: threading.Thread | None = None

    def write(self, run_id: str, content: dict[str, Any]) -> None:
        """Write the snapshot of ``content["model"]`` soon."""
        self._pending[id(content["model"])] = threading.Event()
        self._queue.put((run_id, content))
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._work, name="nbmlops-snapshots", daemon=True
            )
            self._thread.start()

    def finish(self, model: Any) -> None:
        """Wait until a pending snapshot of `model` is written."""
        if event := self._pending.get(id(model)):
            event.wait()

    def finish_all(self) -> None:
        """Wait until all snapshots are written."""
        for event in list(self._pending.values()):
            event.wait()

    def _work(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            run_id, content = item
            key = id(content["model"])
            problem = None
            try:
                write_snapshot(self._spool / run_id, content)
            except Exception as error:  # noqa: BLE001 - any object's pickling may raise anything; `done` puts it on the record
                problem = f"{type(error).__name__}: {error}"
                shutil.rmtree(self._spool / run_id, ignore_errors=True)
            finally:
                del content, item
                self._done(run_id, problem)
                if event := self._pending.pop(key, None):
                    event.set()
