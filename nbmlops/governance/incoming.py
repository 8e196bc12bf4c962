"""Content on its way into the vault, file by file: limited, locked, and swept if it is left."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbmlops.errors import IntegrityError, Refused, StoreFull, TooLarge
from nbmlops.governance.vault import Vault
from nbmlops.records import Bundle, Identity, digest_bytes, new_id
from nbmlops.settings import UploadSettings
from nbmlops.sizes import size_told

__all__ = ["MOST_FILES", "Incoming"]

MOST_FILES = 10_000
"""Files and folders of one upload."""

_BLOCK = 4_096  # bytes that even an empty file, or a folder, takes of the disk


class Incoming:
    """Folders beside the vault that are being filled, one for each person and content.

    Each has a lock: whoever receives a file shares it, whoever seals or sweeps has it alone. The
    system lets go of it when a process ends, however that ends, so an upload under way is never
    swept, and one that was cut is.
    """

    def __init__(self, root: Path, vault: Vault, limits: UploadSettings) -> None:
        self._root = root / ".uploads"
        self._brought = root / ".brought"
        self._vault = vault
        self._limits = limits

    def has_brought(self, content_digest: str, by: Identity) -> bool:
        """Whether `by` has once brought all of this content, so that it is no secret to them."""
        return self._mark(content_digest, by).exists()

    def remember(self, content_digest: str, by: Identity) -> None:
        """Know from now on that `by` has brought all of this content."""
        mark = self._mark(content_digest, by)
        mark.parent.mkdir(mode=0o700, exist_ok=True)
        mark.touch()

    @contextmanager
    def receiving(self, content_digest: str, by: Identity) -> Iterator[tuple[Path, Path]]:
        """Where a file is written as it comes, and the folder below which it then goes.

        :raises Refused: while the same is being sealed.
        """
        folder = self._folder(content_digest, by)
        if not folder.exists():
            self.sweep()
        with self._holding(folder, fcntl.LOCK_SH):
            part = folder / "parts" / new_id("part")
            part.parent.mkdir(exist_ok=True)
            try:
                yield part, folder / "files"
            finally:
                part.unlink(missing_ok=True)

    def require_room(self, by: Identity, more: int, anew: str | None = None) -> None:
        """Whether `by` may bring so many bytes `more` than have come.

        Where they bring the content `anew` that they had begun to, what came of it counts no more.

        :raises TooLarge: if with them they bring more at once than the settings allow.
        :raises StoreFull: if the disk has no room for it.
        """
        files, used = self._used(by, anew)
        if used + more > self._limits.largest_bytes or files > MOST_FILES:
            raise TooLarge(
                f"An upload may have {self._limits.largest} and {MOST_FILES:,} files; with this, "
                f"{by.name} brings {size_told(used + more)} in {files + 1:,}. Leave out of the "
                "model what it does not need, or have largest raised: [uploads] in the server's "
                "nbmlops.toml."
            )
        self._root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._root).free
        if free - more < self._limits.keep_free_bytes:
            raise StoreFull(
                f"The server's disk has no room for {size_told(more)}: {size_told(free)} are free, "
                f"and {self._limits.keep_free} are to stay so. Ask whoever runs the server."
            )

    def seal(self, bundle: Bundle, by: Identity) -> Bundle:
        """Seal what `by` has brought, if it is what it was said to be.

        :raises IntegrityError: if a file lacks, or another came; nothing of it stays.
        :raises Refused: while a file of it is being received.
        """
        folder = self._folder(bundle.digest, by)
        if self.has_brought(bundle.digest, by) and not folder.exists():
            self._vault.verify(bundle)
            return bundle
        if not (folder / "files").is_dir():
            raise IntegrityError(f"No file of {bundle.digest[:12]} was received.")
        with self._holding(folder, fcntl.LOCK_EX):
            try:
                sealed = self._vault.seal(folder / "files", expected=bundle.digest)
                self.remember(bundle.digest, by)
            finally:
                self._remove(folder)
        return sealed

    def left(self) -> list[Path]:
        """Uploads that nobody has gone on with for as long as the settings say."""
        oldest = time.time() - self._limits.idle_hours * 3600
        folders = [f for f in self._root.glob("*") if not f.name.startswith(".")]
        return [f for f in folders if _last_active(f) < oldest]

    def sweep(self) -> list[Path]:
        """Remove what :meth:`left` tells of, but what is under way after all; what it was."""
        for rest in self._root.glob(".swept-*"):  # of a sweep that was itself cut
            shutil.rmtree(rest, ignore_errors=True)
        return [folder for folder in self.left() if self._swept(folder)]

    def _swept(self, folder: Path) -> bool:
        try:
            with self._holding(folder, fcntl.LOCK_EX, touch=False):
                if folder not in self.left():
                    return False
                self._remove(folder)
        except Refused:
            return False
        return True

    def _remove(self, folder: Path) -> None:
        """Out of the way by one rename, so that nobody goes on with half of it."""
        swept = self._root / f".{new_id('swept')}"
        os.replace(folder, swept)
        shutil.rmtree(swept, ignore_errors=True)

    @contextmanager
    def _holding(self, folder: Path, how: int, *, touch: bool = True) -> Iterator[None]:
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "lock"
            try:
                file = path.open("a")
            except FileNotFoundError:
                continue  # it was sealed or swept this very moment
            with file:
                try:
                    fcntl.flock(file, how | fcntl.LOCK_NB)
                except OSError as error:
                    raise Refused(
                        "This very content is being received or sealed at the moment. Try again "
                        "when that is done."
                    ) from error
                if not _is_still(file.fileno(), path):
                    continue
                if touch:
                    os.utime(path)
                try:
                    yield
                finally:
                    if touch and _is_still(file.fileno(), path):
                        os.utime(path)
                return

    def _used(self, by: Identity, anew: str | None) -> tuple[int, int]:
        """How many files and folders `by` has under way, and how much of the disk they take."""
        found = [
            os.path.getsize(os.path.join(folder, name))
            for upload in self._root.glob(f"*-{_short(by)}")
            if anew is None or upload != self._folder(anew, by)
            for folder, folders, names in os.walk(upload)
            for name in (*names, *(folders if folder != str(upload) else ()))
            if name != "lock"
        ]
        return len(found), sum(max(size, _BLOCK) for size in found)

    def _folder(self, content_digest: str, by: Identity) -> Path:
        return self._root / f"{content_digest}-{_short(by)}"

    def _mark(self, content_digest: str, by: Identity) -> Path:
        return self._brought / f"{content_digest}-{_short(by)}"


def _short(by: Identity) -> str:
    return digest_bytes(by.name.encode())[:32]


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one at `path`: another may have been made there since."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _last_active(folder: Path) -> float:
    for path in (folder / "lock", folder):
        try:
            return path.stat().st_mtime
        except FileNotFoundError:
            continue
    return time.time()
