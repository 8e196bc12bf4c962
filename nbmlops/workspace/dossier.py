"""Everything on record about one model version, gathered for people outside Jupyter."""

from __future__ import annotations

from collections.abc import Callable

from nbmlops.errors import NotFound
from nbmlops.governance import History, find, open_link, verify
from nbmlops.records import Dossier, Review
from nbmlops.workspace.stores import Stores

__all__ = ["dossier"]


def dossier(stores: Stores, what: str, review: Callable[[str], Review]) -> Dossier:
    """The dossier of `what`: a review, or a version as ``name/3``, ``name@champion`` or either
    behind ``models:/``. `review` reads one as it stands now.
    """
    history = stores.history()
    found = review(_review_id(history, what))
    submission = found.submission
    promotion = history.promotions[submission.promotion_id]
    # As they stand in the sealed JSON, between quotes: an id that begins like another is not it.
    ids = [f'"{id_}"'.encode() for id_ in (submission.id, promotion.id)]
    facts = tuple(
        open_link(link) for link in stores.ledger.links() if any(id_ in link.sealed for id_ in ids)
    )
    return Dossier(
        project=stores.settings.root.name,
        review=found,
        promotion=promotion,
        facts=facts,
        chain=verify(stores.ledger.links()),
        at=stores.clock(),
    )


def _review_id(history: History, what: str) -> str:
    address = what.removeprefix("models:/")
    name, at, alias = address.rpartition("@")
    if at:
        move = history.alias_moves.get((name, alias))
        if move is None:
            raise NotFound(
                f"Model {name!r} has no alias {alias!r}. `nbmlops review` lists reviews."
            )
        return move.review_id
    name, slash, version = address.rpartition("/")
    if slash:
        for registration in history.registrations.values():
            if (registration.model_name, registration.version) == (name, version):
                return registration.review_id
        raise NotFound(f"Model {name!r} has no version {version!r} that was registered here.")
    return find("review", what, history.submissions).id
