"""When a run's cells no longer show what made its model: edited, out of order, or built on.

Heard cell by cell, so that a long session costs no more than a short one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nbmlops.records import CellRecord, TrackedRun
from nbmlops.tracking.code.cell import CellCode

__all__ = ["Staleness"]

_MOST = 20  # sentences of one run


class Staleness:
    """What has become stale of the runs that it was told of, in sentences."""

    def __init__(self) -> None:
        self._runs: dict[str, TrackedRun] = {}
        self._why: dict[str, dict[tuple[str, str], str]] = {}
        self._by_name: dict[str, set[str]] = {}
        self._by_cell: dict[str, set[str]] = {}

    def add(
        self,
        run: TrackedRun,
        since: Iterable[tuple[CellRecord, CellCode]],
        places: Mapping[str, int],
    ) -> None:
        """Follow `run`; `since` are the cells that were executed after the first of its own.

        `places` are positions in the notebook by cell id, as far as they are known.
        """
        self._runs[run.id] = run
        why = self._why[run.id] = _out_of_order(run.cells, places)
        for cell in run.cells:
            for name in cell.reads:
                self._by_name.setdefault(name, set()).add(run.id)
            if cell.cell_id:
                self._by_cell.setdefault(cell.cell_id, set()).add(run.id)
        for cell, code in since:
            _judge(why, run, cell, _made(code), places)

    def hear(self, cell: CellRecord, code: CellCode, places: Mapping[str, int]) -> set[str]:
        """A cell was executed: the ids of the runs for which that changes something."""
        made = _made(code)
        concerned = set(self._by_cell.get(cell.cell_id or "", ()))
        for name in made:
            concerned |= self._by_name.get(name, set())
        changed = set()
        for run_id in concerned:
            before = dict(self._why[run_id])
            _judge(self._why[run_id], self._runs[run_id], cell, made, places)
            if self._why[run_id] != before:
                changed.add(run_id)
        return changed

    def of(self, run_id: str) -> tuple[str, ...]:
        """Why a run is stale; empty if it is not."""
        return tuple(self._why.get(run_id, {}).values())[:_MOST]


def _made(code: CellCode) -> set[str]:
    """The names that a cell binds or changes; importing a module again makes nothing new."""
    bound = {e.name for e in code.events if e.kind == "bind" and not e.module}
    return {name for name in bound | set(code.changes) if name[0] != "«"}


def _judge(
    why: dict[tuple[str, str], str],
    run: TrackedRun,
    later: CellRecord,
    made: set[str],
    places: Mapping[str, int],
) -> None:
    orders = {cell.order for cell in run.cells}
    same = [c for c in run.cells if c.cell_id and c.cell_id == later.cell_id]
    for cell in same:
        if cell.order < later.order:
            key = ("cell", f"{cell.cell_id} {cell.order}")
            if cell.source_digest == later.source_digest:
                why.pop(key, None)  # put back as it was
            elif key not in why and len(why) < _MOST:
                # Said once: each run that follows would change, and deliver anew, all before it.
                why[key] = (
                    f"Cell [{cell.execution_count}] was edited and run again"
                    f" as [{later.execution_count}]."
                )
    if same or later.order in orders:
        return
    for reader in run.cells:
        if reader.order >= later.order or _stands_below(later, reader, places):
            continue
        for name in sorted(made.intersection(reader.reads)):
            if ("name", name) not in why and len(why) < _MOST and _from_before(name, reader, run):
                why["name", name] = (
                    f"Cell [{later.execution_count}] has since made {name} anew,"
                    f" which cell [{reader.execution_count}] read."
                )


def _from_before(name: str, reader: CellRecord, run: TrackedRun) -> bool:
    """Whether the slice shows where the reader had the name from."""
    return any(name in c.writes for c in run.cells if c.order < reader.order)


def _stands_below(later: CellRecord, reader: CellRecord, places: Mapping[str, int]) -> bool:
    """Whether a cell is known to stand below another, as cells of a notebook in order do.

    A cell that the saved notebook does not hold yet was most likely added at its end.
    """
    if reader.cell_id is None or reader.cell_id not in places:
        return False
    return places.get(later.cell_id or "", len(places)) > places[reader.cell_id]


def _out_of_order(
    cells: tuple[CellRecord, ...], places: Mapping[str, int]
) -> dict[tuple[str, str], str]:
    found = {}
    for number, reader in enumerate(cells):
        for maker in cells[:number]:
            here, there = places.get(reader.cell_id or ""), places.get(maker.cell_id or "")
            if here is None or there is None or there <= here:
                continue
            names = sorted(set(reader.reads).intersection(maker.writes))
            if names:
                found["order", f"{maker.order} {reader.order}"] = (
                    f"Cell [{reader.execution_count}] used {names[0]} of cell"
                    f" [{maker.execution_count}], which stands below it in the notebook."
                )
    return found
