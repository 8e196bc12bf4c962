"""Every noun, frozen: the contract of wire, disk and TypeScript in one place.

One module per room; import the names from here.
"""

from nbmlops.records.codec import (
    Record,
    decode,
    digest,
    digest_bytes,
    encode,
    new_id,
    now,
    to_plain,
)
from nbmlops.records.data import ColumnFingerprint, Fingerprint
from nbmlops.records.facts import (
    ChainReport,
    Executed,
    Fact,
    LedgerEntry,
    Promoted,
    RefusalRecorded,
    Registered,
    Scheduled,
    SignedOff,
    Submitted,
)
from nbmlops.records.governance import (
    Evidence,
    Identity,
    Registration,
    Review,
    ReviewStatus,
    SignOff,
    Submission,
    Verdict,
)
from nbmlops.records.promotion import Bundle, BundleFile, CleanRun, MetricAgreement, Promotion
from nbmlops.records.scheduling import Execution, Schedule
from nbmlops.records.tracking import (
    CellRecord,
    DataInput,
    Environment,
    Gap,
    GitState,
    Metric,
    Parameter,
    Scalar,
    TrackedRun,
)

__all__ = [
    "Bundle",
    "BundleFile",
    "CellRecord",
    "ChainReport",
    "CleanRun",
    "ColumnFingerprint",
    "DataInput",
    "Environment",
    "Evidence",
    "Executed",
    "Execution",
    "Fact",
    "Fingerprint",
    "Gap",
    "GitState",
    "Identity",
    "LedgerEntry",
    "Metric",
    "MetricAgreement",
    "Parameter",
    "Promoted",
    "Promotion",
    "Record",
    "RefusalRecorded",
    "Registered",
    "Registration",
    "Review",
    "ReviewStatus",
    "Scalar",
    "Schedule",
    "Scheduled",
    "SignOff",
    "SignedOff",
    "Submission",
    "Submitted",
    "TrackedRun",
    "Verdict",
    "decode",
    "digest",
    "digest_bytes",
    "encode",
    "new_id",
    "now",
    "to_plain",
]
