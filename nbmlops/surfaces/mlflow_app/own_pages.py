"""Whose page does a browser write for? Only the server's own may, or one that was allowed by name.

A browser sends the password that it remembers along with whatever any page asks of the server, so
a page elsewhere could sign off in the name of its reader. MLflow looks at the origin for its own
routes alone, and lets each page of the same machine pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

from nbmlops.surfaces.mlflow_app.error_answers import error_answer

__all__ = ["OwnPagesMiddleware"]

_READING = ("GET", "HEAD", "OPTIONS")


class OwnPagesMiddleware:
    """An ASGI layer that refuses what a foreign page would have written; who is no browser passes.

    `allowed` are other origins, as patterns, from which pages may write too.
    """

    def __init__(self, app: Any, allowed: Sequence[str]) -> None:
        self._app = app
        self._allowed = tuple(allowed)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        origins = _values(scope, b"origin")
        if origins and origins == [_own(origins[0], _values(scope, b"host"))]:
            # MLflow would take its own page for another's wherever it is not called localhost.
            kept = [header for header in scope["headers"] if header[0] != b"origin"]
            await self._app({**scope, "headers": kept}, receive, send)
        elif all(any(fnmatch(origin, allowed) for allowed in self._allowed) for origin in origins):
            await self._app(scope, receive, send)
        else:
            await _foreign(scope, receive, send)


def _own(origin: str, hosts: list[str]) -> str | None:
    """`origin`, if it is the very place that was asked, by the one name that it was asked by."""
    place = urlsplit(origin).netloc.lower()
    return origin if place and [host.lower() for host in hosts] == [place] else None


def _values(scope: Any, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


_foreign = error_answer(
    "PERMISSION_DENIED",
    "A page of another origin may not write here in its reader's name. Open this server's own page,"
    " or have that origin added to MLFLOW_SERVER_CORS_ALLOWED_ORIGINS.",
    403,
)
