"""The cells that were executed in this session, as they ran; read closely only when asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from nbmlops.records import CellRecord, digest_bytes
from nbmlops.tracking.cellcode import CellCode, read_code
from nbmlops.tracking.redaction import hide_in_text

__all__ = ["CellHistory", "ExecutedCell"]


class ExecutedCell(msgspec.Struct, kw_only=True):
    """One execution, raw. `duration` is in seconds."""

    cell_id: str | None
    source: str
    execution_count: int
    order: int
    started: datetime
    duration: float = 0.0
    outcome: Literal["ok", "error"] = "ok"
    error: str | None = None
    files_read: list[str] = msgspec.field(default_factory=list)


class CellHistory:
    """The session's executed cells, by order. Parsing waits until a slice needs it."""

    def __init__(self) -> None:
        self.executed: list[ExecutedCell] = []
        self._code: dict[str, tuple[str, str, tuple[str, ...], CellCode]] = {}
        self._records: dict[int, CellRecord] = {}

    def add(self, cell: ExecutedCell) -> None:
        """Keep a cell that begins."""
        self.executed.append(cell)

    def record(self, cell: ExecutedCell) -> CellRecord:
        """The record of a cell, with its secrets hidden and its names read."""
        known = self._records.get(cell.order)
        if known is not None and cell is not self.executed[-1]:
            return known
        source, source_digest, _, code = self._read(cell.source)
        record = CellRecord(
            cell_id=cell.cell_id,
            source=source,
            source_digest=source_digest,
            execution_count=cell.execution_count,
            order=cell.order,
            started=cell.started,
            duration=cell.duration,
            outcome=cell.outcome,
            error=hide_in_text(cell.error)[0] if cell.error else None,
            reads=code.reads,
            writes=code.writes,
            files_read=tuple(dict.fromkeys(cell.files_read)),
        )
        self._records[cell.order] = record
        return record

    def records(self) -> list[CellRecord]:
        """All records, by order."""
        return [self.record(cell) for cell in self.executed]

    def code(self) -> Mapping[str, CellCode]:
        """What was read from each source, by source digest."""
        return {digest: code for _, digest, _, code in self._code.values()}

    def hidden(self, cell: ExecutedCell) -> tuple[str, ...]:
        """What was hidden in a cell's source."""
        return self._read(cell.source)[2]

    def _read(self, source: str) -> tuple[str, str, tuple[str, ...], CellCode]:
        if source not in self._code:
            # A front end may send what UTF-8 cannot hold; such a cell never runs, but it was sent.
            plain = source.encode("utf-8", "backslashreplace").decode()
            shown, hidden = hide_in_text(plain)
            self._code[source] = (shown, digest_bytes(shown.encode()), hidden, read_code(plain))
        return self._code[source]
