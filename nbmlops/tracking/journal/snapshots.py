"""A fitted model on its way out of the kernel: pickled once, to be filed by another process.

The kernel only pickles; MLflow is imported where the snapshot is read. A pending snapshot is
finished before the same object is trained again.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from nbmlops.steps import pass_step
from nbmlops.whole_files import LEFT_HALF, whole_file

__all__ = [
    "READER_FILE",
    "SNAPSHOT_FILE",
    "Reader",
    "SnapshotWriter",
    "UnfitModel",
    "forget_model",
    "write_snapshot",
]

SNAPSHOT_FILE = "model.pickle"
READER_FILE = "reader.json"
_MOST_KEPT = 256 << 20  # bytes of models that wait in memory for a disk
_MOST_PENDING = 4  # snapshots that wait to be written, each of which holds its model
_PATIENCE = 60.0  # seconds that a new training of a model waits for its snapshot at most


class UnfitModel(Exception):
    """A snapshot that was written and cannot be read again, or not be filed as a model."""


class Reader(msgspec.Struct, frozen=True):
    """What a process must do before it reads a snapshot, so that it finds the same modules.

    `paths` are those on which modules were found, absolute. Keras chooses its backend when it is
    imported.
    """

    paths: tuple[str, ...] = ()
    keras_backend: str | None = None


def write_snapshot(folder: Path, content: dict[str, Any] | bytes) -> None:
    """Pickle `content` into `folder`, or write its pickle; the file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keras: Any = sys.modules.get("keras")
    backend = keras.backend.backend() if hasattr(keras, "backend") else None
    paths = tuple(os.path.abspath(path) for path in sys.path if isinstance(path, str))
    reader = Reader(paths=paths, keras_backend=backend)
    (folder / READER_FILE).write_bytes(msgspec.json.encode(reader))
    with whole_file(folder / SNAPSHOT_FILE) as file:
        pass_step("snapshot-write")
        if isinstance(content, bytes):
            file.write(content)
        else:
            import cloudpickle  # type: ignore[import-untyped] # ships none

            cloudpickle.dump(content, file)
    pass_step("snapshot-written")


def forget_model(folder: Path) -> None:
    """Remove a snapshot and what was made of it; the run's artifacts beside it stay."""
    for made in ("model", "model.part"):
        shutil.rmtree(folder / made, ignore_errors=True)
    with contextlib.suppress(OSError):  # none there, or the disk itself is away
        for file in (folder / SNAPSHOT_FILE, folder / READER_FILE, *folder.glob(LEFT_HALF)):
            file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty: the artifacts wait for their delivery
        folder.rmdir()


class SnapshotWriter:
    """Writes snapshots on a thread of its own, in order.

    What the disk refuses waits as a pickle in memory, which no later training changes and which
    keeps nothing of the user's alive; :meth:`retry` tries again.
    """

    def __init__(
        self,
        spool: Path,
        done: Callable[[str, str | None], None],
        refused: Callable[[OSError], None],
        written: Callable[[Any, str], None],
    ) -> None:
        """`done` hears the run's id and what went wrong, or None; `refused` what the disk says.

        `written` hears of a model whose snapshot was written, and of its run, while it is as it
        was then.
        """
        self._spool = spool
        self._done, self._refused, self._written = done, refused, written
        self._queue: queue.Queue[tuple[str, dict[str, Any] | bytes, threading.Event]]
        self._queue = queue.Queue()
        self._kept: dict[str, bytes] = {}
        self._pending: dict[int, threading.Event] = {}
        self._thread: threading.Thread | None = None

    def write(self, run_id: str, content: dict[str, Any]) -> None:
        """Write the snapshot of ``content["model"]`` soon."""
        pass_step("snapshot")
        for event in list(self._pending.values())[:-_MOST_PENDING]:
            event.wait(_PATIENCE)  # models are not heaped up in memory
        self._put(run_id, content, id(content["model"]))

    def retry(self) -> None:
        """Write soon what the disk has refused before."""
        for run_id, pickled in list(self._kept.items()):
            if id(pickled) not in self._pending:
                self._put(run_id, pickled, id(pickled))

    def _put(self, run_id: str, content: dict[str, Any] | bytes, key: int) -> None:
        event = self._pending[key] = threading.Event()
        self._queue.put((run_id, content, event))
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._work, name="nbmlops-snapshots", daemon=True
            )
            self._thread.start()

    def finish(self, model: Any) -> None:
        """Wait until a pending snapshot of `model` is written, but not for ever."""
        if event := self._pending.get(id(model)):
            event.wait(_PATIENCE)

    def finish_all(self) -> None:
        """Wait until all snapshots are written, but not for ever."""
        ends = time.monotonic() + _PATIENCE
        for event in list(self._pending.values()):
            event.wait(max(0.0, ends - time.monotonic()))

    def _work(self) -> None:
        while True:
            run_id, content, event = self._queue.get()
            key = id(content if isinstance(content, bytes) else content["model"])
            try:
                self._write(run_id, content)
            finally:
                del content
                if self._pending.get(key) is event:
                    del self._pending[key]
                event.set()

    def _write(self, run_id: str, content: dict[str, Any] | bytes) -> None:
        """Write one, and say how that went unless it is to be tried again."""
        for again in (True, False):
            try:
                write_snapshot(self._spool / run_id, content)
            except Exception as error:  # noqa: BLE001 - any object's pickling may raise anything; `done` puts it on the record
                forget_model(self._spool / run_id)
                # A container that grew while it was read is whole at the next reading.
                if again and isinstance(error, RuntimeError) and "changed" in str(error):
                    continue
                if isinstance(error, OSError) and self._keeps(run_id, content):
                    self._refused(error)
                    return
                self._done(run_id, f"{type(error).__name__}: {_told(error)}")
                return
            self._kept.pop(run_id, None)
            if not isinstance(content, bytes):
                self._written(content["model"], run_id)
            self._done(run_id, None)
            return

    def _keeps(self, run_id: str, content: dict[str, Any] | bytes) -> bool:
        """Keep what the disk refused; False if it is too large, or the fault is not the disk's."""
        if isinstance(content, bytes):
            return True
        import cloudpickle

        try:
            pickled = cloudpickle.dumps(content)
        except Exception:  # noqa: BLE001 - the object itself cannot be pickled: the caller says so
            return False
        if len(pickled) + sum(map(len, self._kept.values())) > _MOST_KEPT:
            return False
        self._kept[run_id] = pickled
        return True


def _told(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a user's own exception may not even tell itself
        return "(it cannot be told)"
