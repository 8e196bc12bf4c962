"""One kernel's tracking: cells come in, trainings are found in them, runs go to the journal."""

from __future__ import annotations

import atexit
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from types import FrameType
from typing import Any

import msgspec

from nbmlops.errors import NbmlopsError, StoreError
from nbmlops.records import CellRecord, DataInput, Gap, Metric, Scalar, TrackedRun, new_id, now
from nbmlops.settings import Settings
from nbmlops.tracking.assembly import assemble
from nbmlops.tracking.cells import CellHistory, ExecutedCell
from nbmlops.tracking.courier import Courier
from nbmlops.tracking.earlier_cells import makers_in_cells
from nbmlops.tracking.environment import EnvironmentReader
from nbmlops.tracking.files import FileWatch
from nbmlops.tracking.frames import user_frames
from nbmlops.tracking.inputs import Argument, base_name, head, input_of, nbytes_of
from nbmlops.tracking.instruments import install_instruments
from nbmlops.tracking.journal import Journal, with_table
from nbmlops.tracking.memory import MemoryWatch
from nbmlops.tracking.notebook_path import notebook_path
from nbmlops.tracking.origins import names_behind, origins_of
from nbmlops.tracking.outputs import Shown
from nbmlops.tracking.papers import write_papers
from nbmlops.tracking.parameters import attributes_of
from nbmlops.tracking.provenance import Origin, Provenance
from nbmlops.tracking.redaction import (
    hide_in_text,
    hide_value,
    secret_values,
    without_credentials,
)
from nbmlops.tracking.run_keeper import RunKeeper
from nbmlops.tracking.run_writer import RunWriter
from nbmlops.tracking.sessions import Session
from nbmlops.tracking.steps import pass_step
from nbmlops.tracking.trainings import Activity, Training

__all__ = ["MOST_RUNS", "Tracker"]

MOST_RUNS = 50  # runs of one cell; what it trains beyond becomes rows of a table
_LARGE = 32 << 20  # bytes from which data is fingerprinted beside its training rather than before
_JOURNAL_WAIT = 1.0  # seconds that a cell waits for another process to let go of the journal
_EXIT_WAIT = 25.0  # seconds that a kernel's exit waits for delivery; the deliverer goes on after

Show = Callable[[TrackedRun, TrackedRun | None, bool, str | None], None]
"""Shows a run, beside the previous run of its cell; the flag says that it was shown before.

The last argument is why the run waits for delivery, see :meth:`RunWriter.waits`.
"""


class Tracker:
    """Tracks one kernel whose global names are `namespace`, under `settings`."""

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
        self.history = CellHistory()
        self.activity = Activity()
        self.provenance = Provenance()
        self.provenance.earlier = makers_in_cells(self.history)
        self.on = False
        self._show, self._say, self._environ = show, say, environ
        self._pid = os.getpid()
        self._started = False
        self._session: Session | None = None
        self._environment = EnvironmentReader(settings.root)
        self._writer = RunWriter(settings, self.journal, self._outage)
        self.courier = Courier(settings, self.journal)
        self._memory = MemoryWatch()
        self._keeper = RunKeeper(
            settings.spool,
            self.history,
            self._writer,
            self._environment.git,
            changed=self._show_again,
            fault=self.fault,
        )
        self.outputs: list[Shown] = []
        """Where what the running cell shows is put."""
        self._files = FileWatch(settings)
        self._cell: ExecutedCell | None = None
        self._trained: dict[str, Training] = {}
        self._surplus: list[Training] = []
        self._measured: dict[str, TrackedRun] = {}
        self._made_here: dict[str, TrackedRun] = {}
        self.inside: Training | None = None
        """The training that begins or goes on now, of those that end by themselves."""
        self.before_cell_ends: list[Callable[[ExecutedCell], None]] = []
        """Called while the cell is still open; trainings that they add become its runs."""
        self._unlinked: list[tuple[str, float, dict[str, str | None]]] = []
        self._faults: dict[str, str] = {}
        self._said: set[str] = set()
        self._naming: dict[str, threading.Thread] = {}
        self._forced: tuple[str | None, dict[str, str]] | None = None

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
        if self._cell is not None:
            self.cell_ended("error", "The kernel ended.")
        self.settle()
        if self._session is not None:
            self._session.close()
        try:
            self.courier.finish(_EXIT_WAIT)
        except (NbmlopsError, OSError) as error:
            self._say(f"nbmlops: not everything is delivered yet; `nbmlops sync` does it. {error}")

    @property
    def notebook(self) -> str | None:
        """The notebook's path as records spell it; None where the front end does not tell it."""
        path = notebook_path(self.namespace, self._environ)
        return self.settings.relative(path) if path else None

    def settle(self) -> None:
        """Wait until all that belongs to the cells so far is written, as far as it can be."""
        self._writer.finish_models()
        self._keeper.settle()
        self._writer.retry()

    def _open_session(self) -> None:
        """Take a session's lock, by which others know that this kernel lives."""
        if self._session is None:
            try:
                self._session = Session(self.settings.home)
            except OSError as error:
                self._outage(
                    StoreError(
                        f"{self.settings.home} cannot be written ({error.strerror}). Make it"
                        " writable, or set NBMLOPS_ROOT to a folder that is."
                    )
                )
                return
            self._writer.session = self._session.id

    def _wake(self) -> None:
        try:
            self.courier.wake()
        except StoreError as error:
            self._outage(error)

    def _outage(self, error: NbmlopsError) -> None:
        """Something keeps records back: say so, once for each reason."""
        if str(error) not in self._said:
            self._said.add(str(error))
            self._say(f"nbmlops: {error} Your cells are not affected; runs are kept until then.")

    @property
    def watching(self) -> bool:
        """Whether a call that an instrument sees now is to be considered."""
        return self.on and self._cell is not None and os.getpid() == self._pid

    @property
    def running(self) -> ExecutedCell | None:
        """The cell that runs now."""
        return self._cell

    # -- cells --------------------------------------------------------------------------------
    def cell_began(self, source: str, cell_id: str | None, execution_count: int) -> None:
        """A cell begins to run."""
        self.activity.on_cell_thread()
        self.provenance.new_cell()
        self._trained.clear()
        self._surplus.clear()
        self._measured.clear()
        self._cell = ExecutedCell(
            cell_id=cell_id,
            source=source,
            execution_count=execution_count,
            order=len(self.history.executed) + 1,
            started=now(),
        )
        self.history.add(self._cell)
        self.outputs = self._cell.outputs
        self._files.into, self._files.written = self._cell.files_read, self._cell.files_written
        self._began = time.perf_counter()

    def cell_ended(self, outcome: str, error: str | None = None) -> None:
        """The cell has run; its trainings become runs, and are shown."""
        if (running := self._cell) is None:
            return
        for hook in self.before_cell_ends:
            try:
                hook(running)
            except Exception as fault:  # noqa: BLE001 - the user's cell is over and must end well; `fault` tells
                self.fault("a training", fault)
        self._give_up_metrics()
        self._take_forced()
        cell, self._cell = running, None
        cell.duration = time.perf_counter() - self._began
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
        self._writer.retry()
        if self._trained or self._measured:
            record = self.history.record(cell)
            self._finish_trainings(record)
            self._finish_measured(record)
        self._keeper.cell_ended(cell.order)
        self._trained.clear()
        self._surplus.clear()

    # -- trainings ------------------------------------------------------------------------------
    def begin_training(self, training: Training, arguments: list[Argument]) -> None:
        """A training begins: its data is named before it can change."""
        self.activity.enter()
        self.inside = training
        self._try_data(training, arguments)
        training.began = time.perf_counter()

    def open_training(self, training: Training, arguments: list[Argument]) -> None:
        """A training begins that goes on until :meth:`close_training`, at the end of its cell."""
        training.incremental = True
        self._try_data(training, arguments)
        training.began = time.perf_counter()
        self.add_training(training)

    def add_inputs(
        self, training: Training, arguments: list[Argument], named: list[DataInput]
    ) -> None:
        """Data that an opened training turned out to use as well."""
        self._name_data(training, arguments)
        training.inputs += named

    def close_training(self, training: Training) -> None:
        """An opened training is complete; its model is saved when the cell has ended."""
        training.peak_memory = self._memory.end(training.id)
        self._await_data(training)

    def _try_data(self, training: Training, arguments: list[Argument]) -> None:
        try:
            self._take_data(training, arguments)
        except Exception as error:  # noqa: BLE001 - a user's own object may raise anything; the training is kept without
            self.fault("data", error)
        self._memory.begin(training.id)

    def _take_data(self, training: Training, arguments: list[Argument]) -> None:
        self._writer.finish_model(training.model)
        self._environment.warm()
        training.destination = self._active_mlflow_run()
        training.data_name = base_name(arguments[0]) if arguments else None
        if arguments:
            training.sample = head(arguments[0].value)
        if sum(nbytes_of(argument.value) for argument in arguments) > _LARGE:
            thread = threading.Thread(
                target=self._name_data, args=(training, arguments), daemon=True
            )
            self._naming[training.id] = thread
            thread.start()
        else:
            self._name_data(training, arguments)

    def _await_data(self, training: Training) -> None:
        if naming := self._naming.pop(training.id, None):
            naming.join()

    def end_training(self, training: Training) -> None:
        """A training ended well: it is journaled at once, its model saved in the background."""
        training.duration = time.perf_counter() - training.began
        training.peak_memory = max(self._memory.end(training.id), training.peak_memory or 0)
        self.activity.leave()
        self.inside = None
        self._await_data(training)
        self.add_training(training)

    def drop_training(self, training: Training) -> None:
        """A training raised: there is no model to keep."""
        self._memory.end(training.id)
        self.activity.leave()
        self.inside = None
        self._naming.pop(training.id, None)

    def add_training(self, training: Training) -> None:
        """Take in a training that has ended."""
        if self._cell is None:
            return
        if training.id not in self._trained and len(self._trained) >= MOST_RUNS:
            self._surplus.append(training)
            training.model = training.sample = None
            return
        self._trained[training.id] = training
        for model in _parts_of(training.model):
            self.provenance.remember_model(model, training.id)
        self._writer.write(
            self._assemble(training, self.history.record(self._cell)),
            open_=True,
            model="saving" if training.keep_model else None,
            destination=training.destination,
        )
        if training.keep_model and not training.incremental:
            self._writer.save_model(training)

    def training_of(self, model: Any) -> Training | None:
        """The training of `model` in the cell that runs now, if there was one."""
        return self._trained.get(self.provenance.run_of(model) or "")

    def force(self, name: str | None, tags: dict[str, str]) -> None:
        """The running cell becomes a run in any case, under that name and with those tags."""
        self._forced = (name, tags)

    def _take_forced(self) -> None:
        if self._forced is None:
            return
        (name, tags), self._forced = self._forced, None
        if not self._trained:
            made = Training(
                kind="forced", model=None, model_class="", name=name or "cell", keep_model=False
            )
            made.started = self._cell.started if self._cell else made.started
            made.duration = time.perf_counter() - self._began
            self.add_training(made)
        named, secret = hide_in_text(name or "")
        told = {tag: hide_value(tag, value) for tag, value in tags.items()}
        secret += tuple(f"tag {tag}" for tag, (_, was_secret) in told.items() if was_secret)
        for training in self._trained.values():
            training.name = named or training.name
            training.tags.update({tag: value for tag, (value, _) in told.items()})
            training.redacted += secret

    # -- metrics --------------------------------------------------------------------------------
    def add_metric(
        self,
        run_id: str,
        name: str,
        value: float,
        data: str | None = None,
        *,
        candidate: bool = False,
        step: int = 0,
    ) -> None:
        """A metric of the model of run `run_id` was computed now."""
        number = float(value)
        training = self._trained.get(run_id)
        metric = Metric(
            name=name,
            value=number if math.isfinite(number) else None,
            at=now(),
            data=data,
            cell_id=self._cell.cell_id if self._cell else None,
            candidate=candidate,
            step=step or (training.step if training else 0),
        )
        cell = self.history.record(self._cell) if self._cell and training is None else None
        if training is not None:
            training.measure(metric)
            if training.incremental:
                return  # it is journaled once, when it ends: a loop may measure at each epoch
        run = self._writer.add_metric(run_id, metric, cell)
        if run is not None and training is None:
            self._measured[run_id] = run

    def unlinked(self, name: str, value: float) -> None:
        """A metric was computed on something whose model is not known, or not yet."""
        frames = self.frames()
        names = names_behind(frames[0]) if frames else {}
        self._unlinked.append((name, value, names))

    def ambiguous(self, name: str) -> None:
        """A metric was computed on what several models made: it is no one model's."""
        self._faults.setdefault("metrics", f"{name} was computed on values of several models.")

    def add_table(self, run_id: str, name: str, rows: tuple[dict[str, Scalar], ...]) -> None:
        """A table about the model of run `run_id`, such as a report by class, was computed now."""
        if (training := self._trained.get(run_id)) is not None:
            training.tables[name] = rows
            return
        cell = self.history.record(self._cell) if self._cell else None
        run = self._writer.change(run_id, lambda known: with_table(known, name, rows, cell))
        if run is not None:
            self._measured[run_id] = run

    def link_metrics(self, run_id: str, fitted: Collection[str]) -> None:
        """Give run `run_id` the metrics of this cell that were made from the `fitted` names."""
        for entry in list(self._unlinked):
            name, value, names = entry
            if (mine := next((n for n in names if n in fitted), None)) is not None:
                self._unlinked.remove(entry)
                data = names[mine]
                self.add_metric(run_id, f"{name}_{data}" if data else name, value, data)

    def _give_up_metrics(self) -> None:
        """Say which metrics have found no model, now that the cell is over."""
        if self._unlinked and (self._made_here or self._trained):
            self._faults.setdefault(
                "metrics",
                f"{self._unlinked[0][0]} was computed on values whose model could not be told.",
            )
        self._unlinked.clear()

    @property
    def knows_runs(self) -> bool:
        """Whether anything has been trained in this session."""
        return bool(self._trained or self._made_here)

    def only_training(self) -> str | None:
        """The run of the one training of the cell that runs now; None unless it is one."""
        return next(iter(self._trained)) if len(self._trained) == 1 else None

    def metrics_of(self, run_id: str) -> Sequence[Metric]:
        """The metrics that a run has by now."""
        if (training := self._trained.get(run_id)) is not None:
            return training.metrics
        try:
            return self.journal.run(run_id).metrics
        except NbmlopsError:
            return ()

    def latest_run(self) -> str | None:
        """The run that was tracked last in this session."""
        if self._trained:
            return next(reversed(self._trained))
        return next(reversed(self._made_here), None)

    def frames(self) -> list[FrameType]:
        """The user's frames that led to the call of an instrument."""
        return user_frames(self.namespace)

    def origins(self, values: Sequence[tuple[Any, int, str]]) -> set[Origin]:
        """Which runs made the values that a metric was handed; see :func:`origins_of`."""
        return origins_of(self.provenance, values, self.frames(), self.namespace)

    def origin(self, values: list[Any]) -> Origin | None:
        """Which run made one of the values that a metric was handed, the first that is known."""
        for position, value in enumerate(values):
            found = self.origins([(value, position, "")])
            if len({origin.run_id for origin in found}) == 1:
                return next(iter(found))
        return None

    def file_read(self, path: Any) -> None:
        """A reader that Python's audit does not see has read `path`."""
        self._files.read(path)

    # -- faults ---------------------------------------------------------------------------------
    def fault(self, where: str, error: BaseException) -> None:
        """Something of ours failed: say so once, and put it on the next record."""
        text = f"{type(error).__name__}: {error}"[:300]
        if where not in self._faults:
            self._say(
                f"nbmlops: {where} could not be captured ({text}). Your cell is not affected."
            )
        self._faults[where] = text

    # -- inside -------------------------------------------------------------------------------
    def _name_data(self, training: Training, arguments: list[Argument]) -> None:
        for argument in arguments:
            if argument.value is not None:
                training.inputs.append(input_of(argument))

    def _assemble(self, training: Training, cell: CellRecord) -> TrackedRun:
        self._keeper.notebook = notebook_path(self.namespace, self._environ)
        gaps = [Gap(what=where, why=why) for where, why in self._faults.items()]
        gaps += self._keeper.notebook_gaps(cell, ours=bool(self._environ.get("NBMLOPS_NOTEBOOK")))
        return assemble(
            training,
            cell=cell,
            history=self.history,
            author=self.settings.user,
            notebook=self.notebook,
            environment=self._environment,
            files=self._files,
            execution_id=self._environ.get("NBMLOPS_EXECUTION") or None,
            gaps=gaps,
        )

    def _finish_trainings(self, cell: CellRecord) -> None:
        if not self._trained:
            return
        parent = new_id("cell") if len(self._trained) > 1 else None
        secrets = secret_values(self.namespace, self._environ)
        papers = self.history.papers(cell, secrets)
        try:
            write_papers(self.settings.spool, list(self._trained), papers.files)
        except OSError as error:
            self.fault("outputs", error)
        saved = self._keeper.saved()
        for number, training in enumerate(self._trained.values()):
            if training.incremental and training.keep_model:
                self._writer.save_model(training)
            run = self._assemble(training, cell)
            run = msgspec.structs.replace(
                run,
                parent_id=parent,
                outputs=papers.outputs,
                redacted=tuple(dict.fromkeys((*run.redacted, *papers.hidden))),
                notebook_digest=saved.digest if saved and saved.holds(cell) else None,
            )
            if self._surplus and number == 0:
                run = msgspec.structs.replace(
                    run, tables={**run.tables, "trainings": _rows(self._surplus)}
                )
            previous = self._writer.previous(run)
            self._writer.write(run, open_=False)
            self._made_here[run.id] = run
            self._keeper.follow(run)
            training.model = training.sample = None
            if len(self._trained) <= 4 or number >= len(self._trained) - 1:
                self._try_show(run, previous, again=False)
        self._faults.clear()
        self._wake()

    def _finish_measured(self, cell: CellRecord) -> None:
        for run_id in self._measured:

            def edit(run: TrackedRun) -> TrackedRun:
                cells = tuple(cell if c.order == cell.order else c for c in run.metric_cells)
                return msgspec.structs.replace(run, metric_cells=cells)

            run = self._writer.change(run_id, edit)
            if run is not None:
                self._try_show(run, self._writer.previous(run), again=True)
        if self._measured:
            self._wake()

    def _try_show(self, run: TrackedRun, previous: TrackedRun | None, *, again: bool) -> None:
        try:
            self._show(run, previous, again, self._writer.waits(run.id))
        except Exception as error:  # noqa: BLE001 - a front end may raise anything; the record is safe already
            self.fault("card", error)

    def _active_mlflow_run(self) -> tuple[str, str] | None:
        mlflow = sys.modules.get("mlflow")
        if mlflow is None or not hasattr(mlflow, "active_run"):
            return None
        run = mlflow.active_run()
        # It goes to disk: the deliverer takes credentials from the environment, as MLflow does.
        return (without_credentials(mlflow.get_tracking_uri()), run.info.run_id) if run else None

    def _show_again(self, run: TrackedRun) -> None:
        """A run has changed after its cell had ended: its card does too."""
        self._made_here[run.id] = run
        self._try_show(run, self._writer.previous(run), again=True)
        self._wake()


def _parts_of(model: Any) -> list[Any]:
    """A trained object and what a search or pipeline leaves inside it to predict with."""
    held = attributes_of(model)
    found = [held.get("best_estimator_"), held.get("model")]
    if held.get("steps"):
        try:
            found.append(held["steps"][-1][1])
        except Exception:  # noqa: BLE001 - a user's own object may only look like a pipeline
            found.append(None)
    return [model, *(inner for inner in found if inner is not None and type(inner) is not str)]


def _rows(trainings: list[Training]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "model": t.model_class,
            "duration": t.duration,
            **{p.name: p.value for p in t.parameters if not p.is_default},
            **{m.name: m.value for m in t.metrics},
        }
        for t in trainings
    )
