"""DSSE envelopes: bytes under a signature, with their type. No I/O.

The Dead Simple Signing Envelope, version 1 (https://github.com/secure-systems-lab/dsse): what is
signed is the pre-authentication encoding of type and payload, so neither can be read as the other.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from cryptography.exceptions import InvalidSignature

from nbmlops.governance.sign_offs.keys import SigningKey, load_public
from nbmlops.records import Envelope, Signature

__all__ = ["is_signed_by", "payload_of", "sign", "signed_exactly"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def sign(payload: bytes, key: SigningKey) -> Envelope:
    """Put `payload` under the signature of `key`."""
    return Envelope(
        payload=b64encode(payload).decode(),
        payload_type=PAYLOAD_TYPE,
        signatures=(
            Signature(
                keyid=key.public.id,
                sig=b64encode(key.sign(_encoded(PAYLOAD_TYPE, payload))).decode(),
            ),
        ),
    )


def payload_of(envelope: Envelope) -> bytes:
    """The signed bytes; empty where they are no base64, which nothing signs."""
    return _decoded(envelope.payload)


def is_signed_by(envelope: Envelope, public: str) -> bool:
    """Whether the public key `public` made one of the envelope's signatures."""
    if envelope.payload_type != PAYLOAD_TYPE:
        return False
    key, signed = load_public(public), _encoded(PAYLOAD_TYPE, payload_of(envelope))
    for signature in envelope.signatures:
        try:
            key.verify(_decoded(signature.sig), signed)
        except InvalidSignature:
            continue
        return True
    return False


def signed_exactly(envelope: Envelope, payload: bytes, public: str) -> bool:
    """Whether `public` signed exactly `payload`."""
    return payload_of(envelope) == payload and is_signed_by(envelope, public)


def _encoded(kind: str, payload: bytes) -> bytes:
    return b"DSSEv1 %d %b %d %b" % (len(kind.encode()), kind.encode(), len(payload), payload)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
