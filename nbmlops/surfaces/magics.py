"""``%load_ext nbmlops``, and ``%track``."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments

from nbmlops.errors import NbmlopsError
from nbmlops.records import TrackedRun
from nbmlops.surfaces.magic_line import pair, parse
from nbmlops.surfaces.review_magics import ReviewMagics
from nbmlops.surfaces.wording import LATEST, latest_of, told_waiting

if TYPE_CHECKING:
    from nbmlops.tracking import Waiting

__all__ = ["TrackMagics", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext nbmlops`` calls: the magics come, and nothing is tracked yet.

    Loaded again, the session goes on with the tracker that it has: libraries tell of their
    trainings to one only.
    """
    known = shell.magics_manager.registry.get("TrackMagics")
    shell.register_magics(known if isinstance(known, TrackMagics) else TrackMagics(shell))
    shell.register_magics(ReviewMagics(shell))


def unload_ipython_extension(shell: Any) -> None:
    """What ``%unload_ext nbmlops`` calls: tracking ends."""
    magics = shell.magics_manager.registry.get("TrackMagics")
    if magics is not None:
        magics.off()


@magics_class
class TrackMagics(Magics):
    """``%track`` and what belongs to it."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.tracker: Any = None
        self._observer: Any = None

    @magic_arguments()
    @argument(
        "verb",
        nargs="?",
        default="on",
        help="on (default), off, status, runs, sync, diff A B, slice RUN, explain [RUN],"
        " dismiss [RUN]",
    )
    @argument("runs", nargs="*", default=[], help="the ids of the runs that the verb is about")
    @argument("--undo", nargs="?", const="", metavar="RUN", help="dismiss: take the dismissal back")
    @argument("--name", default=None, help="%%%%track: the run's name")
    @argument(
        "--tag",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="%%%%track: a tag of the run",
    )
    @line_cell_magic
    def track(self, line: str, cell: str | None = None) -> Any:
        """Track every training cell of this notebook from here on.

        ``%%track --name N --tag k=v`` puts this very cell into a run, whatever it does.
        """
        arguments = parse(self.track, line)
        verbs: dict[str, Any] = {
            "on": self.on,
            "off": self.off,
            "status": self.status,
            "runs": self.runs,
            "sync": self.sync,
            "diff": self.diff,
            "slice": self.slice,
            "explain": self.explain,
            "dismiss": lambda: self.dismiss(
                arguments.undo or next(iter(arguments.runs), None),
                undo=arguments.undo is not None,
            ),
        }
        if arguments.verb not in verbs:
            raise UsageError(f"%track knows no {arguments.verb!r}; it knows {', '.join(verbs)}.")
        try:
            if cell is not None:
                return self._force(arguments, cell)
            if arguments.name is not None or arguments.tag:
                raise UsageError("--name and --tag speak of one cell: begin it with %%track.")
            if arguments.verb in ("diff", "slice"):
                return verbs[arguments.verb](*_wanted(arguments))
            if arguments.verb == "explain":
                return self.explain(*_at_most_one(arguments))
            if arguments.runs and arguments.verb != "dismiss":
                raise UsageError(f"%track {arguments.verb} takes nothing behind it.")
            return verbs[arguments.verb]()
        except NbmlopsError as error:
            raise UsageError(str(error)) from None

    def on(self) -> None:
        """Start tracking."""
        if self.tracker is None:
            from nbmlops.settings import load_settings
            from nbmlops.tracking import Observer, Tracker

            self.tracker = Tracker(load_settings(), self.shell.user_ns, show=self._show)
            self._observer = Observer(self.shell, self.tracker)
        fresh = not self.tracker.on
        self.tracker.start()
        self._observer.start()
        if fresh:
            self._observer.take_running()
        print(f"Tracking into {self.tracker.settings.experiment}. %track off ends it.")

    def off(self) -> None:
        """Stop tracking."""
        if self.tracker is None or not self.tracker.on:
            print("Tracking is off.")
            return
        self.tracker.stop()
        self._observer.stop()
        print("Tracking is off. What was recorded is kept.")

    def status(self) -> None:
        """Say whether tracking is on, and what is still to be delivered."""
        settings, journal = self._settings(), self._journal()
        runs, waiting = journal.runs(), journal.waiting()
        pending = sum(map(len, waiting.values()))
        state = "on" if self.tracker is not None and self.tracker.on else "off"
        count = f"{len(runs)} run{'s' * (len(runs) != 1)}"
        print(f"Tracking is {state}. {count} in {settings.home}, {pending} to deliver.")
        for line in told_waiting(waiting):
            print(f"  {line}")
        if unwritten := self._unwritten():
            print(f"  {unwritten}")

    def runs(self) -> Any:
        """The project's latest runs as a table."""
        from nbmlops.surfaces.notebook import runs

        found = runs()
        if found.empty:
            print("Nothing has been tracked yet.")
            return None
        if len(found) > LATEST:
            print(f"{latest_of(LATEST, len(found))}. nbmlops.runs() gives all.")
        return found.head(LATEST)

    def sync(self) -> None:
        """Deliver now, and wait for it."""
        from nbmlops.tracking import Courier

        if self.tracker is not None:
            self.tracker.settle()
            courier = self.tracker.courier
        else:
            courier = Courier(self._settings(), self._journal())
        count = courier.deliver()
        if unwritten := self._unwritten():
            raise UsageError(f"Delivered {count} record{'' if count == 1 else 's'}. {unwritten}")
        print(f"Delivered {count} record{'' if count == 1 else 's'} to MLflow; none is waiting.")

    def diff(self, first: str, second: str) -> Any:
        """What differs between two runs, as ``nbmlops.compare_runs`` shows it."""
        from nbmlops.surfaces.run_comparison import RunComparison
        from nbmlops.tracking import compare_runs

        journal = self._journal()
        return RunComparison(compare_runs(journal.run(first), journal.run(second)))

    def slice(self, run_id: str) -> None:
        """Print the cells that rebuild a run's model, in order."""
        run = self._journal().run(run_id)
        print("\n\n".join(f"# In[{c.execution_count}]\n{c.source}" for c in run.cells))

    def explain(self, run_id: str | None = None) -> None:
        """Say what was captured of a run (by default the latest), and what was not and why."""
        from nbmlops.surfaces.explanation import explanation

        if self.tracker is not None:
            self.tracker.settle()
        journal = self._journal()
        runs = [journal.run(run_id)] if run_id else journal.runs(limit=1)
        print("\n".join(explanation(runs[0])) if runs else "Nothing has been tracked yet.")

    def dismiss(self, run_id: str | None = None, *, undo: bool = False) -> None:
        """Say that an inferred run is no training (by default the latest), or take that back."""
        from nbmlops.tracking import dismiss, latest_inferred, restore

        journal = self._journal()
        key = run_id or latest_inferred(journal, dismissed=undo).id
        if undo:
            run = restore(journal, key)
            print(f"{run.id}: {run.name} counts again, and cells like its own are inferred.")
        else:
            run = dismiss(journal, key, self._settings().user)
            print(
                f"{run.id}: {run.name} is dismissed, and cells like its own are not inferred again"
                f" in this notebook. %track dismiss --undo {run.id} takes it back."
            )
        if self.tracker is not None:
            self.tracker.look_again(run)

    def _force(self, arguments: Any, cell: str) -> None:
        """Run the cell, and put it into a run even if no instrument knows what it does."""
        tags = dict(pair(text, "--tag", "KEY=VALUE") for text in arguments.tag)
        if self.tracker is None or not self.tracker.on:
            raise UsageError("%%track needs tracking to be on: run %track first.")
        self.tracker.trainings.force(arguments.name, tags)
        self.shell.run_cell(cell, store_history=False).raise_error()

    def _unwritten(self) -> str:
        """What this kernel alone knows, for the disk does not take it, and why; mostly nothing."""
        kept = self.tracker.unwritten if self.tracker is not None else None
        if kept is None:
            return ""
        count = "1 record is" if kept.records == 1 else f"{kept.records} records are"
        return f"{count} kept in this kernel's memory alone until it can be written. {kept.why}"

    def _journal(self) -> Any:
        from nbmlops.tracking import Journal

        return Journal(self._settings().journal_path)

    def _settings(self) -> Any:
        from nbmlops.settings import load_settings

        return self.tracker.settings if self.tracker else load_settings()

    @property
    def _edits(self) -> bool:
        """Whether the front end can change what it has shown; a terminal would print it anew."""
        return hasattr(self.shell, "kernel")

    def _show(
        self, run: TrackedRun, previous: TrackedRun | None, again: bool, waits: Waiting | None
    ) -> None:
        from nbmlops.surfaces.card import card_bundle

        if again and threading.current_thread() is not threading.main_thread() and not self._edits:
            return
        # The card stands below what the cell has printed.
        sys.stdout.flush()
        sys.stderr.flush()
        self.shell.display_pub.publish(
            data=card_bundle(run, previous, waits),
            metadata={},
            transient={"display_id": f"nbmlops-{run.id}"},
            update=again,
        )


def _wanted(arguments: Any) -> list[str]:
    count = 2 if arguments.verb == "diff" else 1
    if len(arguments.runs) != count:
        ids = "two run ids" if count == 2 else "a run id"
        raise UsageError(f"%track {arguments.verb} takes {ids}; %track runs lists them.")
    return list(arguments.runs)


def _at_most_one(arguments: Any) -> list[str]:
    if len(arguments.runs) > 1:
        raise UsageError("%track explain takes one run id, or none for the latest run.")
    return list(arguments.runs)
