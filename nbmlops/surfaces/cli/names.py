"""Names that others chose, in a terminal: broken where a person would, and never its commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.text import Text

__all__ = ["Name", "Terminal", "broken"]

# Behind what joins words, and before a hump: roc_|auc, 01.|ipynb, Gradient|Boosting. A number is
# one word.
_JOINTS = re.compile(
    r"(?<=[\s_/\\])(?=[^\s_./\\-])|(?<=[.-])(?=[^\s_./\\\d-])|(?<=[a-z0-9])(?=[A-Z])"
)


_STEERING = {
    code: chr(code).encode("unicode_escape").decode()
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t"
}
"""What moves a terminal's cursor, wipes its screen or turns its lines around, as it is written."""

_WIDE = 100  # columns of a screen on which a name need not make room for another


class Terminal(Console):
    """Where answers are shown; no text in them steers it, whoever wrote that."""

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(text.translate(_STEERING), **how)


class Name:
    """A name in a cell of a table; `style` is Rich's. What it holds is no markup.

    On a narrow screen it asks for no more than `modest` columns, where its words fit into those.
    """

    def __init__(self, text: str, style: str = "", modest: int = _WIDE) -> None:
        self._text, self._style, self._modest = text.translate(_STEERING), style, modest

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in broken(self._text, options.max_width):
            yield Text(line, self._style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = max(map(len, _JOINTS.split(self._text)))
        most = len(self._text)
        if options.max_width < _WIDE:
            most = min(most, max(longest, self._modest))
        return Measurement(longest, most).with_maximum(options.max_width)


def broken(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` characters; a word is cut only where it alone is wider."""
    lines = [""]
    for piece in _JOINTS.split(text):
        if len(lines[-1]) + len(piece.rstrip()) <= width:
            lines[-1] += piece
        else:
            lines += [piece[i : i + width] for i in range(0, len(piece), width)]
    return [line.rstrip() for line in lines if line.strip()] or [""]
