"""The cells that were executed in this session, as they ran; read closely only when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from nbmlops.records import CellRecord, digest_bytes
from nbmlops.tracking.code.cell import CellCode
from nbmlops.tracking.code.reader import read_code
from nbmlops.tracking.redaction import hide_in_text, literal_secrets
from nbmlops.tracking.session.artifacts import (
    SESSION_FILE,
    CellArtifacts,
    SessionCell,
    clean_outputs,
    output_files,
    session_file,
)
from nbmlops.tracking.session.chance import Chance, chance_between, random_states
from nbmlops.tracking.session.file_writers import writers_of
from nbmlops.tracking.session.lineage import Lineage
from nbmlops.tracking.session.outputs import Shown
from nbmlops.tracking.session.slicing import slice_in, take_cell

__all__ = ["CellHistory", "ExecutedCell"]


class ExecutedCell(msgspec.Struct, kw_only=True):
    """One execution, raw. `duration` is in seconds; `began` is on the clock that measures it.

    `files_modified` are the POSIX times of the files that it read, `chance` is what it has drawn.
    A cell that was not `seen` ran while tracking was off.
    """

    cell_id: str | None
    source: str
    execution_count: int
    order: int
    started: datetime
    began: float = msgspec.field(default_factory=time.perf_counter)
    duration: float = 0.0
    outcome: Literal["ok", "error"] = "ok"
    error: str | None = None
    files_read: list[str] = msgspec.field(default_factory=list)
    files_written: list[str] = msgspec.field(default_factory=list)
    files_modified: dict[str, float] = msgspec.field(default_factory=dict)
    outputs: list[Shown] = msgspec.field(default_factory=list)
    chance: Chance = Chance()
    seen: bool = True


class CellHistory:
    """The session's executed cells, by order. Parsing waits until a slice needs it."""

    def __init__(self) -> None:
        self.executed: list[ExecutedCell] = []
        self.running: ExecutedCell | None = None
        self._lineage = Lineage()
        self._states: dict[str, Any] = {}  # of random generators, after the latest cell
        self._lock = threading.RLock()
        self._clean: list[list[dict[str, Any]]] = []  # outputs by cell, secrets hidden
        self._literal: set[str] = set()  # credentials that sources wrote down; never written
        self._code: dict[str, tuple[str, str, tuple[str, ...], CellCode]] = {}
        self._records: dict[int, CellRecord] = {}
        self._by_digest: dict[str, CellCode] = {}
        self._session: list[SessionCell] = []

    def begin(self, cell: ExecutedCell) -> None:
        """Keep a cell that begins, and is the running one from now on."""
        self.executed.append(cell)
        self.running = cell
        self._states = self._states or random_states({})

    def end(self, cell: ExecutedCell) -> None:
        """The running cell has run."""
        self.running = None
        cell.duration = time.perf_counter() - cell.began
        states = random_states(self._states)
        cell.chance, self._states = chance_between(self._states, states), states

    def slice(self, cell: CellRecord) -> tuple[tuple[CellRecord, ...], tuple[str, ...]]:
        """The cells that the running cell, the session's last, rests on; and the doubts."""
        with self._lock:
            lineage = self._lineage_before(cell.order)
            executed = self.executed[cell.order - 1]
            self._find_writers(executed)
            chance = executed.chance
            if executed is self.running:
                chance = chance_between(self._states, random_states(self._states))
            return slice_in(lineage, self._records, cell, self.code(), chance)

    def makers(self, name: str, cell: CellRecord) -> tuple[CellRecord, ...]:
        """The cells that made what `name` stood for when the running cell began."""
        with self._lock:
            lineage = self._lineage_before(cell.order)
            return tuple(self._records[o] for o in lineage.closure(lineage.ask_name(name)))

    def _lineage_before(self, order: int) -> Lineage:
        for cell in self.executed[len(self._lineage.needs) : order - 1]:
            record = self.record(cell)
            self._find_writers(cell)
            take_cell(self._lineage, record, self._read(cell.source)[3], cell.chance)
        return self._lineage

    def _find_writers(self, cell: ExecutedCell) -> None:
        """Find which cells wrote what `cell` has read, where none has said so."""
        for file, modified in cell.files_modified.items():
            if not self._lineage.knows_writer(file):
                found = writers_of(file, modified, self.executed[: cell.order - 1])
                if found:
                    self._lineage.wrote(file, found)

    def record(self, cell: ExecutedCell) -> CellRecord:
        """The record of a cell, with its secrets hidden and its names read."""
        with self._lock:
            return self._record(cell)

    def _record(self, cell: ExecutedCell) -> CellRecord:
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
            files_written=tuple(dict.fromkeys(cell.files_written)),
            seen=cell.seen,
        )
        self._records[cell.order] = record
        return record

    def code(self) -> Mapping[str, CellCode]:
        """What was read from each source, by source digest."""
        return self._by_digest

    def artifacts(self, cell: CellRecord, secrets: Iterable[str]) -> CellArtifacts:
        """What the running cell showed, and all that ran up to it, as files."""
        with self._lock:
            hidden: tuple[str, ...] = ()
            unclean = self.executed[len(self._clean) : cell.order]
            for executed in unclean:
                self._read(executed.source)
            secrets = sorted({*secrets, *self._literal}, key=lambda value: (-len(value), value))
            for executed in unclean:
                outputs, hidden = clean_outputs(executed.outputs, secrets)
                self._clean.append(outputs)
                executed.outputs = []
            records, files = output_files(self._clean[cell.order - 1])
            for executed in self.executed[len(self._session) : cell.order]:
                shown = self._clean[executed.order - 1]
                self._session.append(SessionCell.of(self._record(executed), shown))
            return CellArtifacts(
                outputs=records,
                hidden=hidden,
                files={SESSION_FILE: session_file(self._session[: cell.order])}
                | {f"outputs/{name}": content for name, content in files.items()},
            )

    def code_of(self, cell: ExecutedCell) -> CellCode:
        """What was read from a cell's source."""
        with self._lock:
            return self._read(cell.source)[3]

    def hidden(self, cell: ExecutedCell) -> tuple[str, ...]:
        """What was hidden in a cell's source."""
        return self._read(cell.source)[2]

    def _read(self, source: str) -> tuple[str, str, tuple[str, ...], CellCode]:
        if source not in self._code:
            # A front end may send what UTF-8 cannot hold; such a cell never runs, but it was sent.
            plain = source.encode("utf-8", "backslashreplace").decode()
            shown, hidden = hide_in_text(plain)
            self._literal |= literal_secrets(plain)
            digest, code = digest_bytes(shown.encode()), read_code(plain)
            self._code[source] = (shown, digest, hidden, code)
            self._by_digest[digest] = code
        return self._code[source]
