"""Files that are there whole or not at all, whatever the process or the disk does meanwhile."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["LEFT_HALF", "flush", "whole_file", "write_whole"]

LEFT_HALF = ".part-*"
"""The names of what a process leaves that is killed while it writes; an error leaves nothing."""


@contextmanager
def whole_file(path: Path, *, lasting: bool = False) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of `path` when the block ends without an error.

    Readers meet what was there before or all of what is new. The new file has the mode of the old
    one, if there is one. `lasting` waits for the disk, so that a power cut leaves one of the two.

    :raises OSError: if the folder is missing, or the disk refuses; what was there before stays.
    """
    # The name does not hold the old one, to which nothing could be added where it is very long.
    fresh = path.with_name(LEFT_HALF.replace("*", secrets.token_hex(6)))
    try:
        with fresh.open("xb") as file:
            yield file
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):  # the first of its name
            shutil.copymode(path, fresh)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    if lasting:
        flush(path.parent)


def write_whole(path: Path, content: bytes, *, lasting: bool = False) -> None:
    """Write a file as :func:`whole_file` does, from content that is at hand."""
    with whole_file(path, lasting=lasting) as file:
        file.write(content)


def flush(path: Path) -> None:
    """Wait until the disk has a file's bytes, or a folder's names.

    :raises OSError: if the disk refuses.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
