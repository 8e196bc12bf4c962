"""Reading, verifying, proving and exporting the ledger, and keeping its checkpoints elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO

from nbmlops.errors import IntegrityError, NotFound, StoreError
from nbmlops.governance import (
    Link,
    SigningKey,
    check_against,
    checkpoint_objection,
    keep_checkpoint,
    newest_checkpoint,
    open_link,
    prove_consistency,
    prove_inclusion,
    sign_checkpoint,
    signer_of,
    subject_of,
    survey,
    take_checkpoint,
    verify,
    write_export,
)
from nbmlops.records import (
    ChainReport,
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
    KeyRevocation,
    KeyRevoked,
)
from nbmlops.scheduling import due_by
from nbmlops.workspace.stores import Stores
from nbmlops.workspace.unattended import unlock_unattended

__all__ = [
    "Read",
    "checkpoint",
    "export",
    "extent",
    "keep_due",
    "prove",
    "prove_continued",
    "require_trusted",
    "verify_ledger",
]

Read = Callable[[int, int | None], None]
"""Hears how many facts have been read, and of how many where that is known."""


def verify_ledger(
    stores: Stores, kept: Checkpoint | None, on_progress: Read | None = None
) -> ChainReport:
    """Follow the chain; with a checkpoint, also against what it tells of. Read once."""
    links = _counted(stores.ledger.links(), on_progress)
    if kept is None:
        return verify(links)
    revoked: list[KeyRevocation] = []
    report = check_against(kept, _watched(links, signer_of(kept), revoked))
    if revoked:
        besides = "" if report.intact else f" Held against it all the same: {report.reason}"
        raise IntegrityError(
            f"The checkpoint of {kept.facts} facts was signed with key {revoked[0].key_id}, which "
            f"was revoked on {revoked[0].at:%Y-%m-%d %H:%M} by {revoked[0].by.name}.{besides}"
        )
    return report


def require_trusted(kept: Checkpoint, trusted: Sequence[str]) -> None:
    """:raises IntegrityError: if there are keys `trusted`, and none of them signed it."""
    objection = checkpoint_objection(kept, trusted) if trusted else None
    if objection:
        raise IntegrityError(objection)


def checkpoint(stores: Stores, key: SigningKey | None = None) -> Checkpoint:
    """How far the ledger has come, signed with `key` if there is one."""
    taken = take_checkpoint(stores.ledger.links(), stores.clock())
    return sign_checkpoint(taken, key) if key else taken


def extent(
    stores: Stores, on_progress: Read | None = None
) -> tuple[ChainReport, Checkpoint | None]:
    """How the chain stands and, if it is intact, how far it has come; in one reading."""
    return survey(_counted(stores.ledger.links(), on_progress), stores.clock())


def keep_due(stores: Stores, at: datetime) -> tuple[str, ...]:
    """Keep a checkpoint where the settings ask for it, if one is due; where its copies are.

    The copy below ``.nbmlops`` only remembers when the last one was taken.

    :raises StoreError: if a place could not keep it; the others have it by then.
    """
    wanted = stores.settings.audit
    remembered = str(stores.settings.home / "checkpoints")
    if not wanted.checkpoints:
        return ()
    last = newest_checkpoint(remembered)
    if last and not due_by(wanted.cron, wanted.timezone, last.at, at):
        return ()
    # A look that comes every few seconds must not follow the whole chain to learn of nothing new.
    if last and last.facts == stores.history().sequence:
        return ()
    taken = take_checkpoint(stores.ledger.links(), at)
    if wanted.key:
        taken = sign_checkpoint(taken, unlock_unattended(stores, wanted.key))
    kept: list[str] = []
    problems: list[StoreError] = []
    for place in wanted.checkpoints:
        try:
            kept.append(keep_checkpoint(taken, place))
        except StoreError as error:
            problems.append(error)
    if problems:
        raise problems[0]
    keep_checkpoint(taken, remembered)
    return tuple(kept)


def export(stores: Stores, file: IO[bytes], on_progress: Read | None = None) -> int:
    """Write every fact into `file` as JSON Lines, which verify without the ledger."""
    return write_export(_counted(stores.ledger.links(), on_progress), file)


def prove(stores: Stores, what: str, kept: Checkpoint | None) -> InclusionProof:
    """Prove that a fact stands in the ledger; `what` is its number, or the id that it is about."""
    facts = kept.facts if kept else None
    return prove_inclusion(stores.ledger.links(), _sequence(stores, what), facts)


def prove_continued(stores: Stores, kept: Checkpoint) -> ConsistencyProof:
    """Prove that the ledger only continued what `kept` tells of."""
    return prove_consistency(stores.ledger.links(), kept)


def _sequence(stores: Stores, what: str) -> int:
    if what.isdecimal():
        return int(what)
    for entry in stores.ledger.entries():
        if what and subject_of(entry.fact).startswith(what):
            return entry.sequence
    raise NotFound(f"No fact is about {what!r}. `nbmlops audit log` lists them.")


def _watched(
    links: Iterable[Link], key_id: str | None, revoked: list[KeyRevocation]
) -> Iterator[Link]:
    """`links`, and into `revoked` what they tell of the end of that key."""
    for link in links:
        # Few facts name it; the others need not be decoded a second time.
        if key_id and key_id.encode() in link.sealed:
            fact = open_link(link).fact
            if isinstance(fact, KeyRevoked) and fact.revocation.key_id == key_id:
                revoked.append(fact.revocation)
        yield link


def _counted(links: Iterable[Link], on_progress: Read | None) -> Iterator[Link]:
    for number, link in enumerate(links, start=1):
        if on_progress and number % 1_000 == 0:
            on_progress(number, None)
        yield link
