"""Who signed what: people's keys, and the statements that they put their names to."""

from nbmlops.governance.sign_offs.checkpoint import (
    checkpoint_objection,
    sign_checkpoint,
    signer_of,
)
from nbmlops.governance.sign_offs.decision import (
    resolution_payload,
    revocation_payload,
    withdrawal_payload,
)
from nbmlops.governance.sign_offs.envelope import is_signed_by, payload_of, sign, signed_exactly
from nbmlops.governance.sign_offs.key_store import KeyStore
from nbmlops.governance.sign_offs.keys import SigningKey, key_id
from nbmlops.governance.sign_offs.statement import (
    Predicate,
    Statement,
    endorse,
    make_statement,
    read_statement,
)

__all__ = [
    "KeyStore",
    "Predicate",
    "SigningKey",
    "Statement",
    "checkpoint_objection",
    "endorse",
    "is_signed_by",
    "key_id",
    "make_statement",
    "payload_of",
    "read_statement",
    "resolution_payload",
    "revocation_payload",
    "sign",
    "sign_checkpoint",
    "signed_exactly",
    "signer_of",
    "withdrawal_payload",
]
