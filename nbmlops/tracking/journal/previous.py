"""The run that a cell left before: what a run of it is compared with."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

import msgspec

from nbmlops.records import TrackedRun, decode

__all__ = ["previous_in"]

_RECENT = 100  # executions of other cells that are passed by, in a millisecond or two
_MOST = 500  # runs that are read for that


class _Cell(msgspec.Struct, frozen=True):
    """One execution of one cell."""

    cell_id: str | None
    order: int
    started: datetime


class _Mark(msgspec.Struct):
    """As much of a run as tells where it belongs: all of it is read of the one that is wanted."""

    id: str
    model_class: str
    cell: _Cell


def previous_in(db: sqlite3.Connection, run: TrackedRun) -> TrackedRun | None:
    """The run of the same model from the execution before of the cell of `run`.

    Where an execution left several, as a loop over settings does, the first is held against the
    first and the third against the third, never one against another of its own execution.
    """
    here = _Cell(run.cell.cell_id, run.cell.order, run.cell.started)
    place, looked_at = 0, 0
    # In the journal's order, which no clock that is set back can upset.
    for execution, marks in groupby(_before(db, run), key=lambda mark: mark.cell):
        alike = [mark.id for mark in marks if mark.model_class == run.model_class]
        if execution == here:
            place += len(alike)
        elif execution.cell_id == here.cell_id and alike:
            found = alike[max(0, len(alike) - 1 - place)]  # they come newest first
            row = db.execute("SELECT record FROM runs WHERE id = ?", (found,)).fetchone()
            return decode(row[0], TrackedRun)
        else:
            looked_at += 1
        if looked_at == _RECENT:
            break
    return None


def _before(db: sqlite3.Connection, run: TrackedRun) -> Iterator[_Mark]:
    """The runs of the notebook that were journaled before `run`, newest first."""
    rows = db.execute(
        "SELECT earlier.record FROM runs JOIN runs AS earlier"
        " ON earlier.notebook IS runs.notebook AND earlier.sequence < runs.sequence"
        " WHERE runs.id = ? ORDER BY earlier.sequence DESC LIMIT ?",
        (run.id, _MOST),
    )
    return (decode(record, _Mark) for (record,) in rows)
