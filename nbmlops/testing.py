"""Fakes for those who test against nbmlops: a clock, a ledger in memory, an executor, records.

The ledger in memory keeps the promises of the real ones: the project's own tests run over all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from nbmlops.governance import GENESIS, Link, open_link, seal, verify
from nbmlops.records import (
    Bundle,
    CellRecord,
    ChainReport,
    CleanRun,
    Environment,
    Evidence,
    Fact,
    Identity,
    LedgerEntry,
    NotebookJob,
    Promotion,
    RefusalRecorded,
    SignOff,
    Submission,
    TrackedRun,
    digest_bytes,
)
from nbmlops.scheduling import Progress

__all__ = [
    "CountingLedger",
    "FakeClock",
    "MemoryLedger",
    "RememberingExecutor",
    "make_ledger",
    "make_promotion",
    "make_run",
    "make_sign_off",
    "make_submission",
]

EPOCH = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeClock:
    """A clock that moves one second a look, or as far as it is told."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self.instant = start

    def __call__(self) -> datetime:
        """The present instant."""
        self.instant += timedelta(seconds=1)
        return self.instant

    def advance(self, **by: float) -> None:
        """Move on, by what :class:`datetime.timedelta` takes."""
        self.instant += timedelta(**by)


class MemoryLedger:
    """A :class:`~nbmlops.governance.Ledger` that is gone when the process ends."""

    def __init__(self) -> None:
        self.rows: list[Link] = []
        self._turn = threading.RLock()

    def append(self, fact: Fact, *, actor: str, at: datetime | None = None) -> LedgerEntry:
        """Add a fact behind the last one."""
        return self.append_all([fact], actor=actor, at=at)[0]

    def append_all(
        self, facts: Iterable[Fact], *, actor: str, at: datetime | None = None
    ) -> list[LedgerEntry]:
        """Add facts that happened together."""
        rows = list(self.rows)
        for fact in facts:
            previous = rows[-1].digest if rows else GENESIS
            rows.append(seal(len(rows) + 1, at or EPOCH, actor, fact, previous))
        added = rows[len(self.rows) :]
        self.rows.extend(added)
        return [open_link(link) for link in added]

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn among this process's threads."""
        with self._turn:
            yield

    def entries(self, after: int = 0) -> Iterator[LedgerEntry]:
        """The entries behind sequence `after`."""
        return map(open_link, self.rows[after:])

    def links(self, after: int = 0) -> Iterator[Link]:
        """The rows behind sequence `after` as they are kept."""
        return iter(self.rows[after:])

    def verify(self) -> ChainReport:
        """Follow the chain."""
        return verify(self.rows)


def make_ledger(*subjects: str) -> MemoryLedger:
    """A small ledger: that each of `subjects` was refused."""
    ledger = MemoryLedger()
    for subject in subjects:
        fact = RefusalRecorded(verb="register", subject=subject, by="ada", why=("no sign-off",))
        ledger.append(fact, actor="ada")
    return ledger


class CountingLedger(MemoryLedger):
    """A ledger that counts the rows it hands out to be verified or folded."""

    handed = 0

    def links(self, after: int = 0) -> Iterator[Link]:
        """The rows behind sequence `after`, each counted as it goes."""
        for link in super().links(after):
            self.handed += 1
            yield link


class RememberingExecutor:
    """An :class:`~nbmlops.scheduling.Executor` that runs nothing and remembers its jobs."""

    def __init__(self) -> None:
        self.jobs: list[NotebookJob] = []

    def run(self, job: NotebookJob, on_progress: Progress | None = None) -> None:
        """Remember `job`."""
        self.jobs.append(job)


def make_run(**changes: Any) -> TrackedRun:
    """A small TrackedRun; `changes` replaces fields."""
    source = "model.fit(X, y)"
    cell = CellRecord(
        cell_id="fit",
        source=source,
        source_digest=digest_bytes(source.encode()),
        execution_count=1,
        order=1,
        started=EPOCH,
        duration=0.1,
        outcome="ok",
    )
    fields: dict[str, Any] = {
        "id": "run-000000000001",
        "name": "LogisticRegression",
        "author": "ada",
        "notebook": "notebook.ipynb",
        "started": EPOCH,
        "duration": 0.1,
        "model_class": "sklearn.linear_model.LogisticRegression",
        "cell": cell,
        "cells": (cell,),
        "data_digest": digest_bytes(b"data"),
        "environment": Environment(python="3.11.0", platform="linux"),
    }
    return TrackedRun(**(fields | changes))


def make_promotion(**changes: Any) -> Promotion:
    """A small Promotion by ada, whose bundle exists nowhere; `changes` replaces fields."""
    fields: dict[str, Any] = {
        "id": "promotion-000000000001",
        "model_name": "late_arrival",
        "run_id": "run-000000000001",
        "author": "ada",
        "at": EPOCH,
        "notebook": "late_arrival.promoted.ipynb",
        "bundle": Bundle(digest=digest_bytes(b"content"), files=()),
        "clean_run": CleanRun(
            run_id="run-000000000002",
            started=EPOCH,
            duration=1.0,
            metrics=(),
            data_agrees=True,
            agrees=True,
        ),
    }
    return Promotion(**(fields | changes))


def make_submission(**changes: Any) -> Submission:
    """A small Submission by ada; `changes` replaces fields."""
    evidence = Evidence(
        model_class="sklearn.linear_model.LogisticRegression",
        notebook="late_arrival.promoted.ipynb",
        code=("model.fit(X, y)",),
        parameters=(),
        metrics=(),
        clean_run=(),
        clean_run_agrees=True,
        inputs=(),
        gaps=(),
        completeness=1.0,
    )
    fields: dict[str, Any] = {
        "id": "review-000000000001",
        "promotion_id": "promotion-000000000001",
        "model_name": "late_arrival",
        "content_digest": digest_bytes(b"content"),
        "author": "ada",
        "at": EPOCH,
        "evidence": evidence,
    }
    return Submission(**(fields | changes))


def make_sign_off(submission: Submission, by: str, **changes: Any) -> SignOff:
    """`by`'s approval of exactly the content of `submission`; `changes` replaces fields."""
    fields: dict[str, Any] = {
        "id": f"sign-off-{by}",
        "review_id": submission.id,
        "content_digest": submission.content_digest,
        "verdict": "approved",
        "comment": "",
        "by": Identity(name=by),
        "at": EPOCH,
    }
    return SignOff(**(fields | changes))
