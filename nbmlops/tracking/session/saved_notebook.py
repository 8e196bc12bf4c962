"""The notebook as it is saved: where its cells stand, and whether it holds what ran."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from nbmlops.records import CellRecord, digest_bytes
from nbmlops.tracking.redaction import hide_in_text

__all__ = ["SavedNotebook", "read_saved"]


class _Cell(msgspec.Struct):
    cell_type: str = ""
    id: str = ""
    source: str | list[str] = ""


class _File(msgspec.Struct):
    cells: list[_Cell] = []


class SavedNotebook(msgspec.Struct, frozen=True):
    """A notebook file: its digest, and each code cell's place and source digest by cell id."""

    digest: str = ""
    places: Mapping[str, int] = {}
    by_id: Mapping[str, str] = {}
    sources: frozenset[str] = frozenset()

    def holds(self, cell: CellRecord) -> bool:
        """Whether it shows the cell as it ran."""
        if cell.cell_id and cell.cell_id in self.by_id:
            return self.by_id[cell.cell_id] == cell.source_digest
        return cell.source_digest in self.sources


def read_saved(path: Path) -> SavedNotebook | None:
    """The notebook in file `path`; None if there is none that can be read."""
    try:
        data = path.read_bytes()
        cells = msgspec.json.decode(data, type=_File).cells
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    code = [(n, c) for n, c in enumerate(cells) if c.cell_type == "code"]
    digests = [digest_bytes(hide_in_text(_text(cell))[0].encode()) for _, cell in code]
    return SavedNotebook(
        digest=digest_bytes(data),
        places={cell.id: place for place, cell in code if cell.id},
        by_id={cell.id: d for (_, cell), d in zip(code, digests, strict=True) if cell.id},
        sources=frozenset(digests),
    )


def _text(cell: _Cell) -> str:
    return cell.source if isinstance(cell.source, str) else "".join(cell.source)
