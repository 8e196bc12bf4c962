"""What a long ledger's readers pay: ``python tests/benchmarks/history.py``.

A ledger as a busy team leaves it: for each submission some executions, two sign-offs, a registration
and a refusal. Timed are the first read, which follows and checks the whole chain, a read behind one
new fact, a read where nothing came, and the gate's answer on one model.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from floors import Floors, seconds

from nbmlops.governance import Gate, HistoryReader, Policy, Vault
from nbmlops.governance.database.sqlalchemy_ledger import SqlAlchemyLedger
from nbmlops.records import (
    Executed,
    Execution,
    Fact,
    Promoted,
    RefusalRecorded,
    SignedOff,
    Submitted,
)
from nbmlops.testing import EPOCH, make_promotion, make_sign_off, make_submission

FIRST_READ = 15.0
NEXT_READ = 0.05
SAME_READ = 0.005
ANSWER = 0.05
MEGABYTES = 1_024
EXECUTIONS = 5


def busy(models: int = 500) -> Iterator[Fact]:
    """Facts without end, of so many models in turn."""
    submission = make_submission()
    promotion = make_promotion()
    execution = Execution(
        id="execution",
        promotion_id=promotion.id,
        content_digest=promotion.bundle.digest,
        schedule_id="schedule",
        due=EPOCH,
        parameters={},
        actor="host",
        started=EPOCH,
        duration=1.0,
        outcome="succeeded",
    )
    change = msgspec.structs.replace
    for number in itertools.count():
        name = f"model_{number % models}"
        own = change(promotion, id=f"promotion-{number}", model_name=name)
        yield Promoted(promotion=own)
        for nth in range(EXECUTIONS):
            yield Executed(
                execution=change(execution, id=f"execution-{number}-{nth}", promotion_id=own.id)
            )
        laid = change(submission, id=f"review-{number}", promotion_id=own.id, model_name=name)
        yield Submitted(submission=laid)
        for reviewer in ("grace", "alan"):
            signed = make_sign_off(laid, reviewer)
            yield SignedOff(sign_off=change(signed, id=f"{reviewer}-{number}"))
        yield RefusalRecorded(verb="register", subject=laid.id, by="ada", why=("Not yet.",))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=100_000)
    options = parser.parse_args()
    floors = Floors()
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqlAlchemyLedger(Path(folder) / "ledger.db")
        facts = itertools.islice(busy(), options.facts)
        while batch := list(itertools.islice(facts, 1_000)):
            ledger.append_all(batch, actor="ada")
        reader = HistoryReader(ledger)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        floors.at_most("seconds of the first read", seconds(reader.read), FIRST_READ)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        floors.at_most("megabytes that the history takes", grown, MEGABYTES)

        def after_one_more() -> float:
            ledger.append(RefusalRecorded(verb="v", subject="s", by="ada", why=()), actor="ada")
            return seconds(reader.read)

        after = statistics.median(after_one_more() for _ in range(20))
        floors.at_most("seconds of a read behind one new fact", after, NEXT_READ)
        same = statistics.median(seconds(reader.read) for _ in range(20))
        floors.at_most("seconds of a read where nothing came", same, SAME_READ)
        gate = Gate(ledger, Policy(), Vault(Path(folder) / "vault"))
        gate.require_model("model_7", "ada")
        answer = statistics.median(
            seconds(lambda: gate.require_model("model_7", "ada")) for _ in range(20)
        )
        floors.at_most("seconds of the gate's answer on a model", answer, ANSWER)
    floors.end()


if __name__ == "__main__":
    main()
