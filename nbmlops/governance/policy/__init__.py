"""What must be true before a model may go: the policy, and how it counts sign-offs."""

from nbmlops.governance.policy.cautions import policy_cautions
from nbmlops.governance.policy.counting import SKEW
from nbmlops.governance.policy.custom_checks import installed_checks
from nbmlops.governance.policy.file import (
    POLICY_FILE,
    drafted_policy,
    policy_schema,
    policy_text,
    read_policy,
)
from nbmlops.governance.policy.policy import Policy
from nbmlops.governance.policy.publication import (
    policy_in_force,
    publication_objection,
    publication_payload,
    published_policies,
    require_unchanged,
)
from nbmlops.governance.policy.starter import starter_policy
from nbmlops.governance.policy.terms import Demands
from nbmlops.governance.policy.trust import rotation_payload, same_person, trusted_keys

__all__ = [
    "POLICY_FILE",
    "SKEW",
    "Demands",
    "Policy",
    "drafted_policy",
    "installed_checks",
    "policy_cautions",
    "policy_in_force",
    "policy_schema",
    "policy_text",
    "publication_objection",
    "publication_payload",
    "published_policies",
    "read_policy",
    "require_unchanged",
    "rotation_payload",
    "same_person",
    "starter_policy",
    "trusted_keys",
]
