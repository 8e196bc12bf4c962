"""The magics: ``%load_ext nbmlops``, then ``%track``."""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from nbmlops.errors import NbmlopsError
from nbmlops.records import TrackedRun

__all__ = ["TrackMagics", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext nbmlops`` calls: the magics come, and nothing is tracked yet."""
    shell.register_magics(TrackMagics(shell))


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
        help="on (default), off, status, runs, sync",
    )
    @line_magic
    def track(self, line: str) -> Any:
        """Track every training cell of this notebook from here on."""
        try:
            arguments = parse_argstring(self.track, line)
        except UsageError:
            raise UsageError(
                f"%track does not take {line!r}. See %track? for what it does."
            ) from None
        verbs = {
            "on": self.on,
            "off": self.off,
            "status": self.status,
            "runs": self.runs,
            "sync": self.sync,
        }
        if arguments.verb not in verbs:
            raise UsageError(f"%track knows no {arguments.verb!r}; it knows {', '.join(verbs)}.")
        try:
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
            self._observer.take_running("")
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
        from nbmlops.settings import load_settings
        from nbmlops.tracking import Journal

        settings = self.tracker.settings if self.tracker else load_settings()
        journal = Journal(settings.journal_path)
        runs, pending = journal.runs(), journal.pending()
        state = "on" if self.tracker is not None and self.tracker.on else "off"
        print(
            f"Tracking is {state}. {len(runs)} runs in {settings.home}, {len(pending)} to deliver."
        )
        for run_id, problem in journal.problems().items():
            print(f"  {run_id}: {problem}")

    def runs(self) -> Any:
        """The runs of this notebook as a table."""
        from nbmlops.surfaces.notebook import runs

        return runs()

    def sync(self) -> None:
        """Deliver now, and wait for it."""
        from nbmlops.settings import load_settings
        from nbmlops.tracking import Courier, Journal

        if self.tracker is not None:
            self.tracker.settle()
            courier = self.tracker.courier
        else:
            settings = load_settings()
            courier = Courier(settings, Journal(settings.journal_path))
        count = courier.deliver()
        print(f"Delivered {count} record{'' if count == 1 else 's'} to MLflow; none is waiting.")

    def _show(self, run: TrackedRun, previous: TrackedRun | None, again: bool) -> None:
        from nbmlops.surfaces.card import card_bundle

        # The card stands below what the cell has printed.
        sys.stdout.flush()
        sys.stderr.flush()
        self.shell.display_pub.publish(
            data=card_bundle(run, previous),
            metadata={},
            transient={"display_id": f"nbmlops-{run.id}"},
            update=again,
        )
