"""What is installed, rather than the user's own: told by where its code lies."""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import lru_cache

__all__ = ["installed_places", "is_installed_file"]

_NAMES = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
_PLACES = frozenset(
    {sysconfig.get_path(name) for name in _NAMES} | {f"{sys.base_prefix}/lib/python"}
)
# Other environments' libraries, which are found in ways of their own.
_ELSEWHERE = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def is_installed_file(path: str, places: tuple[str, ...] | None = None) -> bool:
    """Whether code comes from an installed library, the standard library or the interpreter.

    Whoever asks about many files at once hands the :func:`installed_places` over.
    """
    if path.startswith(places or installed_places()):
        return True
    return any(sign in path for sign in _ELSEWHERE)


def installed_places() -> tuple[str, ...]:
    """What the paths of installed code begin with, as modules are imported now."""
    return _places(tuple(sys.path))


@lru_cache(maxsize=8)
def _places(searched: tuple[str, ...]) -> tuple[str, ...]:
    """Of the folders that are `searched` for modules those in which libraries lie.

    Some are put into folders of their own (``pip install --target``), beside what tells of them.
    """
    own = {"", os.getcwd()}
    others = (folder for folder in searched if folder not in own and folder not in _PLACES)
    found = (f"{folder}{os.sep}" for folder in others if _holds_libraries(folder))
    return (*_PLACES, "<frozen", *found)


def _holds_libraries(folder: str) -> bool:
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:  # a zip file, or not there
        return False
