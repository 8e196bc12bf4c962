"""Code that was compiled from a text: by ``exec`` and ``eval``, or under ``%time`` and ``%timeit``.

Python keeps no source of it. With the text at hand, what a call was handed can be named there as
anywhere else. It is lent to those who ask for it, and shows nowhere else: no traceback changes.
"""

from __future__ import annotations

import linecache
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType
from typing import Any

from nbmlops.tracking.code.audit import hear

__all__ = ["keep_texts", "source_lent"]

_MOST = 1000  # texts that are kept, the latest: a library that is imported compiles many
_MOST_CHARACTERS = 2_000_000  # of all of them
_MOST_KNOWN = 50  # texts that were asked for
_LONGEST = 200_000  # characters of a text
_TIMEIT = "<magic-timeit>"  # IPython's name for a function that it puts the text into


class _Texts:
    """The latest texts, as many as are large together."""

    def __init__(self) -> None:
        self._kept: deque[str] = deque()
        self._length = 0

    def add(self, text: str) -> None:
        self._kept.append(text)
        self._length += len(text)
        while len(self._kept) > _MOST or self._length > _MOST_CHARACTERS:
            self._length -= len(self._kept.popleft())

    def latest_first(self) -> list[str]:
        return list(reversed(self._kept))


_texts = _Texts()
_known: dict[CodeType, str] = {}
_hearing = _asleep = False


def keep_texts() -> None:
    """Keep the texts that are parsed or compiled under a made-up name from now on."""
    global _hearing  # noqa: PLW0603 - Python's audit hooks stay for good, so there is one
    if not _hearing:
        _hearing = True
        hear("compile", _compiled)


@contextmanager
def source_lent(code: CodeType) -> Iterator[None]:
    """Python's own readers of sources find that of `code` meanwhile, as far as it is known."""
    file = code.co_filename
    text = _text_of(code) if file[:1] == "<" and file not in linecache.cache else None
    if text is None:
        yield
        return
    linecache.cache[file] = len(text), None, f"{text}\n".splitlines(keepends=True), file
    try:
        yield
    finally:
        linecache.cache.pop(file, None)


def _compiled(arguments: tuple[Any, ...]) -> None:
    source, file = arguments
    if _asleep or type(file) is not str or file[:1] != "<" or type(source) not in (str, bytes):
        return
    if len(source) <= _LONGEST:
        _texts.add(source if type(source) is str else source.decode("utf-8", "replace"))


def _text_of(code: CodeType) -> str | None:
    """The latest text that `code` came from."""
    global _asleep  # noqa: PLW0603 - what is compiled here is no text of the user's
    if code not in _known:
        _asleep = True
        try:
            found = next((text for text in _texts.latest_first() if _is_of(text, code)), None)
        finally:
            _asleep = False
        if found is None:
            return None
        _known[code] = found
        while len(_known) > _MOST_KNOWN:
            del _known[next(iter(_known))]
    return _known[code]


def _is_of(text: str, code: CodeType) -> bool:
    if not all(name in text for name in code.co_names):
        return False
    return code.co_filename == _TIMEIT or code in _codes(text, code.co_filename)


@lru_cache(maxsize=_MOST_KNOWN)
def _codes(text: str, file: str) -> frozenset[CodeType]:
    """All code objects that come of a text, those of the functions in it among them."""
    found: set[CodeType] = set()
    for mode in ("exec", "eval"):
        try:
            waiting = [compile(text, file, mode, dont_inherit=True)]
        except (SyntaxError, ValueError, RecursionError):
            continue
        while waiting:
            code = waiting.pop()
            found.add(code)
            waiting += [part for part in code.co_consts if isinstance(part, CodeType)]
    return frozenset(found)
