"""Files by their bytes, and folders by the files in them.

A file's digest is plain BLAKE3 of its bytes: what the tool ``b3sum`` prints.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from blake3 import blake3

from nbmlops.data.canonical import entry, root_digest
from nbmlops.errors import FingerprintError
from nbmlops.records.data import ColumnFingerprint, Fingerprint

__all__ = ["fingerprint_path"]

# Two blocks this small stay in the cache between being read and being hashed.
_BLOCK = 2 * 1024 * 1024
Progress = Callable[[int], None]


def fingerprint_path(
    path: Path, name: str | None = None, progress: Progress | None = None
) -> Fingerprint:
    """Name a file or folder; `progress` hears of bytes as they are read.

    :raises FingerprintError: if there is nothing there, or it cannot be read, or it changes.
    """
    try:
        if path.is_dir():
            return _folder(path, name, progress)
        digest, nbytes = _file(path, progress)
    except FileNotFoundError as error:
        gone = error.filename or path
        raise FingerprintError(f"{gone} is not there. Check the path.") from error
    except OSError as error:
        raise FingerprintError(f"{error.filename or path} cannot be read: {error}") from error
    return Fingerprint(kind="file", digest=digest, nbytes=nbytes, name=name)


def _folder(root: Path, name: str | None, progress: Progress | None) -> Fingerprint:
    columns, entries, total = [], [], 0
    paths = _files(root)
    for path in paths:
        digest, nbytes = _file(path, progress)
        inner = path.relative_to(root).as_posix()
        total += nbytes
        shown = inner.encode("utf-8", "backslashreplace").decode()
        columns.append(
            ColumnFingerprint(name=shown, type="file", digest=digest, summary={"bytes": nbytes})
        )
        entries.append(entry(os.fsencode(inner), bytes.fromhex(digest)))
    if _files(root) != paths:
        raise FingerprintError(
            f"{root} changed while it was read: files came or went. Wait for its writer to finish."
        )
    return Fingerprint(
        kind="folder",
        digest=root_digest("folder", (len(entries),), entries),
        rows=len(entries),
        nbytes=total,
        columns=tuple(columns),
        name=name,
    )


def _files(root: Path) -> list[Path]:
    """Every file below `root`, sorted by path; a link counts as what it leads to."""
    found: list[Path] = []
    _gather(root, (), found)
    return sorted(found, key=lambda path: os.fsencode(path.relative_to(root).as_posix()))


def _gather(folder: Path, above: tuple[tuple[int, int], ...], found: list[Path]) -> None:
    """Find files in `folder`; `above` are the folders that it stands in.

    :raises FingerprintError: if a link leads back to one of them.
    """
    seen = folder.stat()
    here = (seen.st_dev, seen.st_ino)
    if here in above and seen.st_ino:  # some file systems number nothing
        raise FingerprintError(
            f"{folder} is a link that leads back to a folder which holds it, so its content has "
            "no end. Remove the link, or name folders beside it."
        )
    with os.scandir(folder) as entries:
        inner = [(Path(entry.path), entry.is_dir()) for entry in entries]
    for path, is_folder in inner:
        if is_folder:
            _gather(path, (*above, here), found)
        else:
            found.append(path)


def _file(path: Path, progress: Progress | None) -> tuple[str, int]:
    # Read rather than mapped: a mapped file that another process cuts short kills this one.
    # One block is read while the other is hashed, which is as fast.
    hasher = blake3(max_threads=blake3.AUTO)
    if not stat.S_ISREG(path.stat().st_mode):
        raise FingerprintError(f"{path} is no regular file.")
    with open(path, "rb", buffering=0, opener=_open_at_once) as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise FingerprintError(f"{path} is no regular file.")
        size = 0
        for block in _blocks(file, before.st_size):
            hasher.update(block)
            size += len(block)
            if size > before.st_size > 0:
                break  # it grows, maybe faster than it can be read
            if progress is not None:
                progress(len(block))
        after = os.fstat(file.fileno())
    grown = size > before.st_size > 0
    if grown or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FingerprintError(f"{path} changed while it was read. Wait for its writer to finish.")
    return hasher.hexdigest(), size


def _open_at_once(path: str, flags: int) -> int:
    # What became a named pipe meanwhile would otherwise be waited for.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _blocks(file: io.FileIO, size: int) -> Iterator[memoryview]:
    """Read a file to its end; a block holds until the next but one is asked for."""
    first = memoryview(bytearray(min(_BLOCK, size + 1)))
    if size < len(first):
        while count := file.readinto(first):
            yield first[:count]
        return
    here, ahead = first, memoryview(bytearray(_BLOCK))
    with ThreadPoolExecutor(1, thread_name_prefix="fingerprint") as reader:
        coming = reader.submit(file.readinto, here)
        while count := coming.result():
            coming = reader.submit(file.readinto, ahead)
            yield here[:count]
            here, ahead = ahead, here
