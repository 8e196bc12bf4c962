"""Nouns of the audit: short proofs about the ledger, which need no access to it."""

from __future__ import annotations

from nbmlops.records.codec import Record


class InclusionProof(Record, frozen=True, kw_only=True, tag_field="proof", tag="inclusion"):
    """That one fact stands in the ledger whose checkpoint has `facts` facts and `root`.

    `entry` is the fact's sealed JSON, verbatim; `path` the RFC 6962 audit path, hex, upwards from
    the fact's sibling.
    """

    sequence: int
    entry: str
    facts: int
    root: str
    path: tuple[str, ...]


class ConsistencyProof(Record, frozen=True, kw_only=True, tag_field="proof", tag="consistency"):
    """That the ledger of `second` facts only continued the one of `first` facts (RFC 6962, hex)."""

    first: int
    first_root: str
    second: int
    second_root: str
    path: tuple[str, ...]
