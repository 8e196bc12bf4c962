"""What dealing with reviews takes, wherever it is done: here, or at the team's server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from nbmlops.governance import SigningKey
from nbmlops.records import (
    DEFAULT_SCOPES,
    Identity,
    Record,
    Registration,
    Request,
    Review,
    Verdict,
)
from nbmlops.workspace.stores import Stores

__all__ = ["Desk"]


T = TypeVar("T", bound=Record)


class Desk(Protocol):
    """The review's verbs; the modules ``local_desk`` and ``team_desk`` are two such desks."""

    def submit(
        self,
        stores: Stores,
        promotion_id: str,
        *,
        attachments: Sequence[str | Path] = (),
        notes: Sequence[str] = (),
        model_card: Mapping[str, str] | None = None,
    ) -> Review:
        """Lay a promotion before reviewers."""

    def reviews(self, stores: Stores, waiting: bool) -> list[Review]:
        """All reviews, or those that wait for somebody."""

    def review(self, stores: Stores, review_id: str) -> Review:
        """One review."""

    def sign_off(
        self,
        stores: Stores,
        review_id: str,
        verdict: Verdict,
        comment: str,
        by: Identity,
        *,
        scopes: Sequence[str] = DEFAULT_SCOPES,
        expires: datetime | None = None,
        key: SigningKey | None = None,
    ) -> Review:
        """Give a verdict."""

    def register(self, stores: Stores, review_id: str, alias: str, by: Identity) -> Registration:
        """Let the review's model into the registry."""

    def decide(self, stores: Stores, request: Request, by: Identity, kind: type[T]) -> T:
        """Decide on what is asked for; the decision is a `kind`."""
