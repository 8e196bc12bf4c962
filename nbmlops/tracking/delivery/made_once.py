"""What a delivery makes in MLflow, it makes once; and it removes nothing that it did not make.

MLflow gives ids itself, so a request whose answer was lost may have made something of which nobody
here knows. Others may write the same MLflow, and tag what is theirs with our ids. So each request
carries a token that the journal has written down before, and what bears it, as empty as it was
made, is ours: all of those are alike, one of them stays. Once an id is in the journal it counts,
whatever turns up beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from nbmlops.tracking.journal.claims import Claim

__all__ = ["TOKEN_TAG", "Claims", "make_once"]

TOKEN_TAG = "nbmlops.delivery"  # noqa: S105 - a tag's name


class Claims(Protocol):
    """Where it stands what a delivery is about to make, and what it has made: a journal."""

    def claim(self, what: str, where: str) -> Claim:
        """What was noted of making `what` at the MLflow `where`; the first call notes a token."""
        ...

    def note_made(self, what: str, where: str, made: str) -> None:
        """`what` stands at the MLflow `where` under the id `made`."""
        ...


def make_once(
    claims: Claims,
    what: str,
    where: str,
    *,
    make: Callable[[str], str],
    find: Callable[[str], Sequence[str]],
    remove: Callable[[str], None],
    heard_twice: bool,
) -> str:
    """The id of `what` at the MLflow `where`, made by `make` unless an earlier delivery did.

    `find` gives the ids of what bears a token and is as it was made. `heard_twice` says that a
    request whose answer was lost is sent again by those below us.
    """
    claim = claims.claim(what, where)
    if claim.made is not None:
        return claim.made
    found = list(find(claim.token)) if claim.begun else []
    if not found:
        made = make(claim.token)
        claims.note_made(what, where, made)
        found = list(find(claim.token)) if heard_twice else [made]
    else:
        made = found[0]
        claims.note_made(what, where, made)
    for double in found:
        if double != made:
            remove(double)
    return made
