"""The weights of PyTorch models that were kept on the way, and come back later.

A loop keeps those of its best epoch with ``state_dict()``, whatever it does with them then. So what
a model holds is noted when it is asked for them, and looked up when a model is given others.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.unseen import unseen
from nbmlops.tracking.instruments.torch_modules import original

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["watch_weights"]

_MOST_AT_ONCE = 0.05  # seconds of a cell that may go into it in any case
_MOST_SHARE = 0.01  # of a cell's time


def watch_weights(tracker: Tracker, torch: Any) -> None:
    """Watch how modules give their weights away and get others."""
    kind, inside = torch.nn.Module, False
    spent: tuple[Any, float] = (None, 0.0)  # in the running cell, in seconds

    def state_dict(give: Callable[..., Any], module: Any, args: Any, kwargs: Any) -> Any:
        nonlocal spent
        cell, began = tracker.running, time.perf_counter()
        cost = spent[1] if spent[0] is cell else 0.0
        # Some loops ask at each step, as those that follow a target network do.
        if cell is not None and cost < _MOST_AT_ONCE + _MOST_SHARE * (began - cell.began):
            with tracker.safely("a model's weights"):
                run_id = _run_of(tracker, original(module))
                if run_id is not None:
                    tracker.provenance.remember_content(module, run_id)
            spent = cell, cost + time.perf_counter() - began
        return give(module, *args, **kwargs)

    def load_state_dict(take: Callable[..., Any], module: Any, args: Any, kwargs: Any) -> Any:
        answer = take(module, *args, **kwargs)
        if not tracker.activity.busy:
            with tracker.safely("a model's weights"):
                tracker.provenance.look_again(module)
        return answer

    def outermost(watcher: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def watched(module: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal inside
            if inside or not tracker.watching or torch.compiler.is_compiling():
                return function(module, *args, **kwargs)
            inside = True
            try:
                return watcher(function, module, args, kwargs)
            finally:
                inside = False

        return unseen(watched)

    for watcher in (state_dict, load_state_dict):
        name = watcher.__name__
        setattr(kind, name, outermost(watcher, vars(kind)[name]))


def _run_of(tracker: Tracker, module: Any) -> str | None:
    """The run that trains or has trained a module."""
    training = tracker.trainings.inside
    if training is not None and training.model is module:
        return training.id
    return tracker.provenance.run_of(module)
