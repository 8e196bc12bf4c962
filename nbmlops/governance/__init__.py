"""WHO says that it may go? Evidence, policy, sign-offs, ledger, gate."""

from nbmlops.governance.acting import acting, current_actor
from nbmlops.governance.artifact_roots import VAULT_NAME, ArtifactRoots, inside
from nbmlops.governance.chain import GENESIS, Link, open_link, seal, verify
from nbmlops.governance.checkpoint import check_against, take_checkpoint
from nbmlops.governance.checkpoint_places import keep_checkpoint, newest_checkpoint
from nbmlops.governance.custom_checks import installed_checks
from nbmlops.governance.dossier import EVIDENCE_FILE, verify_dossier
from nbmlops.governance.envelope import sign
from nbmlops.governance.evidence import gather_evidence
from nbmlops.governance.findings import finding_objections, resolution_objections
from nbmlops.governance.gate import MODEL_FOLDER, Gate, alias_missing
from nbmlops.governance.history import History, find
from nbmlops.governance.key_store import KeyStore
from nbmlops.governance.keys import SigningKey
from nbmlops.governance.ledger import Ledger
from nbmlops.governance.ledger_export import read_export, write_export
from nbmlops.governance.mlflow_registry import MlflowRegistry, RegisteredVersion
from nbmlops.governance.policy import Demands, Policy
from nbmlops.governance.policy_file import (
    POLICY_FILE,
    drafted_policy,
    policy_schema,
    policy_text,
    read_policy,
)
from nbmlops.governance.proofs import check_proof, prove_consistency, prove_inclusion
from nbmlops.governance.publication import (
    policy_in_force,
    publication_objection,
    publication_payload,
    published_policies,
    require_unchanged,
)
from nbmlops.governance.reader import HistoryReader
from nbmlops.governance.review import assemble_review, clock_objection
from nbmlops.governance.statement import make_statement
from nbmlops.governance.telling import kind_of, subject_of, tell
from nbmlops.governance.trust import rotation_payload, signed_exactly, trusted_keys
from nbmlops.governance.vault import Vault

__all__ = [
    "EVIDENCE_FILE",
    "GENESIS",
    "MODEL_FOLDER",
    "POLICY_FILE",
    "VAULT_NAME",
    "ArtifactRoots",
    "Demands",
    "Gate",
    "History",
    "HistoryReader",
    "KeyStore",
    "Ledger",
    "Link",
    "MlflowRegistry",
    "Policy",
    "RegisteredVersion",
    "SigningKey",
    "Vault",
    "acting",
    "alias_missing",
    "assemble_review",
    "check_against",
    "check_proof",
    "clock_objection",
    "current_actor",
    "drafted_policy",
    "find",
    "finding_objections",
    "gather_evidence",
    "inside",
    "installed_checks",
    "keep_checkpoint",
    "kind_of",
    "make_statement",
    "newest_checkpoint",
    "open_link",
    "policy_in_force",
    "policy_schema",
    "policy_text",
    "prove_consistency",
    "prove_inclusion",
    "publication_objection",
    "publication_payload",
    "published_policies",
    "read_export",
    "read_policy",
    "require_unchanged",
    "resolution_objections",
    "rotation_payload",
    "seal",
    "sign",
    "signed_exactly",
    "subject_of",
    "take_checkpoint",
    "tell",
    "trusted_keys",
    "verify",
    "verify_dossier",
    "write_export",
]
