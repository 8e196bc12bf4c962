"""A run's artifacts: files beside its record that show what the cell showed and what ran before.

Made when the cell ends, with secrets hidden, and left in the spool for the deliverer.
"""

from __future__ import annotations

import contextlib
import os
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from nbmlops.records import CellRecord, Output, digest_bytes
from nbmlops.tracking.redaction import hide_in_output
from nbmlops.tracking.session.outputs import Shown
from nbmlops.whole_files import write_whole

__all__ = [
    "ARTIFACTS",
    "SESSION_FILE",
    "CellArtifacts",
    "SessionCell",
    "SpooledArtifacts",
    "clean_outputs",
    "output_files",
    "session_file",
    "spool_artifacts",
]

ARTIFACTS = "artifacts"
SESSION_FILE = "session.json"
_SUFFIXES = {
    "image/png": "png", "image/svg+xml": "svg", "application/vnd.plotly.v1+json": "plotly.json",
    "text/html": "html",
}  # fmt: skip
_MOST_SESSION = 8 << 20  # bytes of outputs in an executed notebook; the newest cells' are kept
_MOST_CELLS = 2000


class CellArtifacts(msgspec.Struct, frozen=True):
    """The files of a cell's runs by name, the records of its outputs, and what was hidden."""

    outputs: tuple[Output, ...]
    hidden: tuple[str, ...]
    files: dict[str, bytes]


def clean_outputs(
    shown: Iterable[Shown], secrets: Iterable[str]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """A cell's outputs as nbformat spells them, secrets hidden; and what was hidden."""
    hidden: list[str] = []
    values = tuple(secrets)

    def clean(text: str) -> str:
        text, found = hide_in_output(text, values)
        hidden.extend(found)
        return text

    outputs: list[dict[str, Any]] = []
    for one in shown:
        if one.kind == "stream":
            text = clean("".join(one.data["text"]))
            outputs.append({"output_type": "stream", "name": one.name, "text": text})
            continue
        data: dict[str, Any] = {}
        for mime, value in one.data.items():
            if mime == "image/png":
                data[mime] = _clean_png(value)
            elif isinstance(value, str):
                data[mime] = clean(value)
            else:
                data[mime] = msgspec.json.decode(clean(msgspec.json.encode(value).decode()))
        if one.left_out:
            data.setdefault("text/plain", f"[not kept: {one.left_out}]")
        made: dict[str, Any] = {"output_type": one.kind, "data": data, "metadata": {}}
        outputs.append(made)
    return outputs, tuple(dict.fromkeys(f"{what} in the output" for what in hidden))


def output_files(outputs: Sequence[dict[str, Any]]) -> tuple[tuple[Output, ...], dict[str, bytes]]:
    """The text and the figures among a cell's outputs as files, and their records."""
    files: dict[str, bytes] = {}
    mimes: dict[str, str] = {}
    text = "".join(o["text"] for o in outputs if o["output_type"] == "stream")
    plain = [
        o["data"]["text/plain"]
        for o in outputs
        if o["output_type"] == "execute_result" and "text/plain" in o["data"]
    ]
    said = "\n".join(part for part in (text.rstrip("\n"), *plain) if part)
    if said:
        files["text.txt"], mimes["text.txt"] = said.encode(errors="replace"), "text/plain"
    for number, output in enumerate(outputs, 1):
        for mime, suffix in _SUFFIXES.items():
            value = output.get("data", {}).get(mime)
            if value is None:
                continue
            if mime == "image/png":
                content = b64decode(value)
            else:
                content = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
            kind = "table" if mime == "text/html" else "figure"
            name = f"{kind}-{number}.{suffix}"
            files[name], mimes[name] = content, mime
            break  # the richest form is enough
    records = tuple(
        Output(name=name, mime=mimes[name], nbytes=len(data), digest=digest_bytes(data))
        for name, data in files.items()
    )
    return records, files


class SessionCell(msgspec.Struct, frozen=True):
    """An executed cell as a session file holds it, encoded once; and its outputs' size in bytes."""

    whole: bytes
    without_outputs: bytes
    size: int

    @classmethod
    def of(cls, cell: CellRecord, outputs: list[dict[str, Any]]) -> SessionCell:
        """The cell of a record, with its outputs as nbformat spells them."""
        ran = {
            "id": cell.cell_id,
            "source": cell.source,
            "execution_count": cell.execution_count,
            "error": cell.error,
        }
        encoded = msgspec.json.encode(outputs)
        return cls(
            msgspec.json.encode({**ran, "outputs": msgspec.Raw(encoded)}),
            msgspec.json.encode({**ran, "outputs": []}),
            len(encoded),
        )


def session_file(cells: Sequence[SessionCell]) -> bytes:
    """The executed cells with their outputs, as the deliverer makes a notebook of them."""
    left = _MOST_SESSION
    kept = []
    for cell in reversed(cells[-_MOST_CELLS:]):
        left -= cell.size
        kept.append(cell.whole if left >= 0 else cell.without_outputs)
    return b"[" + b",".join(reversed(kept)) + b"]"


def spool_artifacts(spool: Path, run_ids: Sequence[str], files: dict[str, bytes]) -> None:
    """Leave the same files for each of a cell's runs, at the cost of one."""
    first: Path | None = None
    for run_id in run_ids:
        folder = spool / run_id / ARTIFACTS
        for name, content in files.items():
            twin = first / name if first is not None else None
            for last in (False, False, True):
                try:
                    _leave(folder / name, content, twin)
                    break
                except FileNotFoundError:  # a delivery that ended took the empty folder away
                    if last:
                        raise
        first = first or folder


def _leave(path: Path, content: bytes, twin: Path | None) -> None:
    """Put a file there, as another name of its `twin` if that is still there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if twin is None or not twin.exists():
        write_whole(path, content)
    elif not path.exists():
        os.link(twin, path)


class SpooledArtifacts:
    """The artifacts that lie in a run's spool `folder` now; what comes later is not among them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = {
            path: path.stat().st_mtime_ns
            for path in sorted((folder / ARTIFACTS).rglob("*"))
            if path.is_file()
        }

    def forget(self) -> None:
        """Remove them: they are delivered."""
        for path, stamp in self._files.items():
            with contextlib.suppress(OSError):  # another delivery may have been here
                if path.stat().st_mtime_ns == stamp:
                    path.unlink()
        folders = [p for p in (self._folder / ARTIFACTS).rglob("*") if p.is_dir()]
        for folder in (*sorted(folders, reverse=True), self._folder / ARTIFACTS, self._folder):
            with contextlib.suppress(OSError):  # something newer lies in it
                folder.rmdir()


def _clean_png(value: str) -> str:
    """An image without its notes, in which a name, a path or a secret may stand."""
    try:
        data = b64decode(value)
        if not data.startswith(b"\x89PNG\r\n\x1a\n"):
            return value
        kept, at = [data[:8]], 8
        while at + 12 <= len(data):
            (length,) = struct.unpack(">I", data[at : at + 4])
            kind = data[at + 4 : at + 8]
            chunk = data[at : at + 12 + length]
            if kind not in (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"):
                kept.append(chunk)
            at += 12 + length
        return b64encode(b"".join(kept)).decode()
    except (ValueError, struct.error):
        return value
