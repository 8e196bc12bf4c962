"""The slice: the smallest list of executed cells that rebuilds what the last of them made.

Worked out over what was executed, in the order in which it was, not over what the notebook shows.
"""

from __future__ import annotations

from collections.abc import Mapping

from nbmlops.records import CellRecord
from nbmlops.tracking.code.cell import CellCode
from nbmlops.tracking.session.chance import Chance
from nbmlops.tracking.session.lineage import Lineage

__all__ = ["slice_in", "take_cell"]


def slice_in(
    lineage: Lineage,
    cells: Mapping[int, CellRecord],
    target: CellRecord,
    code: Mapping[str, CellCode],
    chance: Chance = Chance(),  # noqa: B008 - it is frozen
) -> tuple[tuple[CellRecord, ...], tuple[str, ...]]:
    """The cells (by order) that `target` rests on, in order, `target` last; and the doubts.

    `lineage` holds all that ran before `target`. `code` maps source digests to what was read;
    `chance` is what `target` has drawn.
    """
    own = code[target.source_digest]
    needs = lineage.ask(
        own, files_read=target.files_read, files_written=target.files_written, chance=chance
    )
    chosen = [cells[order] for order in lineage.closure(needs)]
    doubts, missing = list(own.doubts), dict.fromkeys(needs.missing)
    for cell in chosen:
        doubts += code[cell.source_digest].doubts
        missing.update(dict.fromkeys(lineage.needs[cell.order].missing))
        if cell.outcome == "error":
            doubts.append(f"Cell [{cell.execution_count}] raised; how far it came is not known.")
    unseen = [f"[{cell.execution_count}]" for cell in chosen if not cell.seen]
    if unseen:
        which = f"Cell {unseen[0]}" if len(unseen) == 1 else f"Cells {unseen[0]} to {unseen[-1]}"
        doubts.append(f"{which} ran while tracking was off: what files were read was not seen.")
    unknown = sorted(name for name in missing if name not in _builtin_names())
    if unknown:
        names = ", ".join(unknown[:5])
        doubts.append(f"No executed cell shows where {names} comes from.")
    return (*chosen, target), tuple(dict.fromkeys(doubts))


def take_cell(
    lineage: Lineage,
    cell: CellRecord,
    code: CellCode,
    chance: Chance = Chance(),  # noqa: B008 - it is frozen
) -> None:
    """Let `lineage` take in an executed cell, and what it has drawn."""
    lineage.take(
        cell.order,
        code,
        ok=cell.outcome == "ok",
        files_read=cell.files_read,
        files_written=cell.files_written,
        chance=chance,
    )


def _builtin_names() -> frozenset[str]:
    import builtins

    return frozenset(dir(builtins)) | {
        "get_ipython", "display", "In", "Out", "exit", "quit", "_", "__", "___", "__name__",
        "__file__", "__doc__", "_dh", "_ih", "_oh",
    }  # fmt: skip
