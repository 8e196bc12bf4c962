"""What every watcher of a training call does around it, whatever the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.trainings import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["follow", "quietly"]


def follow(
    tracker: Tracker,
    call: Callable[[], Any],
    begin: Callable[[], Training | None],
    after: Callable[[Training, Any], None],
) -> Any:
    """Do `call`, and keep it as a training if it is the outermost one of a tracked cell.

    `begin` makes the training and hands it to :meth:`Tracker.begin_training`; None means that this
    is preparation, in which nothing counts as a training either. `after` hears the training and the
    answer and completes the training. Whatever `call` raises goes on to the user; what `begin` and
    `after` raise is a fault of ours, said and put on the record.
    """
    if not tracker.watching or tracker.activity.busy:
        return call()
    try:
        training = begin()
    except Exception as error:  # noqa: BLE001 - the user's training comes first; `fault` tells
        tracker.fault("a training", error)
        training = None
    if training is None:
        return quietly(tracker, call)
    try:
        answer = call()
    except BaseException:
        tracker.drop_training(training)
        raise
    try:
        after(training, answer)
    except Exception as error:  # noqa: BLE001 - the user's training comes first; `fault` tells
        tracker.fault("a training's results", error)
    try:
        tracker.end_training(training)
    except Exception as error:  # noqa: BLE001 - as above
        tracker.fault("a training", error)
    return answer


def quietly(tracker: Tracker, call: Callable[[], Any]) -> Any:
    """Do `call`; what it trains, predicts or measures inside is its own business."""
    tracker.activity.enter()
    try:
        return call()
    finally:
        tracker.activity.leave()
