"""The review's verbs at the team's server: this side asks, the server decides and stamps who.

So whatever name a kernel claims is not even sent.
"""

from __future__ import annotations

from typing import TypeVar

from nbmlops.errors import Refused, Stale
from nbmlops.governance import find
from nbmlops.governance.gate.mlflow_team_server import TeamServer
from nbmlops.records import Bundle, Identity, Record, Registration, Request, Review, SignOff
from nbmlops.tracking import deliver_pending
from nbmlops.workspace.attachments import Enclosed, seal_attachments
from nbmlops.workspace.promote import edited_since
from nbmlops.workspace.stores import Stores

__all__ = ["decide", "give", "register", "review", "reviews", "schedule_objections", "submit"]

T = TypeVar("T", bound=Record)


def submit(stores: Stores, promotion_id: str, enclosed: Enclosed) -> Review:
    """Deliver the runs that are evidence, bring the sealed content and files, and submit."""
    promotion = find("promotion", promotion_id, stores.history().promotions)
    stores.vault.verify(promotion.bundle)
    deliver_pending(stores.journal, stores.mlflow)
    server = _server(stores)
    server.bring(promotion.bundle, stores.vault.path(promotion.bundle.digest))
    files: Bundle | None = None
    if enclosed.attachments:
        files = seal_attachments(stores, enclosed.attachments)
        server.bring(files, stores.vault.path(files.digest))
    return server.submit(promotion.id, files, enclosed.notes, enclosed.model_card)


def reviews(stores: Stores, waiting: bool) -> list[Review]:
    """As the server tells them."""
    return _server(stores).reviews(waiting)


def review(stores: Stores, review_id: str) -> Review:
    """As the server tells it."""
    return _server(stores).review(review_id)


def give(stores: Stores, record: SignOff, by: Identity) -> Review:
    """Hand in a sign-off; where the notebook was edited since, not at all."""
    _require_unedited(stores, record.review_id)
    return _server(stores).sign_off(record)


def register(stores: Stores, review_id: str, alias: str, by: Identity) -> Registration:
    """Have the model registered."""
    _require_unedited(stores, review_id)
    return _server(stores).register(review_id, alias)


def schedule_objections(stores: Stores, schedule_id: str) -> list[str]:
    """As the server says to us, by its policy and its reviews."""
    return _server(stores).schedule_objections(schedule_id)


def decide(stores: Stores, request: Request, by: Identity, kind: type[T]) -> T:
    """Have it decided; `by` is not even sent."""
    return _server(stores).decide(request, kind)


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
