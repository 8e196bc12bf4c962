"""Bringing the journal's records to MLflow: each exactly once, by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import msgspec

from nbmlops.errors import NbmlopsError, StoreError, StoreUnreachable
from nbmlops.records import Gap, TrackedRun
from nbmlops.settings import Settings
from nbmlops.tracking.delivery.made_once import Claims
from nbmlops.tracking.delivery.steps import Step
from nbmlops.tracking.journal.journal import Journal, PendingRun
from nbmlops.tracking.journal.place import Place
from nbmlops.tracking.journal.snapshots import SNAPSHOT_FILE, UnfitModel, forget_model
from nbmlops.tracking.runs.completeness import with_gaps
from nbmlops.tracking.session.artifacts import SpooledArtifacts

__all__ = ["Store", "deliver_pending"]


class Store(Protocol):
    """Where records are delivered."""

    settings: Settings

    def deliver(
        self,
        run: TrackedRun,
        *,
        claims: Claims,
        destination: tuple[str, str] | None = None,
        step: Step = ...,
    ) -> Place:
        """Bring the store to hold `run` as it is now, however often it is called."""
        ...


def deliver_pending(journal: Journal, store: Store, *, step: Step = lambda _name: None) -> int:
    """Deliver what the store does not hold yet, oldest first; how many records that were.

    Waits for another process that is delivering. A record that the store refuses is passed over
    and stays pending with its problem noted. `step` hears each step's name before it is taken.

    :raises StoreUnreachable: if the store does not answer; nothing is lost.
    :raises StoreError: if the store refused every record.
    """
    if not journal.path.exists():
        return 0
    delivered, refused = 0, None
    with _alone(journal):
        for pending in journal.pending():
            step("begin")
            try:
                _deliver(journal, store, pending, step)
                delivered += 1
                journal.note_outage(None)
            except StoreUnreachable as error:
                journal.note_problem(pending.run.id, str(error))
                journal.note_outage(str(error))
                raise
            except StoreError as error:
                journal.note_problem(pending.run.id, str(error))
                refused = error
    if refused is not None and not delivered:
        journal.note_outage(str(refused))
        raise refused
    return delivered


def _deliver(journal: Journal, store: Store, pending: PendingRun, step: Step) -> None:
    run, revision = pending.run, pending.revision
    spool = store.settings.spool / run.id
    # A snapshot is there whole or not at all: it may be, though its kernel could not say so.
    lost = pending.model == "lost" and not (spool / SNAPSHOT_FILE).is_file()
    gaps = []
    if pending.abandoned:
        gaps.append(Gap(what="cell", why="The kernel ended before the cell did."))
    if lost:
        gaps.append(Gap(what="model", why="The kernel ended before the model was saved."))
    if gaps:
        cut_off = pending.abandoned

        def edit(known: TrackedRun) -> TrackedRun:
            return with_gaps(_cut_off(known) if cut_off else known, *gaps)

        run = journal.change(run.id, edit)
        revision += 1
    step("attempt")
    artifacts = SpooledArtifacts(spool)
    deliver = partial(store.deliver, claims=journal, destination=pending.destination, step=step)
    try:
        try:
            placed = deliver(run)
        except UnfitModel as error:
            gap = Gap(what="model", why=f"The model could not be filed: {error}"[:500])
            forget_model(spool)
            run = journal.change(run.id, lambda known: with_gaps(known, gap))
            placed = deliver(run)
            revision += 1
    except NbmlopsError:
        raise
    except Exception as error:  # one record that cannot be brought holds back no other
        raise StoreError(
            f"{run.id} cannot be brought to MLflow ({type(error).__name__}: {error})."
            " It waits in the journal."
        ) from error
    step("mark")
    journal.mark_delivered(run.id, placed, revision=revision)
    step("clean")
    if placed.mlflow_model_uri or lost:
        forget_model(spool)
    artifacts.forget()


def _cut_off(run: TrackedRun) -> TrackedRun:
    """`run`, whose kernel ended before its cell did."""
    cell = msgspec.structs.replace(run.cell, outcome="error", error="The kernel ended.")
    cells = tuple(cell if known.order == cell.order else known for known in run.cells)
    return msgspec.structs.replace(run, cell=cell, cells=cells)


@contextmanager
def _alone(journal: Journal) -> Iterator[None]:
    """Hold the delivery lock, which the system releases also when a process is killed."""
    path = journal.path.with_name("delivery.lock")
    with open(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
