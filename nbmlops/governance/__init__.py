"""WHO says that it may go? Evidence, policy, sign-offs, ledger, gate."""

from nbmlops.governance.acting import acting, current_actor
from nbmlops.governance.artifact_roots import VAULT_NAME, ArtifactRoots, inside
from nbmlops.governance.chain import GENESIS, Link, open_link, seal, verify
from nbmlops.governance.checkpoint import check_against, take_checkpoint
from nbmlops.governance.checkpoint_places import keep_checkpoint, newest_checkpoint
from nbmlops.governance.gate import MODEL_FOLDER, Gate
from nbmlops.governance.history import History, find
from nbmlops.governance.ledger import Ledger
from nbmlops.governance.ledger_export import read_export, write_export
from nbmlops.governance.mlflow_registry import MlflowRegistry
from nbmlops.governance.policy import Policy
from nbmlops.governance.proofs import check_proof, prove_consistency, prove_inclusion
from nbmlops.governance.reader import HistoryReader
from nbmlops.governance.review import assemble_review, gather_evidence
from nbmlops.governance.telling import kind_of, subject_of, tell
from nbmlops.governance.vault import Vault

__all__ = [
    "GENESIS",
    "MODEL_FOLDER",
    "VAULT_NAME",
    "ArtifactRoots",
    "Gate",
    "History",
    "HistoryReader",
    "Ledger",
    "Link",
    "MlflowRegistry",
    "Policy",
    "Vault",
    "acting",
    "assemble_review",
    "check_against",
    "check_proof",
    "current_actor",
    "find",
    "gather_evidence",
    "inside",
    "keep_checkpoint",
    "kind_of",
    "newest_checkpoint",
    "open_link",
    "prove_consistency",
    "prove_inclusion",
    "read_export",
    "seal",
    "subject_of",
    "take_checkpoint",
    "tell",
    "verify",
    "write_export",
]
