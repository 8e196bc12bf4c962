"""The main job, end to end: what ``nbmlops demo`` walks through, one step a function.

Every step works on a real Workspace and returns what it saw; nothing here decides anything.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from nbmlops.errors import CheckFailed, Refused
from nbmlops.promotion import read_notebook, write_notebook
from nbmlops.records import (
    ChainReport,
    Execution,
    Promotion,
    Record,
    Registration,
    Review,
    Schedule,
    TrackedRun,
    now,
)
from nbmlops.scheduling import Progress, next_instant
from nbmlops.settings import Settings
from nbmlops.surfaces.examples import FIRST
from nbmlops.workspace import Workspace

__all__ = ["AUTHOR", "REVIEWER", "MainJob", "Story"]

AUTHOR = "ada"
REVIEWER = "grace"
NOTEBOOK = FIRST
MODEL = "late_arrival"


class Story(Record, frozen=True, kw_only=True):
    """What happened, as ``nbmlops demo --json`` tells it; `refusals` are the sentences."""

    root: str
    runs: tuple[TrackedRun, ...]
    promotion: Promotion
    schedule: Schedule
    execution: Execution
    refusals: tuple[str, ...]
    review: Review
    registration: Registration
    audit: ChainReport
    audit_of_damaged_copy: ChainReport


class MainJob:
    """The five steps, on the notebooks in ``settings.root``, by an author and a reviewer."""

    def __init__(self, settings: Settings, progress: Callable[[str], Progress | None]) -> None:
        self.author = Workspace(msgspec.structs.replace(settings, user=AUTHOR))
        self.reviewer = Workspace(msgspec.structs.replace(settings, user=REVIEWER))
        self._root = settings.root
        self._progress = progress

    def track(self) -> list[TrackedRun]:
        """1. The notebook runs in a real kernel; each training cell becomes a run."""
        return self.author.run_notebook(
            self._root / NOTEBOOK, on_progress=self._progress("Running the notebook")
        )

    def promote(self, runs: list[TrackedRun]) -> Promotion:
        """2. The better run is proved in a fresh kernel, and sealed."""
        return self.author.promote(
            _best(runs).id, model_name=MODEL, on_progress=self._progress("Clean run")
        )

    def schedule_and_execute(self, promotion: Promotion) -> tuple[Schedule, Execution]:
        """3. It gets a schedule, and the scheduler serves its next instant now."""
        schedule = self.author.schedule(
            promotion.id, cron="0 6 1 * *", timezone="America/New_York", parameters={"month": 8}
        )
        due = next_instant(schedule, now())
        scheduler = self.author.scheduler(self._progress("Scheduled execution"))
        executions = scheduler.run_due(due)
        return schedule, next(e for e in executions if e.schedule_id == schedule.id)

    def review_and_register(
        self, promotion: Promotion
    ) -> tuple[Review, Registration, tuple[str, ...]]:
        """4. Refused without a sign-off; the author may not give it; a second person may."""
        review = self.author.submit(promotion.id).submission
        refusals = [
            _refusal(lambda: self.author.register(review.id)),
            _refusal(lambda: self.author.sign_off(review.id, "approved", "Looks good to me.")),
        ]
        self.reviewer.sign_off(review.id, "approved", "Reproduced, and better than the baseline.")
        registration = self.author.register(review.id)
        refusals.append(_refusal(lambda: self._register_edited(promotion, review.id)))
        return self.author.review(review.id), registration, tuple(refusals)

    def audit(self) -> tuple[ChainReport, ChainReport]:
        """5. The chain holds; in a copy with one byte flipped it does not."""
        return self.author.audit_verify(), _audit_damaged_copy(self.author)

    def _register_edited(self, promotion: Promotion, review_id: str) -> None:
        """Edit one cell of the promoted notebook, try to register, and undo the edit."""
        path = self._root / promotion.notebook
        before = path.read_bytes()
        edited = read_notebook(path)
        edited.cells[-1].source += "\nprint('one more line')"
        write_notebook(edited, path)
        try:
            self.author.register(review_id)
        finally:
            path.write_bytes(before)


def _best(runs: list[TrackedRun]) -> TrackedRun:
    def auc(run: TrackedRun) -> float:
        return max((m.value or 0.0 for m in run.metrics if "roc_auc" in m.name), default=0.0)

    if not runs:
        raise CheckFailed(f"{NOTEBOOK} tracked no run.")
    return max(runs, key=auc)


def _refusal(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except Refused as refusal:
        return str(refusal)
    raise CheckFailed("What the policy does not allow was allowed. Please report this.")


def _audit_damaged_copy(workspace: Workspace) -> ChainReport:
    """Copy the ledger, flip one byte of a sign-off in the copy's file, and verify the copy."""
    settings = workspace.settings
    home = settings.home / "damaged-copy"
    home.mkdir(exist_ok=True)
    copy = msgspec.structs.replace(settings, home=home)
    try:
        with sqlite3.connect(settings.ledger_path) as source:
            source.execute("VACUUM INTO ?", (str(copy.ledger_path),))
        source.close()
        _flip_a_byte(copy.ledger_path, b'"verdict":"approved"')
        return Workspace(copy).audit_verify()
    finally:
        shutil.rmtree(home)


def _flip_a_byte(path: Path, near: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(near) + len(near) - 2] ^= 1
    path.write_bytes(content)
