"""The process that delivers a project's journal, so that MLflow is never imported in a kernel.

``python -m nbmlops.tracking.deliverer`` delivers what is pending. With ``--stay`` it then waits for
more, and ends when nothing has come for a while. It outlives its kernel.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from nbmlops.errors import NbmlopsError, StoreError
from nbmlops.settings import load_settings
from nbmlops.tracking.delivery import deliver_pending
from nbmlops.tracking.journal import Journal
from nbmlops.tracking.mlflow_store import MlflowStore

__all__ = ["main"]

_LOOK_EVERY = 0.1  # seconds between looks at the journal's version; a look costs microseconds
_STAY = 20.0  # seconds without news after which the process ends
_RETRY = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between attempts while MLflow does not answer
FAULT = "NBMLOPS_FAULT"  # a step's name at which the process dies, for the fault tests


def main(arguments: list[str] | None = None) -> int:
    """Deliver; the exit code is that of the error that stopped it, or 0."""
    parser = argparse.ArgumentParser(prog="nbmlops.tracking.deliverer", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="wait for more before ending")
    stay = parser.parse_args(arguments).stay
    settings = load_settings()
    journal, store = Journal(settings.journal_path), MlflowStore(settings)
    if not stay:
        return _once(journal, store)
    _stay(journal, store)
    return 0


def _once(journal: Journal, store: MlflowStore) -> int:
    for patience in (*_RETRY[:2], None):
        try:
            deliver_pending(journal, store, step=_step)
        except NbmlopsError as error:
            if patience is None:
                print(error, file=sys.stderr)
                return error.exit_code
        if not journal.pending():
            break
        if patience is not None:
            # SQLite may have been busy, or another process was just making MLflow's tables.
            time.sleep(patience)
    return 0


def _stay(journal: Journal, store: MlflowStore) -> None:
    _open(store)
    last_news, failures, seen = time.monotonic(), 0, -1
    while time.monotonic() - last_news < _STAY:
        version = journal.version()
        if version == seen:
            time.sleep(_LOOK_EVERY)
            continue
        seen, last_news = version, time.monotonic()
        try:
            deliver_pending(journal, store, step=_step)
            failures = 0
        except StoreError:  # noted in the journal, where every door shows it
            if failures == len(_RETRY):
                return
            time.sleep(_RETRY[failures])
            failures, seen, last_news = failures + 1, -1, time.monotonic()


def _open(store: MlflowStore) -> None:
    """Import MLflow and let it make its database before the first record comes."""
    try:
        store.open()
    except StoreError:
        return  # tried again with the first record, and noted with it


def _step(name: str) -> None:
    if os.environ.get(FAULT) == name:
        os._exit(70)


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main())
