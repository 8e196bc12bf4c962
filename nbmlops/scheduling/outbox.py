"""How far each subscriber has been told: kept on disk, so that nothing is forgotten or begun anew.

The facts themselves are the queue. The outbox holds only, for each address, the last fact that was
told, and when to try again after a failure.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from nbmlops.errors import StoreError
from nbmlops.whole_files import write_whole

__all__ = ["Outbox", "Standing"]

_RETRY = (30, 120, 600, 3600)  # seconds to wait after the first, second … failure in a row


class Standing(msgspec.Struct, frozen=True):
    """How far one subscriber is: the last fact that was told, and the failures since."""

    told: int
    failures: int = 0
    again: datetime | None = None
    problem: str = ""

    def is_due(self, at: datetime) -> bool:
        """Whether another attempt may be made at `at`."""
        return self.again is None or self.again <= at

    def after_success(self, sequence: int) -> Standing:
        """The standing once fact `sequence` was told."""
        return Standing(sequence)

    def after_failure(self, at: datetime, problem: str) -> Standing:
        """The standing after one more failure, which is tried again later and later."""
        wait = _RETRY[min(self.failures, len(_RETRY) - 1)]
        return Standing(self.told, self.failures + 1, at + timedelta(seconds=wait), problem)


class Outbox:
    """The standings in file `path`, by subscriber; one process at a time works with them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold the outbox; False if another process or thread has it, and does what is to do."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True

    def read(self) -> dict[str, Standing]:
        """The standings as they are on disk.

        :raises StoreError: if the file cannot be read.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Standing])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreError(
                f"{self._path} cannot be read: {error}. Remove it to begin anew with the next fact."
            ) from error

    def save(self, subscriber: str, standing: Standing) -> None:
        """Write a subscriber's standing, whole or not at all."""
        standings = {**self.read(), subscriber: standing}
        write_whole(self._path, msgspec.json.encode(standings), lasting=True)
