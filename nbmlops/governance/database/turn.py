"""Taking turns: among threads by a lock that one may take again, among processes by the storage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from nbmlops.errors import LedgerLocked

__all__ = ["take_turn", "turn_not_ended"]


class _Turn:
    """One ledger's turn, as this process knows it; several handles on the ledger share it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.depth = 0


_turns: dict[str, _Turn] = {}  # by ledger, because a lock on its file or session is the process's
_turns_lock = threading.Lock()


@contextmanager
def take_turn(
    ledger: str, timeout: float, across_processes: Callable[[], AbstractContextManager[None]]
) -> Iterator[None]:
    """Hold the turn of `ledger`; only the outermost call of a thread asks other processes.

    :raises LedgerLocked: if another thread keeps it for `timeout` seconds.
    """
    with _turns_lock:
        turn = _turns.setdefault(ledger, _Turn())
    if not turn.lock.acquire(timeout=timeout):
        raise turn_not_ended(ledger)
    turn.depth += 1
    try:
        if turn.depth > 1:
            yield
        else:
            with across_processes():
                yield
    finally:
        turn.depth -= 1
        turn.lock.release()


def turn_not_ended(ledger: str) -> LedgerLocked:
    """What whoever waited in vain is told."""
    return LedgerLocked(
        f"Somebody else decides on the ledger {ledger} and does not come to an end. Try again."
    )
