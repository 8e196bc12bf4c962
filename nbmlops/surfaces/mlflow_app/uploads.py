"""How a bundle comes from a client into the server's vault: file by file, sealed as a whole."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import anyio

from nbmlops.errors import IntegrityError, Refused
from nbmlops.governance import inside
from nbmlops.records import Bundle, Identity, digest, digest_bytes
from nbmlops.workspace import Workspace

__all__ = ["Uploads"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Uploads:
    """Folders on the vault's disk that are being filled, one for each person and content."""

    def __init__(self, workspace: Workspace) -> None:
        self._vault = workspace.stores.vault
        self._root = workspace.settings.bundles

    def has(self, content_digest: str) -> bool:
        """Whether the vault holds that content."""
        return self._vault.path(_checked(content_digest)).is_dir()

    async def receive(
        self, content_digest: str, path: str, by: Identity, chunks: AsyncIterator[bytes]
    ) -> dict[str, int]:
        """Write one file; a file that comes again takes the place of what came before.

        :raises Refused: if the path leads elsewhere, or cannot be a file beside what came before.
        """
        parts = inside(path)
        if not parts:
            raise Refused(f"{path!r} names no file.")
        target = self._folder(content_digest, by).joinpath(*parts)
        size = 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            async with await anyio.open_file(target, "wb") as file:
                async for chunk in chunks:
                    size += await file.write(chunk)
        except OSError as error:
            raise Refused(f"{path[:200]!r} cannot be kept here: {error.strerror}.") from error
        return {"size": size}

    def seal(self, content_digest: str, bundle: Bundle, by: Identity) -> Bundle:
        """Seal what was received, if it is what it was said to be.

        :raises IntegrityError: if a file lacks, or another came; nothing of it stays.
        """
        if bundle.digest != content_digest or digest(bundle.files) != content_digest:
            raise IntegrityError(f"The list of files is not that of {content_digest[:12]}.")
        if self.has(content_digest):
            self._vault.verify(bundle)
            return bundle
        folder = self._folder(content_digest, by)
        if not folder.is_dir():
            raise IntegrityError(f"No file of {content_digest[:12]} was received.")
        return self._vault.seal(folder, expected=content_digest)

    def files(self, bundle: Bundle) -> list[Path]:
        """Where the files of sealed content lie.

        :raises IntegrityError: if it is not in the vault as it is said to be.
        """
        self._vault.verify(bundle)
        return [self._vault.path(bundle.digest) / file.path for file in bundle.files]

    def _folder(self, content_digest: str, by: Identity) -> Path:
        who = digest_bytes(by.name.encode())[:16]
        return self._root / f".upload-{_checked(content_digest)}-{who}"


def _checked(content_digest: str) -> str:
    if not _DIGEST.fullmatch(content_digest):
        raise Refused(f"{content_digest!r} is no digest.")
    return content_digest
