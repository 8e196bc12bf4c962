"""Checkpoints: a copy of the ledger's extent, by which cuts and rewrites are found later. No I/O.

The chain alone cannot show that its end was cut off, nor that all of it was computed anew by
whoever owns the database. Against a checkpoint kept elsewhere both show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from nbmlops.errors import IntegrityError
from nbmlops.governance.ledger.chain import Link, verify
from nbmlops.governance.ledger.merkle import RootBuilder, leaf_hash
from nbmlops.records import ChainReport, Checkpoint

__all__ = ["check_against", "survey", "take_checkpoint"]


def take_checkpoint(links: Iterable[Link], at: datetime) -> Checkpoint:
    """The extent of an intact ledger.

    :raises IntegrityError: if it is not intact.
    """
    report, checkpoint = survey(links, at)
    if checkpoint is None:
        raise IntegrityError(f"There is nothing to keep: the ledger is broken. {report.reason}")
    return checkpoint


def survey(links: Iterable[Link], at: datetime) -> tuple[ChainReport, Checkpoint | None]:
    """How the chain stands, and its extent if it is intact, from one reading."""
    tree = RootBuilder()
    report = verify(_grow(tree, links))
    if not report.intact:
        return report, None
    root = tree.root().hex()
    return report, Checkpoint(facts=report.facts, head=report.head, root=root, at=at)


def check_against(checkpoint: Checkpoint, links: Iterable[Link]) -> ChainReport:
    """How the chain stands, and whether it continues `checkpoint`, from one reading."""
    tree, roots = RootBuilder(), []

    def grow() -> Iterator[Link]:
        if not checkpoint.facts:
            roots.append(tree.root())
        for count, link in enumerate(links, start=1):
            if count <= checkpoint.facts:
                tree.add(leaf_hash(link.sealed))
            if count == checkpoint.facts:
                roots.append(tree.root())
            yield link

    report = verify(grow())
    if not report.intact:
        return report
    if report.facts < checkpoint.facts:
        return _broken(
            report,
            report.facts + 1,
            f"the ledger was cut: on {checkpoint.at:%Y-%m-%d %H:%M} it had {checkpoint.facts} "
            f"facts, now it has {report.facts}.",
        )
    if roots[0].hex() != checkpoint.root:
        return _broken(
            report,
            None,
            f"the ledger was rewritten: its first {checkpoint.facts} facts are not those of "
            f"{checkpoint.at:%Y-%m-%d %H:%M}.",
        )
    return report


def _grow(tree: RootBuilder, links: Iterable[Link]) -> Iterator[Link]:
    """Hand `links` on one by one: whoever has a million facts cannot hold them all."""
    for link in links:
        tree.add(leaf_hash(link.sealed))
        yield link


def _broken(report: ChainReport, sequence: int | None, reason: str) -> ChainReport:
    return msgspec.structs.replace(report, intact=False, broken_sequence=sequence, reason=reason)
