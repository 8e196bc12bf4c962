"""The review's verbs at the team's server: this side asks, the server decides and stamps who.

So whatever name a kernel claims is not even sent.
"""

from __future__ import annotations

from nbmlops.errors import Refused, Stale
from nbmlops.governance import find
from nbmlops.governance.mlflow_team_server import TeamServer
from nbmlops.records import Identity, Registration, Review, Verdict
from nbmlops.tracking import deliver_pending
from nbmlops.workspace.promote import edited_since
from nbmlops.workspace.stores import Stores

__all__ = ["register", "review", "reviews", "sign_off", "submit"]


def submit(stores: Stores, promotion_id: str) -> Review:
    """Deliver the runs that are evidence, bring the sealed content, and submit."""
    promotion = find("promotion", promotion_id, stores.history().promotions)
    stores.vault.verify(promotion.bundle)
    deliver_pending(stores.journal, stores.mlflow)
    return _server(stores).submit(
        promotion.id, promotion.bundle, stores.vault.path(promotion.bundle.digest)
    )


def reviews(stores: Stores, waiting: bool) -> list[Review]:
    """As the server tells them."""
    return _server(stores).reviews(waiting)


def review(stores: Stores, review_id: str) -> Review:
    """As the server tells it."""
    return _server(stores).review(review_id)


def sign_off(
    stores: Stores, review_id: str, verdict: Verdict, comment: str, by: Identity
) -> Review:
    """Give a verdict; on a machine where the notebook was edited since, not at all."""
    _require_unedited(stores, review_id)
    return _server(stores).sign_off(review_id, verdict, comment)


def register(stores: Stores, review_id: str, alias: str, by: Identity) -> Registration:
    """Have the model registered."""
    _require_unedited(stores, review_id)
    return _server(stores).register(review_id, alias)


def _require_unedited(stores: Stores, review_id: str) -> None:
    """The server cannot see the author's folder; whoever has it here is told."""
    history = stores.history()
    submission = find("review", review_id, history.submissions)
    promotion = history.promotions[submission.promotion_id]
    if not stores.vault.path(promotion.bundle.digest).is_dir():
        return
    changed = edited_since(stores, promotion)
    if changed:
        raise Stale(changed)


def _server(stores: Stores) -> TeamServer:
    if stores.server is None:
        raise Refused("This project has no team server: set tracking_uri to one.")
    return stores.server
