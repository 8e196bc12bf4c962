"""What dealing with reviews takes, wherever it is done: here, or at the team's server."""

from __future__ import annotations

from typing import Protocol

from nbmlops.records import Identity, Registration, Review, Verdict
from nbmlops.workspace.stores import Stores

__all__ = ["Desk"]


class Desk(Protocol):
    """The review's verbs; the modules ``review`` and ``team_desk`` are two such desks."""

    def submit(self, stores: Stores, promotion_id: str) -> Review:
        """Lay a promotion before reviewers."""

    def reviews(self, stores: Stores, waiting: bool) -> list[Review]:
        """All reviews, or those that wait for somebody."""

    def review(self, stores: Stores, review_id: str) -> Review:
        """One review."""

    def sign_off(
        self, stores: Stores, review_id: str, verdict: Verdict, comment: str, by: Identity
    ) -> Review:
        """Give a verdict."""

    def register(self, stores: Stores, review_id: str, alias: str, by: Identity) -> Registration:
        """Let the review's model into the registry."""
