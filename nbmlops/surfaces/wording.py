"""Words for people, as every surface shows them."""

from __future__ import annotations

__all__ = ["shortened"]


def shortened(text: str, longest: int) -> str:
    """`text`, or its beginning in `longest` characters with an ellipsis at the end."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
