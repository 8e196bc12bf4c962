"""The rules of the chain: how a fact is sealed into it, and how a break is found. No I/O.

An entry's sealed bytes are the canonical JSON of its sequence, instant, actor, fact and the
previous entry's digest; its digest is BLAKE3-256 of those bytes. So no byte of a fact, nor its
place, can change without its own digest changing, and no digest without the next entry's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from nbmlops.errors import Refused
from nbmlops.records import ChainReport, Fact, LedgerEntry, Record, decode, digest_bytes, encode

__all__ = ["GENESIS", "Link", "broken", "open_link", "seal", "verify"]

GENESIS = "0" * 64
"""What the first entry names as its previous one."""


class _Sealed(Record, frozen=True, kw_only=True):
    sequence: int
    at: datetime
    actor: str
    fact: Fact
    previous: str


class Link(Record, frozen=True, kw_only=True):
    """One stored row: its place, its sealed bytes, and the digest that was kept beside them."""

    sequence: int
    sealed: bytes
    digest: str


def seal(sequence: int, at: datetime, actor: str, fact: Fact, previous: str) -> Link:
    """Seal a fact into the chain behind the entry whose digest is `previous`.

    :raises Refused: if its text holds what not every database can keep.
    """
    sealed = encode(_Sealed(sequence=sequence, at=at, actor=actor, fact=fact, previous=previous))
    # A backslash that is itself escaped may stand before the same letters.
    if rb"\u0000" in sealed and rb"\u0000" in sealed.replace(rb"\\", b""):
        raise Refused("No fact may hold the character NUL: not every database can keep it.")
    return Link(sequence=sequence, sealed=sealed, digest=digest_bytes(sealed))


def open_link(link: Link) -> LedgerEntry:
    """Read a stored row back as an entry.

    :raises msgspec.MsgspecError: if the sealed bytes are not an entry.
    """
    entry = decode(link.sealed, _Sealed)
    return LedgerEntry(
        sequence=entry.sequence,
        at=entry.at,
        actor=entry.actor,
        fact=entry.fact,
        previous=entry.previous,
        digest=link.digest,
    )


def verify(links: Iterable[Link]) -> ChainReport:
    """Follow the chain from its start and name the first fact that does not hold.

    Takes the rows in their order and keeps one in memory at a time. What was cut off the end cannot
    be seen from the chain alone: compare `head` and `facts` with a copy kept elsewhere.
    """
    head = GENESIS
    count = 0
    for link in links:
        reason = broken(link, count + 1, head)
        if reason:
            return ChainReport(
                intact=False,
                facts=count,
                head=head,
                broken_sequence=link.sequence,
                reason=reason,
            )
        head = link.digest
        count += 1
    return ChainReport(intact=True, facts=count, head=head)


def broken(link: Link, expected: int, previous: str) -> str | None:
    """Why `link` is not fact `expected` behind the entry with digest `previous`, if it is not."""
    if link.sequence != expected:
        return f"fact {expected} is missing: fact {link.sequence} stands in its place."
    if digest_bytes(link.sealed) != link.digest:
        return f"fact {link.sequence} was changed: its bytes do not have the digest kept beside it."
    try:
        entry = decode(link.sealed, _Sealed)
    except msgspec.MsgspecError as error:
        return f"fact {link.sequence} cannot be read: {error}."
    if entry.sequence != link.sequence or entry.previous != previous:
        return f"fact {link.sequence} does not follow fact {expected - 1}: the chain was rewritten."
    return None
