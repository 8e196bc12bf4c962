"""Ed25519 keys: their text, their ids, and the private half in memory. No I/O."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from nbmlops.errors import SettingsError
from nbmlops.records import PublicKey

__all__ = ["SigningKey", "create_key", "key_id", "load_public", "open_key"]

_PREFIX = "ed25519:"


class SigningKey:
    """A reviewer's key, unlocked. Its private half is never shown, encoded or logged."""

    def __init__(self, public: PublicKey, private: Ed25519PrivateKey) -> None:
        self.public = public
        self._private = private

    def __repr__(self) -> str:
        return f"SigningKey({self.public.id} of {self.public.owner})"

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature over `message`."""
        return self._private.sign(message)

    def sealed(self, passphrase: str) -> bytes:
        """The private half as PKCS #8 in PEM, encrypted with the best scheme there is."""
        return self._private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())
        )


def create_key(owner: str, created: datetime) -> SigningKey:
    """Make a new key for `owner`."""
    private = Ed25519PrivateKey.generate()
    text = _PREFIX + b64encode(private.public_key().public_bytes_raw()).decode()
    public = PublicKey(id=key_id(text), owner=owner, text=text, created=created)
    return SigningKey(public, private)


def open_key(public: PublicKey, sealed: bytes, passphrase: str) -> SigningKey:
    """Decrypt a private half.

    :raises SettingsError: if the passphrase is wrong, or the key is not the one of `public`.
    """
    try:
        private = load_pem_private_key(sealed, passphrase.encode() or None)
    except (ValueError, TypeError) as error:
        # cryptography's message could quote the passphrase's length or the file's content.
        raise SettingsError(
            f"Key {public.id} cannot be opened: the passphrase is wrong, or the file is damaged."
        ) from error
    if not isinstance(private, Ed25519PrivateKey) or private.public_key() != load_public(
        public.text
    ):
        raise SettingsError(
            f"Key {public.id} does not fit its public half. Create another: nbmlops keys create."
        )
    return SigningKey(public, private)


def load_public(text: str) -> Ed25519PublicKey:
    """Read a public key from ``ed25519:BASE64``.

    :raises SettingsError: if it is not one.
    """
    try:
        raw = b64decode(text.removeprefix(_PREFIX), validate=True)
        if text.startswith(_PREFIX):
            return Ed25519PublicKey.from_public_bytes(raw)
    except (binascii.Error, ValueError):
        pass
    raise SettingsError(
        f"{text[:80]!r} is not a public key. nbmlops keys export prints one: ed25519: and 44 "
        "characters."
    )


def key_id(text: str) -> str:
    """A public key's short name: 16 hex characters of its SHA-256."""
    return sha256(load_public(text).public_bytes_raw()).hexdigest()[:16]
