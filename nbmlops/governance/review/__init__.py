"""How a submission stands: its evidence, its findings, and what is still missing."""

from nbmlops.governance.review.dossier import EVIDENCE_FILE, verify_dossier
from nbmlops.governance.review.evidence import gather_evidence
from nbmlops.governance.review.findings import finding_objections, resolution_objections
from nbmlops.governance.review.review import assemble_review, clock_objection

__all__ = [
    "EVIDENCE_FILE",
    "assemble_review",
    "clock_objection",
    "finding_objections",
    "gather_evidence",
    "resolution_objections",
    "verify_dossier",
]
