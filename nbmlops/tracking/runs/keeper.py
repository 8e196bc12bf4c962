"""Keeps a session's runs true after their cells have ended, on a thread of its own.

A later cell may make a run stale; the notebook may be saved at last. Either changes the record. And
once MLflow holds a run, what its card says of that changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from nbmlops.records import CellRecord, Gap, TrackedRun
from nbmlops.tracking.journal.journal import Waiting
from nbmlops.tracking.runs.arrivals import Arrivals
from nbmlops.tracking.runs.completeness import without_gaps
from nbmlops.tracking.runs.gaps import with_git
from nbmlops.tracking.runs.git import GitWatch
from nbmlops.tracking.runs.writer import RunWriter
from nbmlops.tracking.session.artifacts import spool_artifacts
from nbmlops.tracking.session.cells import CellHistory
from nbmlops.tracking.session.saved_notebook import SavedNotebook, read_saved
from nbmlops.tracking.session.staleness import Staleness

__all__ = ["RunKeeper", "unsaved"]

_UNSAVED = "The notebook on disk does not hold this cell as it ran: save it."
_ABSENT = "The notebook's file is not there: it was never saved, or was moved or deleted."


def unsaved(told: bool) -> Gap:
    """The gap of a run whose cell the saved notebook does not show; `told` if it exists at all."""
    return Gap(what="notebook", why=_UNSAVED if told else _ABSENT)


class _Shown(msgspec.Struct, frozen=True):
    """A run was shown to wait for delivery, or not."""

    run_id: str
    waits: Waiting | None


class RunKeeper:
    """Follows the runs of one session; `changed` hears each that has changed.

    `notebook` says where the session's notebook stands now.
    """

    def __init__(
        self,
        spool: Path,
        history: CellHistory,
        writer: RunWriter,
        git: GitWatch,
        *,
        notebook: Callable[[], Path | None],
        changed: Callable[[TrackedRun], None],
        fault: Callable[[str, BaseException], None],
    ) -> None:
        self._history, self._writer, self._git, self._changed = history, writer, git, changed
        self._spool, self._fault, self._notebook = spool, fault, notebook
        self._staleness = Staleness()
        self._arrivals = Arrivals(writer)
        self._work: SimpleQueue[TrackedRun | _Shown | int | threading.Event] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._heard = 0
        self._unsaved: dict[str, TrackedRun] = {}
        self._saved: tuple[tuple[int, ...], SavedNotebook | None] = ((), None)
        self._lock = threading.Lock()

    def follow(self, run: TrackedRun) -> None:
        """Keep `run` true from now on."""
        self._work.put(run)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._keep, name="nbmlops-keeper", daemon=True)
            self._thread.start()

    def cell_ended(self, order: int) -> None:
        """The cell of that `order` has ended."""
        if self._thread is not None:
            self._work.put(order)

    def shown(self, run_id: str, waits: Waiting | None) -> None:
        """A card says that a run waits for delivery and why, or that it does not."""
        if self._thread is not None:
            self._work.put(_Shown(run_id, waits))

    def settle(self) -> None:
        """Wait until everything so far has been looked at."""
        if self._thread is not None and self._thread.is_alive():
            done = threading.Event()
            self._work.put(done)
            done.wait()

    def saved(self) -> SavedNotebook | None:
        """The notebook as it is on disk now; read again only when it has changed."""
        with self._lock:
            path = self._notebook()
            try:
                stat = path.stat() if path else None
            except OSError:
                stat = None
            if stat is None or path is None:
                return None
            stamp = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if self._saved[0] != stamp:
                self._saved = (stamp, read_saved(path))
            return self._saved[1]

    def notebook_gaps(self, cell: CellRecord, *, ours: bool) -> list[Gap]:
        """What is not known of the notebook that `cell` stands in.

        `ours` says that we run it ourselves, under a name that may be no file's yet.
        """
        if self._notebook() is None:
            return [Gap(what="notebook", why="The front end does not tell which notebook this is.")]
        saved = self.saved()
        if saved is None:
            return [] if ours else [unsaved(False)]
        return [] if saved.holds(cell) else [unsaved(True)]

    def _keep(self) -> None:
        while True:
            item: TrackedRun | _Shown | int | threading.Event | None = None
            try:
                with suppress(Empty):
                    item = self._work.get(timeout=self._arrivals.patience)
                if isinstance(item, TrackedRun):
                    self._add(item)
                elif isinstance(item, _Shown):
                    self._arrivals.expect(item.run_id, item.waits)
                else:
                    self._look(item)
            except Exception as error:  # noqa: BLE001 - this thread must live on; the fault is told on the record
                self._fault("what came after a run", error)
                if isinstance(item, threading.Event):
                    item.set()

    def _look(self, item: int | threading.Event | None) -> None:
        """A cell has ended, somebody waits, or it is time to look at what others have written."""
        if isinstance(item, int):
            self._hear(item)
        elif item is not None:
            self._look_at_file()
        for run in self._arrivals.look():
            self._changed(run)
        if isinstance(item, threading.Event):
            item.set()

    def _add(self, run: TrackedRun) -> None:
        saved = self.saved()
        since = [
            (record, self._history.code_of(cell))
            for cell in self._history.executed[run.cells[0].order : run.cell.order - 1]
            for record in [self._history.record(cell)]
        ]
        self._staleness.add(run, since, saved.places if saved else {})
        if any(gap.what == "notebook" for gap in run.gaps):
            self._unsaved[run.id] = run
        git = self._git.refresh()
        if git is not None and run.environment.local_modules:
            more = self._git.untracked(list(run.environment.local_modules))
            git = msgspec.structs.replace(git, changed=tuple(dict.fromkeys((*git.changed, *more))))
        if git is not None and git.diff_digest:
            spool_artifacts(self._spool, [run.id], {"git.diff": self._git.diff})
        stale = self._staleness.of(run.id)

        def edit(known: TrackedRun) -> TrackedRun:
            return msgspec.structs.replace(with_git(known, git), stale=stale)

        if stale or git != run.environment.git:
            self._change(run.id, edit)

    def _hear(self, order: int) -> None:
        saved = self.saved()
        changed: set[str] = set()
        for cell in self._history.executed[self._heard : order]:
            record, code = self._history.record(cell), self._history.code_of(cell)
            changed |= self._staleness.hear(record, code, saved.places if saved else {})
        self._heard = max(order, self._heard)
        for run_id in changed:
            self._note(run_id)
        self._look_at_file()

    def _note(self, run_id: str) -> None:
        stale = self._staleness.of(run_id)
        self._change(run_id, lambda run: msgspec.structs.replace(run, stale=stale))

    def _look_at_file(self) -> None:
        saved = self.saved() if self._unsaved else None
        if saved is None:
            return
        for run_id, run in list(self._unsaved.items()):
            if saved.holds(run.cell):
                del self._unsaved[run_id]

                def edit(run: TrackedRun, digest: str = saved.digest) -> TrackedRun:
                    whole = without_gaps(run, unsaved(True), unsaved(False))
                    return msgspec.structs.replace(whole, notebook_digest=digest)

                self._change(run_id, edit)

    def _change(self, run_id: str, edit: Callable[[TrackedRun], TrackedRun]) -> None:
        before: list[TrackedRun] = []

        def noting(run: TrackedRun) -> TrackedRun:
            before.append(run)
            return edit(run)

        after = self._writer.change(run_id, noting)
        if after is not None and before and after != before[0]:
            self._changed(after)
