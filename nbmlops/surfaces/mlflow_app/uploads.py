"""How a bundle comes from a client into the server's vault: file by file, sealed as a whole."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread

from nbmlops.errors import Refused
from nbmlops.governance import Incoming, inside_as_spelled
from nbmlops.records import Bundle, Identity
from nbmlops.workspace import Workspace

__all__ = ["Uploads"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DEEPEST = 64  # folders in one another: whatever follows a tree calls itself once for each
_LOOK = 64_000_000  # bytes after which the limit and the disk are looked at again


class Uploads:
    """The way into the vault for those who have no disk in common with it."""

    def __init__(self, workspace: Workspace) -> None:
        self._vault = workspace.stores.vault
        self._incoming: Incoming = workspace.stores.incoming

    def has(self, content_digest: str, by: Identity, size: int) -> bool:
        """Whether `by` need not bring that content, of `size` bytes.

        :raises TooLarge: if it is more than may be brought at once.
        :raises StoreFull: if there is no room for it.
        """
        if self.brought(content_digest, by):
            return True
        self._incoming.require_room(by, size, anew=content_digest)
        return False

    def brought(self, content_digest: str, by: Identity) -> bool:
        """Whether the vault holds it, and `by` has brought all of it once."""
        there = self._vault.path(_checked(content_digest)).is_dir()
        return there and self._incoming.has_brought(content_digest, by)

    async def receive(
        self,
        content_digest: str,
        path: str,
        by: Identity,
        chunks: AsyncIterator[bytes],
        announced: int = 0,
    ) -> dict[str, int]:
        """Write one file; a file that comes again takes the place of what came before.

        One that does not come whole leaves nothing. `announced` is how many bytes are to come.

        :raises Refused: if the path leads elsewhere, or cannot be a file beside what came before.
        :raises TooLarge: if it is more than may be brought at once.
        :raises StoreFull: if there is no room for it.
        """
        parts = inside_as_spelled(path)
        if not parts:
            raise Refused(f"{path!r} names no file.")
        if len(parts) > _DEEPEST:
            raise Refused(
                f"{path[:200]!r}… lies in {len(parts) - 1} folders; {_DEEPEST - 1} are as deep as "
                "content may be. Keep the model's files nearer to its top."
            )
        size, looked = 0, 0
        with self._incoming.receiving(_checked(content_digest), by) as (part, folder):
            target = folder.joinpath(*parts)
            try:
                before = target.stat().st_size if target.is_file() else 0
                await anyio.to_thread.run_sync(self._incoming.require_room, by, announced - before)
                target.parent.mkdir(parents=True, exist_ok=True)
                async with await anyio.open_file(part, "wb") as file:
                    async for chunk in chunks:
                        size += await file.write(chunk)
                        if size - looked >= _LOOK:
                            looked = size
                            await anyio.to_thread.run_sync(self._incoming.require_room, by, -before)
                # A client that announced nothing is held to the limit by what came.
                await anyio.to_thread.run_sync(self._incoming.require_room, by, -before)
                os.replace(part, target)
            except OSError as error:
                raise Refused(f"{path[:200]!r} cannot be kept here: {error.strerror}.") from error
        return {"size": size}

    def seal(self, content_digest: str, bundle: Bundle, by: Identity) -> Bundle:
        """Seal what was received, if it is what it was said to be.

        :raises IntegrityError: if a file lacks, or another came; nothing of it stays.
        """
        if bundle.digest != _checked(content_digest):
            raise Refused(f"The list of files is not that of {content_digest[:12]}.")
        return self._incoming.seal(bundle, by)

    def files(self, bundle: Bundle, by: Identity) -> list[Path]:
        """Where the files lie that `by` has brought.

        :raises Refused: if they have not: naming another's content must not hand it out.
        :raises IntegrityError: if it is not in the vault as it is said to be.
        """
        if not self.brought(bundle.digest, by):
            raise Refused(f"{by.name} has not brought {bundle.digest[:12]}. Send its files first.")
        self._vault.verify(bundle)
        return [self._vault.path(bundle.digest) / file.path for file in bundle.files]


def _checked(content_digest: str) -> str:
    if not _DIGEST.fullmatch(content_digest):
        raise Refused(f"{content_digest!r} is no digest.")
    return content_digest
