"""Words for people, as every surface shows them."""

from __future__ import annotations

from collections.abc import Sequence

from nbmlops.records import Change

__all__ = ["shortened", "told_first"]

_MOST_TOLD = 12


def shortened(text: str, longest: int) -> str:
    """`text`, or its beginning in `longest` characters with an ellipsis at the end."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


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
