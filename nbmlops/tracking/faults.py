"""What keeps a record from being whole: said once in the output, and put on the next record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from nbmlops.errors import NbmlopsError
from nbmlops.records import Gap

__all__ = ["Faults"]


class Faults:
    """The faults of one session; `say` tells the user.

    `behind` is asked what is behind a fault of the system's, as a full disk.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        behind: Callable[[OSError], NbmlopsError | None] = lambda _error: None,
    ) -> None:
        self.say, self._behind = say, behind
        self._why: dict[str, str] = {}
        self._said: set[str] = set()

    def add(self, where: str, error: BaseException) -> None:
        """Something of ours failed at `where`: say so once, and put it on the next record."""
        if isinstance(error, OSError) and (cause := self._behind(error)) is not None:
            self.outage(cause)
            self._why[where] = str(cause)
            return
        text = f"{type(error).__name__}: {error}"[:300]
        if where not in self._why:
            self.say(f"nbmlops: {where} could not be captured ({text}). Your cell is not affected.")
        self._why[where] = text

    def safely(self, where: str) -> AbstractContextManager[None, bool]:
        """Around what is ours to do at `where`: the user's code comes first, so no error leaves it.

        It becomes a fault. An interrupt is the user's, and goes on to them.
        """
        return _Safely(self, where)

    def note(self, where: str, why: str) -> None:
        """Put on the next record alone why something is missing; the first reason counts."""
        self._why.setdefault(where, why)

    def outage(self, error: NbmlopsError) -> None:
        """Something keeps records back: say so, once for each reason."""
        if str(error) not in self._said:
            self._said.add(str(error))
            self.say(f"nbmlops: {error} Your cells are not affected; runs are kept until then.")

    def gaps(self) -> list[Gap]:
        """The faults since the last record that carried them."""
        return [Gap(what=where, why=why) for where, why in self._why.items()]

    def clear(self) -> None:
        """They stand on a record now."""
        self._why.clear()


class _Safely(AbstractContextManager[None, bool]):
    """A class, for it stands around calls that take a few microseconds."""

    def __init__(self, faults: Faults, where: str) -> None:
        self._faults, self._where = faults, where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self._faults.add(self._where, error)
        return True
