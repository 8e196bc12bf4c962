"""One kernel's tracking: cells come in, trainings are found in them, runs go to the journal."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from nbmlops.errors import NbmlopsError, StoreError
from nbmlops.records import TrackedRun, now
from nbmlops.settings import Settings
from nbmlops.steps import pass_step
from nbmlops.tracking.cell_end import CellEnd, Show
from nbmlops.tracking.code.frames import user_frames
from nbmlops.tracking.delivery.courier import Courier
from nbmlops.tracking.faults import Faults
from nbmlops.tracking.instruments import install_instruments
from nbmlops.tracking.journal.home import unusable
from nbmlops.tracking.journal.journal import Journal, Waiting
from nbmlops.tracking.journal.sessions import Session
from nbmlops.tracking.metrics.measured_rows import MeasuredRows
from nbmlops.tracking.metrics.provenance import Origin, Provenance
from nbmlops.tracking.origins import origins_of
from nbmlops.tracking.runs.assembler import RunAssembler
from nbmlops.tracking.runs.environment import EnvironmentReader
from nbmlops.tracking.runs.keeper import RunKeeper
from nbmlops.tracking.runs.writer import RunWriter
from nbmlops.tracking.session.cells import CellHistory, ExecutedCell
from nbmlops.tracking.session.earlier_cells import makers_in_cells
from nbmlops.tracking.session.files import FileWatch
from nbmlops.tracking.session.notebook_path import notebook_path
from nbmlops.tracking.session.outputs import Shown
from nbmlops.tracking.session_metrics import SessionMetrics
from nbmlops.tracking.session_trainings import SessionTrainings
from nbmlops.tracking.trainings.constructions import Constructions
from nbmlops.tracking.trainings.training import Activity

__all__ = ["Tracker"]

_JOURNAL_WAIT = 1.0  # seconds that a cell waits for another process to let go of the journal
_EXIT_WAIT = 25.0  # seconds that a kernel's exit waits for delivery; the deliverer goes on after


class Tracker:
    """Tracks one kernel whose global names are `namespace`, under `settings`.

    Instruments tell its `trainings` and its `metrics` what they see, work `safely` where an error
    would be theirs, and `note` what they could not see.
    """

    def __init__(
        self,
        settings: Settings,
        namespace: dict[str, Any],
        *,
        show: Show = lambda _run, _previous, _again, _waits: None,
        say: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.settings = settings
        self.namespace = namespace
        self.journal = Journal(settings.journal_path, patience=_JOURNAL_WAIT)
        self.courier = Courier(settings, self.journal)
        self.history = CellHistory()
        self.activity = Activity()
        self.provenance = Provenance()
        self.provenance.earlier = makers_in_cells(self.history)
        self.constructions = Constructions()
        self.measured_rows = MeasuredRows(namespace)
        self.on = False
        self.outputs: list[Shown] = []
        """Where what the running cell shows is put."""
        self.before_cell_ends: list[Callable[[ExecutedCell], None]] = []
        """Called while the cell is still open; trainings that they add become its runs."""
        self._pid = os.getpid()
        self._started = False
        self._session: Session | None = None
        self._faults = faults = Faults(say, lambda error: unusable(settings.home, error))
        self.fault, self.safely, self.note = faults.add, faults.safely, faults.note
        self._files = FileWatch(settings)
        self._environment = EnvironmentReader(settings.root)
        self._writer = RunWriter(
            settings, self.journal, faults.outage, self.provenance.remember_content
        )
        self._keeper = RunKeeper(
            settings.spool,
            self.history,
            self._writer,
            self._environment.git,
            notebook=lambda: notebook_path(namespace, environ),
            changed=self.look_again,
            fault=faults.add,
        )
        self._assembler = RunAssembler(
            settings,
            namespace,
            environ,
            history=self.history,
            keeper=self._keeper,
            environment=self._environment,
            files=self._files,
            faults=faults,
        )
        self.trainings = SessionTrainings(
            history=self.history,
            activity=self.activity,
            provenance=self.provenance,
            writer=self._writer,
            assembler=self._assembler,
            faults=faults,
        )
        self.metrics = SessionMetrics(
            history=self.history,
            trainings=self.trainings,
            journal=self.journal,
            writer=self._writer,
            faults=faults,
            frames=self.frames,
        )
        self._end = CellEnd(
            settings.spool,
            (namespace, environ),
            history=self.history,
            keeper=self._keeper,
            writer=self._writer,
            assembler=self._assembler,
            trainings=self.trainings,
            metrics=self.metrics,
            faults=faults,
            show=show,
            wake=self._wake,
        )

    # -- on and off ---------------------------------------------------------------------------
    def start(self) -> None:
        """Track from now on."""
        if not self._started:
            self._started = True
            atexit.register(self.finish)
            install_instruments(self)
            self._environment.warm()
        self._open_session()
        self._wake()
        self.on = True
        self._files.on = True

    def stop(self) -> None:
        """Track no longer; what is pending is still delivered."""
        self.on = self._files.on = False

    def finish(self) -> None:
        """End the session: journal what is still open, and see it delivered."""
        if os.getpid() != self._pid or not self._started:
            return
        self.stop()
        if self.running is not None:
            self.cell_ended("error", "The kernel ended.")
        self.settle()
        if self._session is not None:
            self._session.close()
        try:
            self.courier.finish(_EXIT_WAIT)
        except (NbmlopsError, OSError) as error:
            self._faults.say(
                f"nbmlops: not everything is delivered yet; `nbmlops sync` does it. {error}"
            )

    def settle(self) -> None:
        """Wait until all that belongs to the cells so far is written, as far as it can be."""
        self._writer.finish_models()
        self._keeper.settle()
        self._writer.retry()

    @property
    def unwritten(self) -> Waiting | None:
        """What this kernel alone knows, for the disk does not take it."""
        return self._writer.unwritten

    def _open_session(self) -> None:
        """Take a session's lock, by which others know that this kernel lives."""
        if self._session is None:
            try:
                self._session = Session(self.settings.home)
            except OSError as error:
                self._faults.add("that this kernel lives", error)
                return
            self._writer.session = self._session.id

    def _wake(self) -> None:
        try:
            self.courier.wake()
        except StoreError as error:
            self._faults.outage(error)

    def look_again(self, run: TrackedRun) -> None:
        """A run has changed after its cell had ended: its card does too."""
        self._end.show_again(run)

    # -- cells --------------------------------------------------------------------------------
    @property
    def watching(self) -> bool:
        """Whether a call that an instrument sees now is to be considered."""
        return self.on and self.history.running is not None and os.getpid() == self._pid

    @property
    def running(self) -> ExecutedCell | None:
        """The cell that runs now."""
        return self.history.running

    @property
    def notebook(self) -> str | None:
        """The notebook's path as records spell it; None where the front end does not tell it."""
        return self._assembler.notebook

    def cell_missed(self, source: str, execution_count: int, *, ok: bool = True) -> None:
        """A cell has run while tracking was off; nothing is known of it but what it says."""
        self.history.executed.append(
            ExecutedCell(
                cell_id=None,
                source=source,
                execution_count=execution_count,
                order=len(self.history.executed) + 1,
                started=now(),
                outcome="ok" if ok else "error",
                seen=False,
            )
        )

    def cell_began(self, source: str, cell_id: str | None, execution_count: int) -> None:
        """A cell begins to run."""
        self.activity.on_cell_thread()
        self.provenance.new_cell()
        self.trainings.clear()
        self.metrics.measured.clear()
        cell = ExecutedCell(
            cell_id=cell_id,
            source=source,
            execution_count=execution_count,
            order=len(self.history.executed) + 1,
            started=now(),
        )
        self.history.begin(cell)
        self.outputs = cell.outputs
        self._files.into, self._files.written = cell.files_read, cell.files_written

    def cell_ended(self, outcome: str, error: str | None = None) -> None:
        """The cell has run; its trainings become runs, and are shown."""
        if (cell := self.running) is None:
            return
        for hook in self.before_cell_ends:
            with self.safely("a training"):
                hook(cell)
        self.provenance.end_cell()
        self.metrics.give_up()
        self.trainings.take_forced()
        self.history.end(cell)
        cell.files_modified = self._files.modified(cell.files_read)
        cell.outcome, cell.error = ("ok", None) if outcome == "ok" else ("error", error)
        self._files.into = None
        pass_step("cell-end")
        try:
            self._finish_cell(cell)
        except KeyboardInterrupt:
            self._finish_cell(cell)  # the cell is over; what it left does not stay half written
        pass_step("cell-ended")

    def _finish_cell(self, cell: ExecutedCell) -> None:
        if self._session is None:
            self._open_session()
        self._end.finish(cell)

    # -- what instruments ask -------------------------------------------------------------------
    def frames(self) -> list[FrameType]:
        """The user's frames that led to the call of an instrument."""
        return user_frames(self.namespace)

    def origins(self, values: Sequence[tuple[Any, int, str]]) -> list[Origin]:
        """Which runs made the values that a metric was handed; see :func:`origins_of`."""
        return origins_of(self.provenance, values, self.frames(), self.namespace)

    def origin(self, values: list[Any]) -> Origin | None:
        """Which run made one of the values that a metric was handed, the first that is known."""
        for position, value in enumerate(values):
            found = self.origins([(value, position, "")])
            if len({origin.run_id for origin in found}) == 1:
                return found[0]
        return None

    def file_read(self, path: Any) -> None:
        """A reader that Python's audit does not see has read `path`, or several."""
        self._files.read(path)

    def file_written(self, path: Any) -> None:
        """A writer that Python's audit does not see has written `path`."""
        self._files.write(path)
