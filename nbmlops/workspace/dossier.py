"""Everything on record about one model version, gathered for people outside Jupyter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from nbmlops.errors import NotFound
from nbmlops.governance import History, Link, find, open_link, verify
from nbmlops.records import Dossier, LedgerEntry, Registration, Review
from nbmlops.workspace.stores import Stores

__all__ = ["dossier"]


def dossier(stores: Stores, what: str, review: Callable[[str], Review]) -> Dossier:
    """The dossier of `what`: a review, or a version as ``name/3``, ``name@champion`` or either
    behind ``models:/``. `review` reads one as it stands now.
    """
    history = stores.history()
    review_id, asked = _asked(history, what)
    found = review(review_id)
    if asked is not None:
        # One review may let in several versions of the same content; the review tells of the last.
        found = msgspec.structs.replace(found, registration=asked)
    submission = found.submission
    promotion = history.promotions[submission.promotion_id]
    # As they stand in the sealed JSON, between quotes: an id that begins like another is not it.
    ids = [f'"{id_}"'.encode() for id_ in (submission.id, promotion.id)]
    facts: list[LedgerEntry] = []
    links = _noting(facts, ids, stores.ledger.links())
    chain = verify(links)
    for _ in links:
        # Behind a break the chain is followed no further, and the facts still stand there.
        pass
    return Dossier(
        project=stores.settings.root.name,
        review=found,
        promotion=promotion,
        facts=tuple(facts),
        chain=chain,
        at=stores.clock(),
    )


def _noting(
    facts: list[LedgerEntry], ids: Sequence[bytes], links: Iterable[Link]
) -> Iterator[Link]:
    """Hand `links` on one by one, and put into `facts` those that name one of `ids`."""
    for link in links:
        if any(id_ in link.sealed for id_ in ids):
            facts.append(open_link(link))
        yield link


def _asked(history: History, what: str) -> tuple[str, Registration | None]:
    """The review, and the version if one was named."""
    address = what.removeprefix("models:/")
    name, at, alias = address.rpartition("@")
    if at:
        move = history.alias_moves.get((name, alias))
        if move is None:
            raise NotFound(
                f"Model {name!r} has no alias {alias!r}. `nbmlops review` lists reviews."
            )
        return move.review_id, history.registration(name, move.version)
    name, slash, version = address.rpartition("/")
    if slash:
        registration = history.registration(name, version)
        if registration is None:
            raise NotFound(f"Model {name!r} has no version {version!r} that was registered here.")
        return registration.review_id, registration
    return find("review", what, history.submissions).id, None
