"""Words for people, as every surface shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from nbmlops.records import CellRecord, Change

__all__ = [
    "LATEST",
    "attached_as",
    "ended",
    "lasted",
    "latest_of",
    "shortened",
    "told_first",
    "told_waiting",
]

LATEST = 50
"""So many runs stand in a list of which nobody has said how long it is to be."""
_MOST_TOLD = 12


def shortened(text: str, longest: int) -> str:
    """`text`, or its beginning in `longest` characters with an ellipsis at the end."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def attached_as(path: str) -> str:
    """An attachment's name as its author wrote it; sealed it is plain ASCII: ``caf%C3%A9.txt``."""
    return unquote(path, errors="backslashreplace")


def ended(cell: CellRecord) -> str:
    """How a cell ended that did not come to its end; empty for one that did."""
    if cell.outcome == "ok":
        return ""
    what = (cell.error or "").partition(":")[0]
    if what == "KeyboardInterrupt":
        return "interrupted"
    return f"raised {what}" if what.isidentifier() else "cut off"


def latest_of(listed: int, total: int) -> str:
    """What a list of runs holds that does not hold all."""
    return f"The latest {listed} of {total} runs"


def lasted(seconds: float) -> str:
    """How long something took, as the panel says it too: ``4 ms``, ``1.3 s``, ``2 min 5 s``."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"


def told_waiting(waiting: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Which runs wait for MLflow and why, a line for each reason."""
    for why, ids in waiting.items():
        more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
        count = "1 record waits" if len(ids) == 1 else f"{len(ids)} records wait"
        yield f"{count} ({', '.join(ids[:3])}{more}): {why or 'on the way to MLflow.'}"


def told_first(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """Changed values as a person reads them: up to a dozen that say most, and all the others.

    What both sides set says more than what only one of them has, as the parts of two pipelines do,
    and plain values more than what holds estimators.
    """

    def quiet(change: Change) -> tuple[bool, bool]:
        values = (change.before, change.after)
        nested = any(isinstance(v, str) and v.endswith((")", "]")) for v in values)
        return nested, None in values

    ordered = sorted(changes, key=quiet)
    return ordered[:_MOST_TOLD], ordered[_MOST_TOLD:]
