"""The one place where a report's template is opened: everything put into it is escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["stream_page"]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("nbmlops.surfaces.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def stream_page(template: str, **content: Any) -> Any:
    """The page in pieces, so that a long one is never in memory as a whole."""
    stream = _environment().get_template(template).stream(**content)
    stream.enable_buffering(50)
    return stream
