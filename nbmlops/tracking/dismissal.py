"""Dismissing an inferred run: somebody says that what its cell did is no training."""

from __future__ import annotations

import msgspec

from nbmlops.errors import NotDismissible, NotFound
from nbmlops.records import TrackedRun
from nbmlops.tracking.journal.journal import Journal

__all__ = ["dismiss", "latest_inferred", "restore"]


def dismiss(journal: Journal, run_id: str, by: str) -> TrackedRun:
    """Mark an inferred run as dismissed by `by`; it is kept, and its cell's shape is learned from.

    :raises NotFound: if the journal has no such run.
    :raises NotDismissible: if the run was not inferred.
    """
    run = journal.run(run_id)
    if run.kind != "inferred":
        raise NotDismissible(
            f"Run {run.id} is a {run.kind} that was seen, not guessed; only inferred runs can be"
            " dismissed. Delete it in MLflow if you do not want it."
        )
    return journal.change(run.id, lambda run: msgspec.structs.replace(run, dismissed_by=by))


def restore(journal: Journal, run_id: str) -> TrackedRun:
    """Take a dismissal back.

    :raises NotFound: if the journal has no such run.
    """
    run = journal.run(run_id)
    return journal.change(run.id, lambda run: msgspec.structs.replace(run, dismissed_by=None))


def latest_inferred(journal: Journal, *, dismissed: bool) -> TrackedRun:
    """The newest inferred run that is, or is not, dismissed.

    :raises NotFound: if there is none.
    """
    for run in journal.runs():
        if run.kind == "inferred" and (run.dismissed_by is not None) is dismissed:
            return run
    which = "dismissed run" if dismissed else "inferred run to dismiss"
    raise NotFound(f"There is no {which}. %track runs lists what there is.")
