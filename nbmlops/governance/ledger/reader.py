"""The history, kept up to date: each fact is read and checked once, however often one asks."""

from __future__ import annotations

import threading

from nbmlops.errors import IntegrityError
from nbmlops.governance.ledger.chain import GENESIS, Link, broken, open_link
from nbmlops.governance.ledger.history import History
from nbmlops.governance.ledger.ledger import Ledger

__all__ = ["HistoryReader"]


class HistoryReader:
    """A ledger's history for readers of many threads.

    Each call of :meth:`read` reads the last known fact again, and those behind it, and follows the
    chain over them; the whole is read only the first time. What was handed out never changes.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._history = History()
        self._lock = threading.Lock()

    def read(self) -> History:
        """What all facts so far add up to.

        :raises IntegrityError: if the ledger was cut, rewritten or damaged.
        """
        with self._lock:
            self._history = self._continued(self._history)
            return self._history

    def _continued(self, known: History) -> History:
        """`known` itself where nothing came, else a copy with what came."""
        links = iter(self._ledger.links(after=max(known.sequence - 1, 0)))
        if known.sequence:
            _require_same(next(links, None), known)
        grown: History | None = None
        head = known.head or GENESIS
        for expected, link in enumerate(links, start=known.sequence + 1):
            reason = broken(link, expected, head)
            if reason:
                raise IntegrityError(f"The ledger cannot be trusted: {reason}")
            grown = grown or known.copy()
            grown.add(open_link(link))
            head = link.digest
        return grown or known


def _require_same(link: Link | None, known: History) -> None:
    if link is None or link.sequence != known.sequence or link.digest != known.head:
        raise IntegrityError(
            f"The ledger was cut or rewritten: fact {known.sequence}, which was there a moment "
            "ago, is not. Compare it with a copy kept elsewhere: nbmlops audit verify --checkpoint."
        )
