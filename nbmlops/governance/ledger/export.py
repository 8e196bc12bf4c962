"""The ledger as JSON Lines: whole, verbatim, and verified later without the ledger.

A line is ``{"digest": "...", "entry": {...}}``. The entry's text is the sealed bytes themselves, so
the chain can be followed over the lines as over the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

import msgspec

from nbmlops.errors import IntegrityError
from nbmlops.governance.ledger.chain import Link

__all__ = ["read_export", "write_export"]


class _Line(msgspec.Struct, frozen=True):
    digest: str
    entry: msgspec.Raw


class _Numbered(msgspec.Struct, frozen=True):
    sequence: int


def write_export(links: Iterable[Link], file: IO[bytes]) -> int:
    """Write every row as a line; how many that were."""
    count = 0
    encoder = msgspec.json.Encoder()
    for link in links:
        file.write(encoder.encode(_Line(link.digest, msgspec.Raw(link.sealed))) + b"\n")
        count += 1
    return count


def read_export(file: IO[bytes]) -> Iterator[Link]:
    """The rows of an export, in its order, one at a time.

    :raises IntegrityError: if a line is not one of an export.
    """
    decoder = msgspec.json.Decoder(_Line)
    for number, line in enumerate(file, start=1):
        try:
            read = decoder.decode(line)
            sealed = bytes(read.entry)
            sequence = msgspec.json.decode(sealed, type=_Numbered).sequence
        except msgspec.MsgspecError as error:
            raise IntegrityError(
                f"Line {number} is not one of a ledger's export: {error}. Export it anew:"
                " nbmlops audit export."
            ) from error
        yield Link(sequence=sequence, sealed=sealed, digest=read.digest)
