"""The ledger as a page and as a table for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import IO, Any

import msgspec

from nbmlops.governance import kind_of, subject_of, tell
from nbmlops.records import ChainReport, Checkpoint, LedgerEntry, encode
from nbmlops.surfaces.reports.pages import stream_page

__all__ = ["write_audit_csv", "write_audit_html"]

# What a spreadsheet would take for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_audit_csv(entries: Iterable[LedgerEntry], file: IO[str]) -> None:
    """Write one fact a row: number, instant, actor, kind, subject, sentence, digest."""
    writer = csv.writer(file)
    writer.writerow(["fact", "at", "actor", "kind", "subject", "what", "digest"])
    for entry in entries:
        row = [entry.actor, kind_of(entry.fact), subject_of(entry.fact), tell(entry.fact)]
        safe = [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row]
        writer.writerow([entry.sequence, entry.at.isoformat(), *safe, entry.digest])


def write_audit_html(
    entries: Iterable[LedgerEntry],
    file: IO[str],
    *,
    project: str,
    report: ChainReport,
    checkpoint: Checkpoint | None,
) -> None:
    """Write a page that needs nothing else: how the chain stands, and every fact."""
    stream = stream_page(
        "audit.html",
        project=project,
        report=report,
        checkpoint=checkpoint,
        rows=map(_row, entries),
    )
    for piece in stream:
        file.write(piece)


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "sequence": entry.sequence,
        "at": f"{entry.at:%Y-%m-%d %H:%M:%S}",
        "actor": entry.actor,
        "kind": kind_of(entry.fact),
        "subject": subject_of(entry.fact),
        "what": tell(entry.fact),
        "digest": entry.digest,
        "whole": msgspec.json.format(encode(entry.fact), indent=2).decode(),
    }
