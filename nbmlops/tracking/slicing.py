"""The slice: the smallest list of executed cells that rebuilds what the last of them made.

A cell belongs to it when it was the latest, before its reader, to bind or change a name that is
needed. Static def/use analysis over what was executed, not over what the notebook shows now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbmlops.records import CellRecord
from nbmlops.tracking.cellcode import CellCode

__all__ = ["slice_of", "stale_cells"]


def slice_of(
    cells: Sequence[CellRecord], target: CellRecord, code: Mapping[str, CellCode]
) -> tuple[tuple[CellRecord, ...], tuple[str, ...]]:
    """The cells of `cells` that `target` depends on, in order, `target` last; and the doubts.

    `code` maps source digests to what was read from the source.
    """
    needed = set(code[target.source_digest].reads)
    doubts = list(code[target.source_digest].doubts)
    chosen: list[CellRecord] = []
    found: set[str] = set()
    for cell in sorted(cells, key=lambda cell: cell.order, reverse=True):
        if cell.order >= target.order:
            continue
        read = code[cell.source_digest]
        binds = needed.intersection(read.writes)
        if not (binds or needed.intersection(read.changes) or read.star_import or read.seeds):
            continue
        chosen.append(cell)
        found |= binds
        # Only a plain binding of a cell that ended well settles where a name comes from.
        if cell.outcome == "ok":
            needed -= {name for name in binds if name not in read.reads}
        needed |= set(read.reads)
        doubts += read.doubts
    missing = sorted(needed - found)
    if missing:
        names = ", ".join(missing[:5])
        doubts.append(f"No executed cell shows where {names} comes from.")
    chosen.reverse()
    return (*chosen, target), tuple(dict.fromkeys(doubts))


def stale_cells(
    slice_: Sequence[CellRecord], later: Sequence[CellRecord], code: Mapping[str, CellCode]
) -> tuple[str, ...]:
    """What has happened since that makes a model's cells stale, in sentences."""
    sentences = []
    made = {name: cell for cell in slice_ for name in code[cell.source_digest].writes}
    members = {(cell.cell_id, cell.order) for cell in slice_}
    for cell in later:
        if (cell.cell_id, cell.order) in members or cell.order <= slice_[0].order:
            continue
        before = next((c for c in slice_ if c.cell_id and c.cell_id == cell.cell_id), None)
        if before and before.source_digest != cell.source_digest and before.order < cell.order:
            sentences.append(f"Cell [{before.execution_count}] was edited and run again since.")
            continue
        if cell.order < slice_[-1].order:
            continue
        rebound = sorted(
            name
            for name in code[cell.source_digest].writes
            if name in made and made[name].source_digest != cell.source_digest
        )
        if rebound:
            names = ", ".join(rebound[:5])
            sentences.append(f"Cell [{cell.execution_count}] has bound {names} anew since.")
    return tuple(dict.fromkeys(sentences))
