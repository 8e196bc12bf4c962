"""The vault: folders kept under the digest of their content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from blake3 import blake3

from nbmlops.errors import IntegrityError
from nbmlops.records import Bundle, BundleFile, digest, new_id

__all__ = ["Vault"]


class Vault:
    """A folder of folders, each named by the digest over its files' paths, digests and sizes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, content_digest: str) -> Path:
        """Where the content with that digest lies, or would lie."""
        return self._root / content_digest

    def staging(self) -> Path:
        """A new empty folder on the vault's own disk, to be filled and then sealed."""
        folder = self._root / f".{new_id('staging')}"
        folder.mkdir(parents=True)
        return folder

    def seal(self, folder: Path) -> Bundle:
        """Move `folder` into the vault, read-only, and name its content.

        The move is one rename, so a crash leaves the whole content or none of it.

        :raises IntegrityError: if the folder holds a symbolic link, whose target could change.
        """
        files = tuple(_read_files(folder))
        bundle = Bundle(digest=digest(files), files=files)
        target = self.path(bundle.digest)
        if target.exists():
            shutil.rmtree(folder)
            self.verify(bundle)
            return bundle
        for file in files:
            (folder / file.path).chmod(0o444)
        os.replace(folder, target)
        return bundle

    def verify(self, bundle: Bundle) -> None:
        """Read `bundle` again, every byte.

        :raises IntegrityError: naming the first file that is missing, added or changed.
        """
        folder = self.path(bundle.digest)
        if not folder.is_dir():
            raise IntegrityError(
                f"The sealed content {bundle.digest[:12]} is not in the vault {self._root}. "
                "Promote the run again."
            )
        found = {file.path: file for file in _read_files(folder)}
        expected = {file.path: file for file in bundle.files}
        for path in sorted(found.keys() | expected.keys()):
            if found.get(path) != expected.get(path):
                what = (
                    "is missing"
                    if path not in found
                    else "was added"
                    if path not in expected
                    else "was changed"
                )
                raise IntegrityError(
                    f"The sealed content {bundle.digest[:12]} was tampered with: {path} {what}."
                )
        if digest(bundle.files) != bundle.digest:
            raise IntegrityError(
                f"The list of files of {bundle.digest[:12]} is not the one that was sealed."
            )


def _read_files(folder: Path) -> list[BundleFile]:
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise IntegrityError(f"{path} is a symbolic link; put the file itself there.")
        if path.is_file():
            hasher = blake3(max_threads=blake3.AUTO)
            hasher.update_mmap(path)
            files.append(
                BundleFile(
                    path=path.relative_to(folder).as_posix(),
                    digest=hasher.hexdigest(),
                    size=path.stat().st_size,
                )
            )
    return files
