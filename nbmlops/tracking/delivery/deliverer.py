"""The process that delivers a project's journal, so that MLflow is never imported in a kernel.

``python -m nbmlops.tracking.delivery.deliverer`` delivers what is pending. With ``--stay`` and the
number of a socket it then waits for more, or for its kernel to ask, and ends when nothing has come
for a while. It outlives its kernel.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from nbmlops.errors import NbmlopsError, StoreError, StoreUnreachable
from nbmlops.settings import load_settings
from nbmlops.steps import pass_step
from nbmlops.tracking.delivery.delivery import deliver_pending
from nbmlops.tracking.delivery.mlflow_store import MlflowStore
from nbmlops.tracking.delivery.requests import Requests
from nbmlops.tracking.journal.journal import Journal

__all__ = ["main"]

_LOOK_EVERY = 0.1  # seconds between looks at the journal's version; a look costs microseconds
_STAY = 20.0  # seconds without news after which the process ends
_RETRY = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between attempts while MLflow does not answer
# MLflow's own patience is minutes. Ours is to ask again, with what is known by then.
_MLFLOW = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "30", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}


def main(arguments: list[str] | None = None) -> int:
    """Deliver; the exit code is that of the error that stopped it, or 0."""
    parser = argparse.ArgumentParser(prog="deliverer", description=__doc__)
    parser.add_argument("--stay", type=int, metavar="SOCKET", help="wait for more before ending")
    line = parser.parse_args(arguments).stay
    for name, value in _MLFLOW.items():
        os.environ.setdefault(name, value)
    try:
        settings = load_settings()
        journal, store = Journal(settings.journal_path), MlflowStore(settings)
        if line is not None:
            return _stay(journal, store, Requests(line))
        _deliver_now(journal, store)
    except NbmlopsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _deliver_now(journal: Journal, store: MlflowStore) -> None:
    """Deliver while somebody waits for it.

    :raises StoreError: if the store refused every record, or does not answer.
    """
    for patience in (*_RETRY[:2], None):
        try:
            deliver_pending(journal, store, step=pass_step)
        except StoreError:
            if patience is None or store.remote:
                raise
        if store.remote or not journal.pending():
            break
        if patience is not None:
            # SQLite may have been busy, or another process was just making MLflow's tables.
            time.sleep(patience)


def _stay(journal: Journal, store: MlflowStore, requests: Requests) -> int:
    _open(journal, store)
    last_news, failures, seen, patience = time.monotonic(), 0, -1, 0.0
    while time.monotonic() - last_news < _STAY:
        if requests.wait(patience):
            try:
                _deliver_now(journal, store)
                requests.answer("")
            except StoreError as error:
                requests.answer(str(error))
            seen, last_news = journal.version(), time.monotonic()
            continue
        patience, version = _LOOK_EVERY, journal.version()
        if version == seen:
            continue
        seen, last_news = version, time.monotonic()
        try:
            deliver_pending(journal, store, step=pass_step)
            failures = 0
        except StoreError as error:  # noted in the journal, where every door shows it
            if failures == len(_RETRY):
                return error.exit_code
            patience, failures, seen = _RETRY[failures], failures + 1, -1
            last_news = time.monotonic() + patience
    return 0


def _open(journal: Journal, store: MlflowStore) -> None:
    """Import MLflow and let it make its database before the first record comes."""
    try:
        store.open()
    except StoreUnreachable as error:
        journal.note_outage(str(error))
    except StoreError:
        return  # tried again with the first record, and noted with it
    else:
        journal.note_outage(None)


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main())
