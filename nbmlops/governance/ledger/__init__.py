"""What happened, as an append-only chain of facts, and what it adds up to."""

from nbmlops.governance.ledger.chain import GENESIS, Link, open_link, seal, verify
from nbmlops.governance.ledger.checkpoint import check_against, survey, take_checkpoint
from nbmlops.governance.ledger.checkpoint_places import keep_checkpoint, newest_checkpoint
from nbmlops.governance.ledger.export import read_export, write_export
from nbmlops.governance.ledger.history import History, find
from nbmlops.governance.ledger.ledger import Ledger
from nbmlops.governance.ledger.proofs import check_proof, prove_consistency, prove_inclusion
from nbmlops.governance.ledger.reader import HistoryReader
from nbmlops.governance.ledger.telling import how_given, kind_of, subject_of, tell

__all__ = [
    "GENESIS",
    "History",
    "HistoryReader",
    "Ledger",
    "Link",
    "check_against",
    "check_proof",
    "find",
    "how_given",
    "keep_checkpoint",
    "kind_of",
    "newest_checkpoint",
    "open_link",
    "prove_consistency",
    "prove_inclusion",
    "read_export",
    "seal",
    "subject_of",
    "survey",
    "take_checkpoint",
    "tell",
    "verify",
    "write_export",
]
