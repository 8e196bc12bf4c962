"""The sealed dossier of a submission: whether it still is what was submitted."""

from __future__ import annotations

import msgspec

from nbmlops.errors import IntegrityError
from nbmlops.governance.vault import Vault
from nbmlops.records import Evidence, Submission, decode

__all__ = ["EVIDENCE_FILE", "verify_dossier"]

EVIDENCE_FILE = "evidence.json"
"""The evidence's path inside a dossier."""


def verify_dossier(vault: Vault, submission: Submission) -> None:
    """Read a submission's dossier again, every byte; without one there is nothing to read.

    :raises IntegrityError: if a file was changed, or the ledger tells of other evidence.
    """
    dossier = submission.dossier
    if dossier is None:
        return
    vault.verify(dossier)
    try:
        sealed = decode((vault.path(dossier.digest) / EVIDENCE_FILE).read_bytes(), Evidence)
    except (OSError, msgspec.MsgspecError) as error:
        raise IntegrityError(
            f"The dossier {dossier.digest[:12]} holds no evidence that can be read: {error}."
        ) from error
    if sealed != submission.evidence:
        raise IntegrityError(
            f"The evidence of {submission.id} on the ledger is not what its dossier "
            f"{dossier.digest[:12]} holds. Compare the ledger with a copy kept elsewhere."
        )
