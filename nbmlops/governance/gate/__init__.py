"""The registry's gate: MLflow's own store and server, behind the rule of who may go in."""

from nbmlops.governance.gate.acting import acting, current_actor
from nbmlops.governance.gate.artifact_roots import (
    VAULT_NAME,
    ArtifactRoots,
    inside_as_spelled,
    sealed_parts,
)
from nbmlops.governance.gate.entering import alias_move_of, registration_of, version_tags
from nbmlops.governance.gate.gate import Gate, alias_missing
from nbmlops.governance.gate.mlflow_registry import MlflowRegistry, RegisteredVersion

__all__ = [
    "VAULT_NAME",
    "ArtifactRoots",
    "Gate",
    "MlflowRegistry",
    "RegisteredVersion",
    "acting",
    "alias_missing",
    "alias_move_of",
    "current_actor",
    "inside_as_spelled",
    "registration_of",
    "sealed_parts",
    "version_tags",
]
