"""A reviewer's own keys, in a folder of theirs that nobody else may read."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from nbmlops.errors import NotFound, SettingsError
from nbmlops.governance.sign_offs.keys import SigningKey, create_key, open_key
from nbmlops.records import PublicKey, decode, encode, now

__all__ = ["KeyStore"]

MINIMUM_PASSPHRASE = 8
"""Characters that a passphrase must have."""


class KeyStore:
    """Private keys, each encrypted with its passphrase, and their public halves beside them.

    The folder is on the reviewer's side, outside any project, so that no repository, server or
    backup of a project ever holds a key.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, owner: str, passphrase: str) -> PublicKey:
        """Make a key for `owner`; mode 0600, in a folder of mode 0700.

        :raises SettingsError: if the passphrase is too short, or the folder cannot be written.
        """
        if len(passphrase) < MINIMUM_PASSPHRASE:
            raise SettingsError(
                f"A passphrase needs at least {MINIMUM_PASSPHRASE} characters: it is all that "
                "stands between a copied file and your signature."
            )
        key = create_key(owner, now())
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
            _write(self._private(key.public.id), key.sealed(passphrase))
            _write(self._public(key.public.id), encode(key.public))
        except OSError as error:
            raise SettingsError(f"The keys' folder {self.folder} cannot be used: {error}.") from (
                error
            )
        return key.public

    def list(self) -> list[PublicKey]:
        """The keys that are here, oldest first."""
        if not self.folder.is_dir():
            return []
        found = [_read(path) for path in self.folder.glob("*.pub.json")]
        return sorted(found, key=lambda key: key.created)

    def find(self, key: str) -> PublicKey:
        """The key whose id begins with `key`, or the newest one of the owner `key`.

        :raises NotFound: if there is none.
        """
        fits = [k for k in self.list() if k.owner == key or (key and k.id.startswith(key))]
        if not fits:
            raise NotFound(f"There is no key {key!r} in {self.folder}: nbmlops keys create.")
        return fits[-1]

    def unlock(self, key: str, passphrase: str) -> SigningKey:
        """Open a key for signing.

        :raises NotFound: if there is none.
        :raises SettingsError: if the passphrase is wrong, or others may read the file.
        """
        public = self.find(key)
        path = self._private(public.id)
        try:
            if path.stat().st_mode & 0o077:
                raise SettingsError(
                    f"{path} may be read by others, so it may be no longer yours alone. Revoke it "
                    f"(nbmlops keys revoke {public.id}), or if you are sure: chmod 600 {path}."
                )
            return open_key(public, path.read_bytes(), passphrase)
        except OSError as error:
            raise SettingsError(f"Key {public.id} cannot be read: {error}.") from error

    def _private(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.pem"

    def _public(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.pub.json"


def _write(path: Path, content: bytes) -> None:
    """Write a new file that was never readable to anybody else, not even for a moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fsync(file.fileno())


def _read(path: Path) -> PublicKey:
    try:
        return decode(path.read_bytes(), PublicKey)
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(f"{path} is not a public key: {error}. Move it away.") from error
