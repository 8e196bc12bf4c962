"""IPython's cell events, told to a tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.compiled import keep_texts
from nbmlops.tracking.session.outputs import OutputCapture

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["Observer"]


class Observer:
    """Listens to one IPython `shell` on behalf of `tracker`."""

    def __init__(self, shell: Any, tracker: Tracker) -> None:
        self._shell, self._tracker = shell, tracker
        self._outputs = OutputCapture(shell)
        self._listening = False
        self._depth = 0  # a cell that runs inside a cell, as ``%%track`` does, is part of it

    def start(self) -> None:
        """Listen, once; a cell that is running already is taken in."""
        if self._listening:
            return
        self._shell.events.register("pre_run_cell", self._began)
        self._shell.events.register("post_run_cell", self._ended)
        self._listening = True

    def stop(self) -> None:
        """Listen no more."""
        if self._listening:
            self._shell.events.unregister("pre_run_cell", self._began)
            self._shell.events.unregister("post_run_cell", self._ended)
            self._listening, self._depth = False, 0
            self._outputs.end()

    def take_running(self) -> None:
        """Take in the cell that switched tracking on, and those that ran while it was off."""
        self._depth = 1
        running = self._count()
        kept = self._shell.history_manager
        sources = dict(enumerate(kept.input_hist_raw))
        raised = getattr(kept, "exceptions", {})  # IPython keeps them since version 9
        executed = self._tracker.history.executed
        last = executed[-1].execution_count if executed else 0
        for count in range(last + 1, running):
            if sources.get(count):
                self._tracker.cell_missed(sources[count], count, ok=count not in raised)
        self._tracker.cell_began(sources.get(running, ""), None, running)

    def _count(self) -> int:
        """The running cell's number; IPython 9.16 counts on before a cell, others after it."""
        return int(self._shell.displayhook.prompt_count)

    def _began(self, info: Any) -> None:
        if info.silent or not self._tracker.on:
            return
        self._depth += 1
        if self._depth > 1:
            return
        with self._tracker.safely("a cell"):
            source = info.raw_cell if isinstance(info.raw_cell, str) else ""
            keep_texts()
            self._tracker.cell_began(source, getattr(info, "cell_id", None), self._count())
            self._outputs.begin(self._tracker.outputs)

    def _ended(self, result: Any) -> None:
        self._depth = max(0, self._depth - 1)
        if self._depth:
            return
        self._outputs.end()
        with self._tracker.safely("a cell"):
            error = result.error_before_exec or result.error_in_exec
            if error is None:
                self._tracker.cell_ended("ok")
            else:
                self._tracker.cell_ended("error", f"{type(error).__name__}: {error}"[:1000])
