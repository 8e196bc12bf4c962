"""What a reviewer signs: an in-toto Statement about exactly one content. No I/O.

The Statement, version 1 (https://github.com/in-toto/attestation), names each file of the content
by its digest; its predicate, which is ours, says what was looked at, by whom, and what it allows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from nbmlops.errors import IntegrityError
from nbmlops.governance.sign_offs.envelope import payload_of
from nbmlops.records import (
    Envelope,
    Promotion,
    Record,
    SignOff,
    Submission,
    decode,
    digest,
    encode,
)

__all__ = [
    "Predicate",
    "Statement",
    "dossier_digest",
    "endorse",
    "make_statement",
    "read_statement",
]

NOTEBOOK = "notebook.ipynb"
"""The promoted notebook's path inside a bundle."""


class Subject(Record, frozen=True, kw_only=True):
    """One file that the statement is about."""

    name: str
    digest: dict[str, str]


class Predicate(Record, frozen=True, kw_only=True):
    """What was reviewed, by whom, and what the verdict allows.

    `files_digest` names the content as a whole, `dossier_digest` the evidence. `scopes` are
    ``register`` and ``alias:NAME``. `nonce` makes each statement the only one of its kind.
    """

    review_id: str
    model_name: str
    content_digest: str
    dossier_digest: str
    run_id: str
    notebook_digest: str
    data_digest: str
    author: str
    reviewer: str
    verdict: str
    comment: str
    scopes: tuple[str, ...]
    at: datetime
    expires: datetime | None
    nonce: str


class Statement(Record, frozen=True, kw_only=True, rename={"type": "_type"}):
    """An in-toto Statement."""

    type: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:nbmlops:sign-off:v1"] = msgspec.field(
        default="urn:nbmlops:sign-off:v1", name="predicateType"
    )
    predicate: Predicate


def make_statement(sign_off: SignOff, submission: Submission, promotion: Promotion) -> Statement:
    """The statement that `sign_off` makes about `submission`, whose content is `promotion`'s."""
    files = promotion.bundle.files
    return Statement(
        subject=tuple(Subject(name=f.path, digest={"blake3": f.digest}) for f in files),
        predicate=Predicate(
            review_id=submission.id,
            model_name=submission.model_name,
            content_digest=submission.content_digest,
            dossier_digest=dossier_digest(submission),
            run_id=promotion.run_id,
            notebook_digest=next((f.digest for f in files if f.path == NOTEBOOK), ""),
            data_digest=submission.evidence.data_digest,
            author=submission.author,
            reviewer=sign_off.by.name,
            verdict=sign_off.verdict,
            comment=sign_off.comment,
            scopes=sign_off.scopes,
            at=sign_off.at,
            expires=sign_off.expires,
            nonce=sign_off.nonce,
        ),
    )


def read_statement(envelope: Envelope) -> Statement:
    """The statement inside `envelope`; whether anybody signed it is another question.

    :raises IntegrityError: if it is not a statement of ours.
    """
    try:
        return decode(payload_of(envelope), Statement)
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"The signed statement cannot be read: {error}.") from error


def dossier_digest(submission: Submission) -> str:
    """The name of everything that the reviewer was shown."""
    return submission.dossier.digest if submission.dossier else digest(submission.evidence)


class Endorsement(Record, frozen=True, kw_only=True, rename={"type": "_type"}):
    """An in-toto Statement that only names something: a new key, or a policy's version."""

    type: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
    subject: tuple[Subject, ...]
    predicate_type: str = msgspec.field(name="predicateType")


def endorse(kind: Literal["key-rotation", "policy"], name: str, content: str) -> bytes:
    """The bytes to sign for `kind`, about `name` with the digest of `content`."""
    return encode(
        Endorsement(
            subject=(Subject(name=name, digest={"blake3": digest(content)}),),
            predicate_type=f"urn:nbmlops:{kind}:v1",
        )
    )
