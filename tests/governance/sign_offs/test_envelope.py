"""The signed envelope: no byte of it may change."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import KEYS

from nbmlops.governance import sign
from nbmlops.governance.sign_offs.envelope import is_signed_by
from nbmlops.records import (
    Envelope,
    Signature,
    encode,
)


def test_an_envelope_is_verified_as_dsse_says() -> None:
    """The payload's type is signed too, and any byte of payload or signature counts."""
    key = KEYS["grace"]
    envelope = sign(b"payload", key)
    assert is_signed_by(envelope, key.public.text)
    assert not is_signed_by(envelope, KEYS["alan"].public.text)
    other_type = msgspec.structs.replace(envelope, payload_type="text/plain")
    assert not is_signed_by(other_type, key.public.text)
    assert encode(envelope).startswith(b'{"payload":"cGF5bG9hZA==","payloadType":"application/')


@settings(max_examples=60, deadline=None)
@given(payload=st.binary(max_size=200), position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_verifies(payload: bytes, position: int, bit: int) -> None:
    """In the payload or in the signature; the untouched envelope does."""
    key = KEYS["grace"]
    envelope = sign(payload, key)
    assert is_signed_by(envelope, key.public.text)
    signature = base64.b64decode(envelope.signatures[0].sig)
    whole = bytearray(payload + signature)
    whole[position % len(whole)] ^= 1 << bit
    flipped = Envelope(
        payload=base64.b64encode(bytes(whole[: len(payload)])).decode(),
        payload_type=envelope.payload_type,
        signatures=(
            Signature(
                keyid=key.public.id, sig=base64.b64encode(bytes(whole[len(payload) :])).decode()
            ),
        ),
    )
    assert not is_signed_by(flipped, key.public.text)


@pytest.mark.parametrize("text", ["", "not base64!", "A===", "é"])
def test_what_is_no_base64_is_nobodys_signature(text: str) -> None:
    """No traceback from a hostile envelope."""
    key = KEYS["grace"]
    envelope = sign(b"payload", key)
    broken = msgspec.structs.replace(
        envelope, signatures=(Signature(keyid=key.public.id, sig=text),)
    )
    assert not is_signed_by(broken, key.public.text)
    assert not is_signed_by(msgspec.structs.replace(envelope, payload=text), key.public.text)
