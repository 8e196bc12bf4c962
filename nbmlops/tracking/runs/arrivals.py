"""Runs on their way to MLflow: a card that says "pending" must hear when that is no longer so."""

from __future__ import annotations

from nbmlops.records import TrackedRun
from nbmlops.tracking.journal.journal import Waiting
from nbmlops.tracking.runs.writer import RunWriter

__all__ = ["Arrivals"]

_LOOKS = (0.25, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 16.0)
"""Seconds between looks at the journal, which another process writes; then only at a cell's end."""


class Arrivals:
    """The runs of one session that MLflow did not hold when they were last shown."""

    def __init__(self, writer: RunWriter) -> None:
        self._writer = writer
        self._waiting: dict[str, str] = {}
        self._looks = 0

    def expect(self, run_id: str, shown: Waiting | None) -> None:
        """Run `run_id` was `shown` to wait for this reason; see :meth:`RunWriter.waits`."""
        if shown is None:
            self._waiting.pop(run_id, None)
        else:
            self._waiting[run_id] = shown.why
            self._looks = 0

    @property
    def patience(self) -> float | None:
        """Seconds until it is worth while to look; None if there is nothing to look for."""
        return _LOOKS[self._looks] if self._waiting and self._looks < len(_LOOKS) else None

    def look(self) -> list[TrackedRun]:
        """The runs that have arrived since, or that wait for another reason than was shown."""
        self._looks += 1
        news = []
        for run_id, shown in list(self._waiting.items()):
            waits = self._writer.waits(run_id)
            if waits is None:
                del self._waiting[run_id]
            elif waits.why == shown:
                continue
            else:
                self._waiting[run_id] = waits.why
            if (run := self._writer.known(run_id)) is not None:
                news.append(run)
        return news
