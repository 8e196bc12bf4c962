"""What a widget shows, and what it is made of."""

from __future__ import annotations

from ipywidgets import HTML, Widget

__all__ = ["everything", "page"]


def page(widget: Widget) -> str:
    """All HTML that the widget shows, on every tab."""
    if isinstance(widget, HTML):
        return str(widget.value)
    return "".join(page(child) for child in getattr(widget, "children", ()))


def everything(widget: Widget) -> list[Widget]:
    """A widget, and all in it."""
    inside = (everything(child) for child in getattr(widget, "children", ()))
    return [widget, *(found for each in inside for found in each)]
