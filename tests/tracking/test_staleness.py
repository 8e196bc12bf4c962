"""When a run is stale: said once, and taken back where the cell is put back."""

from __future__ import annotations

import msgspec

from nbmlops.records import CellRecord, digest_bytes, now
from nbmlops.testing import make_run
from nbmlops.tracking.code.reader import read_code
from nbmlops.tracking.session.staleness import Staleness


def ran(source: str, order: int) -> CellRecord:
    """The cell ``fit``, as it ran in that place of the session."""
    return CellRecord(
        cell_id="fit", source=source, source_digest=digest_bytes(source.encode()),
        execution_count=order, order=order, started=now(), duration=0.0, outcome="ok",
    )  # fmt: skip


def test_a_cell_that_is_edited_again_and_again_changes_its_first_run_once() -> None:
    """Each change is a delivery: of a hundred tries, none may bring all before it anew."""
    staleness = Staleness()
    cell = ran("model = fit(1)", 1)
    run = msgspec.structs.replace(make_run(), cell=cell, cells=(cell,))
    staleness.add(run, (), {})
    changed = []
    for order, alpha in ((2, 2), (3, 3), (4, 4), (5, 1), (6, 5)):
        later = ran(f"model = fit({alpha})", order)
        changed.append(staleness.hear(later, read_code(later.source), {}) == {run.id})
        told = staleness.of(run.id)
        if alpha == 1:  # put back as it was
            assert told == ()
        else:
            assert told == (f"Cell [1] was edited and run again as [{2 if order < 5 else 6}].",)
    assert changed == [True, False, False, True, True]
