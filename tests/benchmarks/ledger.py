"""How fast facts are appended and verified, and in how much memory.

Run it with ``python tests/benchmarks/ledger.py``; it fails below the floors. Facts are refusals with
a sentence, the smallest that occur. ``--facts`` sets how many the long walk verifies; with
``--postgresql URL`` (of the app role) appends are timed there too.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from pathlib import Path

from floors import Floors, seconds

from nbmlops.governance import take_checkpoint
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.records import RefusalRecorded, now

APPENDS_PER_SECOND = 1_000
SECONDS_FOR_100_000 = 3.0
MEGABYTES_FOR_ALL = 64


def fact(number: int) -> RefusalRecorded:
    why = "1 sign-off is missing by someone other than ada, on content 0123456789ab."
    return RefusalRecorded(verb="register", subject=f"model-{number}", by="ada", why=(why,))


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
    floors = Floors()
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqlAlchemyLedger(Path(folder) / "ledger.db")
        ledger.append(fact(0), actor="ada")
        floors.found("facts a second, each by itself", append(ledger, 2_000, 1))
        batched = append(ledger, 98_000, 1_000)
        floors.at_least("facts a second, a thousand together", batched, APPENDS_PER_SECOND)
        verified = seconds(ledger.verify)
        floors.at_most("seconds to verify 100,000 facts", verified, SECONDS_FOR_100_000)
        append(ledger, options.facts - 100_001, 1_000)
        before = peak_megabytes()
        floors.found(f"seconds to verify {options.facts:,} facts", seconds(ledger.verify))
        taking = seconds(lambda: take_checkpoint(ledger.links(), now()))
        floors.found("seconds to take a checkpoint of them", taking)
        grown = peak_megabytes() - before
        floors.at_most("megabytes that took", grown, MEGABYTES_FOR_ALL)
    if options.postgresql:
        team = SqlAlchemyLedger(options.postgresql)
        team.append(fact(0), actor="ada")
        floors.found("PostgreSQL, each by itself", append(team, 2_000, 1))
        floors.found("PostgreSQL, a thousand together", append(team, 20_000, 1_000))
    floors.end()


if __name__ == "__main__":
    main()
