"""The code under ``%%time`` and ``%time``, which IPython compiles without keeping its source.

With the source at hand, what a call was handed can be named there as anywhere else (and Python's
tracebacks show the line).
"""

from __future__ import annotations

import linecache
import re

__all__ = ["keep_timed_source"]

_CELL = re.compile(r"\s*%%time\b[^\n]*\n(?P<code>.*)", re.DOTALL)
_LINE = re.compile(r"^[ \t]*(?:\w+\s*=\s*)?%time[ \t]+(?P<code>\S.*)$", re.MULTILINE)
_FILES = ("<timed exec>", "<timed eval>")  # IPython's names, in IPython.core.magics.execution


def keep_timed_source(source: str) -> None:
    """Keep the timed code of a cell; of several ``%time`` lines it could not be told which runs."""
    for file in _FILES:
        linecache.cache.pop(file, None)
    if "%time" not in source:
        return
    if cell := _CELL.match(source):
        code = cell["code"]
    elif len(lines := _LINE.findall(source)) == 1:
        code = lines[0]
    else:
        return
    for file in _FILES:
        linecache.cache[file] = (len(code), None, f"{code}\n".splitlines(keepends=True), file)
