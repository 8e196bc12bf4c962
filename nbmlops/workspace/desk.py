"""What dealing with reviews takes, wherever it is done: here, or at the team's server."""

from __future__ import annotations

from typing import Protocol, TypeVar

from nbmlops.records import Identity, Record, Registration, Request, Review, SignOff
from nbmlops.workspace.attachments import Enclosed
from nbmlops.workspace.stores import Stores

__all__ = ["Desk"]


T = TypeVar("T", bound=Record)


class Desk(Protocol):
    """The review's verbs; the modules ``local_desk`` and ``team_desk`` are two such desks."""

    def submit(self, stores: Stores, promotion_id: str, enclosed: Enclosed) -> Review:
        """Lay a promotion before reviewers."""

    def reviews(self, stores: Stores, waiting: bool) -> list[Review]:
        """All reviews, or those that wait for somebody."""

    def review(self, stores: Stores, review_id: str) -> Review:
        """One review."""

    def give(self, stores: Stores, record: SignOff, by: Identity) -> Review:
        """Let a sign-off count, as `by` hands it in."""

    def register(self, stores: Stores, review_id: str, alias: str, by: Identity) -> Registration:
        """Let the review's model into the registry."""

    def schedule_objections(self, stores: Stores, schedule_id: str) -> list[str]:
        """Why whoever asks need not run what somebody scheduled."""

    def decide(self, stores: Stores, request: Request, by: Identity, kind: type[T]) -> T:
        """Decide on what is asked for; the decision is a `kind`."""
