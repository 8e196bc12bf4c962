"""Says which runs and reviews changed, whoever changed them: a kernel, a shell, another server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeVar

from tornado.log import app_log

from nbmlops.errors import NbmlopsError
from nbmlops.records import digest
from nbmlops.settings import Settings
from nbmlops.surfaces.contract import RecordsChanged
from nbmlops.surfaces.jupyter_server.watch import StoreWatch
from nbmlops.workspace import Workspace

__all__ = ["Announcer"]

Noun = Literal["run", "review"]
T = TypeVar("T")


class Away(Protocol):
    """Does a piece of work away from the event loop."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]: ...


class Announcer:
    """Watches journal and ledger, and announces the ids of what differs from the last reading."""

    def __init__(
        self,
        settings: Settings,
        workspace: Callable[[], Workspace],
        away: Away,
        announce: Callable[[RecordsChanged], None],
    ) -> None:
        self._workspace = workspace
        self._away = away
        self._announce = announce
        self._watches: dict[Noun, StoreWatch] = {
            "run": StoreWatch(settings.journal_path),
            "review": StoreWatch(settings.ledger_path),
        }
        self._reviews: dict[str, str] = {}  # digests
        self._latest_run = 0  # number of the change of a run that was announced last
        # What was there before we came is where differences start from, and no news.
        self._old = {noun for noun, watch in self._watches.items() if watch.path.exists()}
        self._due: set[Noun] = set(self._old)
        self._reading: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Look at the counters; where one moved, read and announce in the background."""
        self._due.update(noun for noun, watch in self._watches.items() if watch.changed())
        if self._due and (self._reading is None or self._reading.done()):
            self._reading = asyncio.get_running_loop().create_task(self._read())
            self._reading.add_done_callback(_report)

    async def _read(self) -> None:
        due, self._due = self._due, set()
        for noun in sorted(due):
            changed = self._changed_runs if noun == "run" else self._changed_reviews
            try:
                ids = await self._away(changed)
            except NbmlopsError as error:
                app_log.warning("nbmlops could not read what changed: %s", error)
                continue
            if noun in self._old:
                self._old.remove(noun)
            elif ids:
                self._announce(RecordsChanged(noun=noun, ids=ids))

    def _changed_runs(self) -> tuple[str, ...]:
        self._latest_run, ids = self._workspace().changed_runs(self._latest_run)
        return ids

    def _changed_reviews(self) -> tuple[str, ...]:
        known = self._reviews
        # A review's status comes from all facts together, so each is read again.
        read = {r.submission.id: digest(r) for r in self._workspace().reviews()}
        self._reviews = read
        return tuple(id for id in known | read if known.get(id) != read.get(id))


def _report(reading: asyncio.Task[None]) -> None:
    """Tell the server's log what nobody foresaw; the next change is read all the same."""
    if not reading.cancelled() and (error := reading.exception()) is not None:
        app_log.error("nbmlops failed to announce a change", exc_info=error)
