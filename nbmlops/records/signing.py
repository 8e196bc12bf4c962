"""Nouns of signing: who put their hand under it, and how that is proved?"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from nbmlops.records.codec import Record


class Identity(Record, frozen=True, kw_only=True):
    """Who did it, and who vouches for the name.

    ``self`` means that the person's own machine said so; ``server`` that a server authenticated it.
    `roles` are those that the server gives the person; nobody's own machine can give any.
    """

    name: str
    asserted_by: Literal["self", "server"] = "self"
    roles: tuple[str, ...] = ()


class Signature(Record, frozen=True, kw_only=True):
    """One signature of a DSSE envelope: the key's id, and the signature in base64."""

    keyid: str
    sig: str


class Envelope(Record, frozen=True, kw_only=True, rename="camel"):
    """A DSSE envelope: `payload` is base64 of the signed bytes, which `payload_type` names."""

    payload: str
    payload_type: str
    signatures: tuple[Signature, ...]


class PublicKey(Record, frozen=True, kw_only=True):
    """A reviewer's public key: `text` is ``ed25519:`` and the base64 of its 32 bytes.

    `id` names it in short; it is computed from the key.
    """

    id: str
    owner: str
    text: str
    created: datetime


class KeyRevocation(Record, frozen=True, kw_only=True):
    """A key that nobody may trust any more, whatever it signed and whenever.

    It holds with and without a signature, which `envelope` has.
    """

    key_id: str
    reason: str
    by: Identity
    at: datetime
    envelope: Envelope | None = None


class KeyRotation(Record, frozen=True, kw_only=True):
    """A key that took over from another; the old one signed the new one's public part."""

    old_key_id: str
    new: PublicKey
    envelope: Envelope
    by: Identity
    at: datetime
