"""What people attach to a submission: files, notes and a model card, and what a file may be."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from nbmlops.errors import CheckFailed
from nbmlops.records import Bundle
from nbmlops.workspace.stores import Stores

__all__ = ["Enclosed", "attach", "require_own_names", "seal_attachments"]

LARGEST_FILE = 100_000_000
"""Bytes of one attached file."""
LARGEST_DOSSIER = 500_000_000
"""Bytes of all that is attached."""


@dataclass(frozen=True, kw_only=True)
class Enclosed:
    """What is laid beside a promotion when it is submitted."""

    attachments: Sequence[str | Path] = ()
    notes: Sequence[str] = ()
    model_card: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.attachments or self.notes or self.model_card)


def seal_attachments(stores: Stores, paths: Sequence[str | Path]) -> Bundle:
    """Seal files by themselves, on their way to where the dossier is sealed.

    :raises CheckFailed: if something cannot be attached.
    """
    require_own_names(paths)
    folder = stores.vault.staging()
    try:
        for path in paths:
            attach(Path(path), folder)
        return stores.vault.seal(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require_own_names(paths: Sequence[str | Path]) -> None:
    """:raises CheckFailed: if two files have one name: a reviewer would see the last one only."""
    names: set[str] = set()
    for path in map(Path, paths):
        if path.name in names:
            raise CheckFailed(
                f"{_shown(path)} cannot be attached: another file beside it has that name. Rename "
                "one of them."
            )
        names.add(path.name)


def attach(path: Path, folder: Path, *, encoded: bool = False) -> None:
    """Copy one file into the dossier under a name that any system and page can show.

    `encoded` says that its name is such a one, because it was attached elsewhere before.

    :raises CheckFailed: if it is no plain file, or too large.
    """
    target = folder / _encoded(unquote_to_bytes(path.name) if encoded else os.fsencode(path.name))
    try:
        # Not blocking: a named pipe must not hold us up before it is told from a file.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        link = path.is_symlink()
        why = "it is a symbolic link; attach the file itself" if link else error.strerror
        raise CheckFailed(f"{_shown(path)} cannot be attached: {why}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CheckFailed(f"{_shown(path)} cannot be attached: it is not a file.")
    with os.fdopen(descriptor, "rb") as source:
        used = sum(p.stat().st_size for p in folder.iterdir() if p != target)
        room = min(LARGEST_FILE, LARGEST_DOSSIER - used)
        with target.open("wb") as copy:
            while chunk := source.read(1 << 20):
                room -= len(chunk)
                if room < 0:
                    raise CheckFailed(
                        f"{_shown(path)} cannot be attached: a file may have {LARGEST_FILE:,} "
                        f"bytes, all together {LARGEST_DOSSIER:,}. Attach a summary, or a link in "
                        "a note."
                    )
                copy.write(chunk)


def _encoded(name: bytes) -> str:
    """A file's name in plain ASCII; other bytes, and what a path could trip over, as %XX."""
    encoded = quote(name, safe=" !#()+,-.=@_")
    return encoded if encoded.strip(".") else encoded.replace(".", "%2E")


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
