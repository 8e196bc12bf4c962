"""What every watcher of a training call does around it, whatever the library."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.unseen import unseen
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["follow", "quietly"]

_OUR_FRAMES = 1000  # by which the recursion limit is raised at most while a training is followed


@unseen
def follow(
    tracker: Tracker,
    call: Callable[[], Any],
    begin: Callable[[], Training | None],
    after: Callable[[Training, Any], None],
) -> Any:
    """Do `call`, and keep it as a training if it is the outermost one of a tracked cell.

    `begin` makes the training and hands it to :meth:`SessionTrainings.begin`; None means that this
    is preparation, in which nothing counts as a training either. `after` hears the training and the
    answer and completes the training. Whatever `call` raises goes on to the user; what `begin` and
    `after` raise is a fault of ours, said and put on the record.
    """
    if not tracker.watching or tracker.activity.busy:
        return call()
    with _deeper():
        depth = tracker.activity.depth
        try:
            training = begin()
        except Exception as error:  # noqa: BLE001 - the user's training comes first; `fault` tells
            tracker.activity.return_to(depth)
            tracker.fault("a training", error)
            training = None
        except BaseException:  # an interrupt is the user's; their call has not begun
            tracker.activity.return_to(depth)
            raise
        if training is None:
            return quietly(tracker, call)
        try:
            answer = call()
        except BaseException:  # the user's; no training came of it
            tracker.trainings.drop(training)
            raise
        _complete(tracker, training, lambda: after(training, answer))
        return answer


@unseen
def quietly(tracker: Tracker, call: Callable[[], Any]) -> Any:
    """Do `call`; what it trains, predicts or measures inside is its own business."""
    tracker.activity.enter()
    try:
        return call()
    finally:
        tracker.activity.leave()


def _complete(tracker: Tracker, training: Training, after: Callable[[], None]) -> None:
    interrupted = False
    steps: dict[str, Callable[[], None]] = {
        "a training's results": after,
        "a training": lambda: tracker.trainings.end(training),
    }
    for name, step in steps.items():
        try:
            with tracker.safely(name):
                step()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        # The training is done and its answer the user's; the interrupt is for the code after it.
        main = threading.main_thread().ident or 0
        threading.Timer(0.01, signal.pthread_kill, (main, signal.SIGINT)).start()


@contextmanager
def _deeper() -> Iterator[None]:
    """Room on the stack for our own frames: a training nested as deep as Python lets it still fits.

    At the default limit a pipeline within pipelines would fail with us that trains without us.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + min(limit, _OUR_FRAMES))
    try:
        yield
    finally:
        try:
            if sys.getrecursionlimit() == limit + min(limit, _OUR_FRAMES):
                sys.setrecursionlimit(limit)
        except RecursionError:
            pass  # already deeper than the user's limit, who has set it from there
