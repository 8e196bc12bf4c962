"""How fast facts are appended and verified, and in how much memory.

Run it with ``python tests/benchmarks/ledger.py``; it fails below the floors. Facts are refusals with
a sentence, the smallest that occur. ``--facts`` sets how many the long walk verifies; with
``--postgresql URL`` (of the app role) appends are timed there too.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from nbmlops.governance import take_checkpoint
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.records import RefusalRecorded, now

APPENDS_PER_SECOND = 1_000
SECONDS_FOR_100_000 = 3.0
MEGABYTES_FOR_ALL = 64


def fact(number: int) -> RefusalRecorded:
    why = "1 sign-off is missing by someone other than ada, on content 0123456789ab."
    return RefusalRecorded(verb="register", subject=f"model-{number}", by="ada", why=(why,))


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def append(ledger: SqlAlchemyLedger, facts: int, batch: int) -> float:
    """Facts a second, `batch` of them in each transaction."""

    def run() -> None:
        for first in range(0, facts, batch):
            ledger.append_all((fact(first + n) for n in range(batch)), actor="ada")

    return facts / seconds(run)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--postgresql")
    options = parser.parse_args()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqlAlchemyLedger(Path(folder) / "ledger.db")
        ledger.append(fact(0), actor="ada")
        found["sqlite_single_per_second"] = append(ledger, 2_000, 1)
        found["sqlite_batched_per_second"] = append(ledger, 98_000, 1_000)
        found["verify_100_000_seconds"] = seconds(ledger.verify)
        append(ledger, options.facts - 100_001, 1_000)
        before = peak_megabytes()
        found["verify_all_seconds"] = seconds(ledger.verify)
        found["checkpoint_all_seconds"] = seconds(lambda: take_checkpoint(ledger.links(), now()))
        found["facts"] = ledger.verify().facts
        found["grown_megabytes"] = peak_megabytes() - before
    if options.postgresql:
        team = SqlAlchemyLedger(options.postgresql)
        team.append(fact(0), actor="ada")
        found["postgresql_single_per_second"] = append(team, 2_000, 1)
        found["postgresql_batched_per_second"] = append(team, 20_000, 1_000)
    print(json.dumps({name: round(value, 2) for name, value in found.items()}, indent=2))
    best = max(found["sqlite_single_per_second"], found["sqlite_batched_per_second"])
    assert best >= APPENDS_PER_SECOND
    assert found["verify_100_000_seconds"] < SECONDS_FOR_100_000
    assert found["grown_megabytes"] < MEGABYTES_FOR_ALL


if __name__ == "__main__":
    main()
