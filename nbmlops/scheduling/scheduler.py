"""The scheduler: serves what is due, one after another, until it is told to stop."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from nbmlops.errors import NbmlopsError, Refused
from nbmlops.records import Execution, Schedule, now

__all__ = ["Due", "Scheduler"]

Due = tuple[Schedule, datetime]


class Scheduler:
    """Runs each due schedule once; only one scheduler works in a project at a time.

    `find_due` tells what is due at an instant, asked for the next once one was served; `execute`
    runs one of them and records it; `tend` hears each look's instant, for what else is done by the
    clock.
    """

    def __init__(
        self,
        lock_path: Path,
        find_due: Callable[[datetime], Iterable[Due]],
        execute: Callable[[Schedule, datetime], Execution],
        tend: Callable[[datetime], object] = lambda _: None,
    ) -> None:
        self._lock_path = lock_path
        self._find_due = find_due
        self._execute = execute
        self._tend = tend

    def run_due(self, at: datetime | None = None) -> list[Execution]:
        """Serve what is due at `at` (default: the present instant).

        :raises Refused: if another scheduler is at work here.
        """
        at = at or now()
        with self._alone():
            served = list(self._serve(at))
            self._tend(at)
            return served

    def run_forever(
        self,
        stop: threading.Event,
        on_execution: Callable[[Execution], None] = lambda _: None,
        on_problem: Callable[[NbmlopsError], None] = lambda _: None,
        interval: float = 5.0,
    ) -> None:
        """Look every `interval` seconds until `stop` is set.

        `on_problem` hears what could not be served or tended to, which the next look tries again.

        :raises Refused: if another scheduler is at work here.
        """
        with self._alone():
            while not stop.wait(interval):
                at = now()
                try:
                    for execution in self._serve(at):
                        on_execution(execution)
                except NbmlopsError as error:
                    on_problem(error)
                try:  # also while what is due cannot be served
                    self._tend(at)
                except NbmlopsError as error:
                    on_problem(error)

    def _serve(self, at: datetime) -> Iterator[Execution]:
        for schedule, due in self._find_due(at):
            yield self._execute(schedule, due)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock_path.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Refused(
                    f"Another scheduler is at work in {self._lock_path.parent}. One is enough."
                ) from error
            yield
