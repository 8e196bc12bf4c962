"""What a cell shows: its text and figures, heard on their way to the front end, unaltered."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO

import msgspec

from nbmlops.tracking.code.unseen import unseen

__all__ = ["OutputCapture", "Shown"]

MOST_TEXT = 64 << 10  # characters of one cell's text
MOST_BYTES = 2 << 20  # of one figure or table
MOST_SHOWN = 20  # figures and tables of one cell
_KEPT = (
    "image/png", "image/svg+xml", "application/vnd.plotly.v1+json", "text/html", "text/markdown",
    "text/latex", "text/plain",
)  # fmt: skip
_OURS = "application/vnd.nbmlops.run+json"


class Shown(msgspec.Struct):
    """One output: a ``stream`` named stdout or stderr, a ``display_data`` or an ``execute_result``.

    `data` holds text by mime type, an image as base64 and Plotly's figures as JSON values.
    `left_out` says what was not kept, and why.
    """

    kind: str
    name: str = ""
    data: dict[str, Any] = {}
    left_out: str = ""


class OutputCapture:
    """Hears one IPython `shell` between :meth:`begin` and :meth:`end`."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._into: list[Shown] | None = None
        self._undo: list[Callable[[], None]] = []
        self._text = self._count = 0

    def begin(self, into: list[Shown]) -> None:
        """A cell begins: what it shows goes into `into`."""
        self.end()
        self._into, self._text, self._count = into, 0, 0
        self._stand_in(self._shell.display_pub, "publish", self._publishing)
        self._stand_in(self._shell.displayhook, "write_format_data", self._answering)
        for name in ("stdout", "stderr"):
            self._tee(getattr(sys, name), name)

    def end(self) -> None:
        """The cell has ended: everything is as it was."""
        while self._undo:
            self._undo.pop()()
        self._into = None

    def _stand_in(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        was_own = name in vars(owner)
        stand_in = unseen(make(original))
        setattr(owner, name, stand_in)

        def undo() -> None:
            # Somebody who stood in after us keeps standing.
            if vars(owner).get(name) is stand_in:
                if was_own:
                    setattr(owner, name, original)
                else:
                    delattr(owner, name)

        self._undo.append(undo)

    def _publishing(self, original: Any) -> Any:
        def publish(data: Any, *args: Any, **kwargs: Any) -> Any:
            answer = original(data, *args, **kwargs)
            if not kwargs.get("update"):
                self._keep("display_data", data)
            return answer

        return publish

    def _answering(self, original: Any) -> Any:
        def write_format_data(data: Any, *args: Any, **kwargs: Any) -> Any:
            self._keep("execute_result", data)
            return original(data, *args, **kwargs)

        return write_format_data

    def _tee(self, stream: TextIO, name: str) -> None:
        def make(original: Any) -> Any:
            def write(text: str) -> Any:
                answer = original(text)
                self._keep_text(name, text)
                return answer

            return write

        try:
            self._stand_in(stream, "write", make)
        except (AttributeError, TypeError):
            return  # a stream that takes no attribute: a plain terminal's, whose text stays there

    def _keep_text(self, name: str, text: str) -> None:
        into = self._into
        if into is None or not isinstance(text, str) or self._text > MOST_TEXT:
            return
        room = MOST_TEXT - self._text
        self._text += len(text)
        kept = text[:room] + ("" if len(text) <= room else "\n…")
        if into and into[-1].kind == "stream" and into[-1].name == name:
            parts = into[-1].data["text"]
            parts.append(kept)
        else:
            into.append(Shown(kind="stream", name=name, data={"text": [kept]}))

    def _keep(self, kind: str, data: Any) -> None:
        into = self._into
        if into is None or not isinstance(data, dict) or _OURS in data:
            return
        self._count += 1
        if self._count > MOST_SHOWN:
            if self._count == MOST_SHOWN + 1:
                into.append(Shown(kind=kind, left_out=f"what came after {MOST_SHOWN} outputs"))
            return
        kept: dict[str, Any] = {}
        left = ""
        for mime in _KEPT:
            if mime in data:
                if _size(data[mime]) > MOST_BYTES:
                    left = f"{mime} of more than {MOST_BYTES >> 20} MB"
                else:
                    kept[mime] = data[mime]
        into.append(Shown(kind=kind, data=kept, left_out=left))


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    try:
        return len(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError):
        return MOST_BYTES + 1  # a figure that is not plain JSON
