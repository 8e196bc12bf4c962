"""PyTorch loops without ``fit``: an optimizer's step makes a training that ends with its cell."""

from __future__ import annotations

import time
import weakref
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.torch_beginning import begin_loop
from nbmlops.tracking.instruments.torch_copies import watch_weights
from nbmlops.tracking.instruments.torch_observation import TorchObservation, key_of
from nbmlops.tracking.instruments.torch_training import LoopTraining
from nbmlops.tracking.instruments.torch_watchers import observe

if TYPE_CHECKING:
    from nbmlops.tracking.session.cells import ExecutedCell
    from nbmlops.tracking.tracker import Tracker

__all__ = ["TorchInstrument"]


class TorchInstrument:
    """Watches every optimizer's steps."""

    modules = ("torch",)

    def install(self, tracker: Tracker, module: ModuleType) -> None:
        """Watch backward passes, loaders and optimizer steps."""
        from torch.optim import optimizer

        watch_weights(tracker, module)
        steps = _Steps(tracker, observe(tracker, module), module)
        optimizer.register_optimizer_step_pre_hook(steps.before)
        tracker.before_cell_ends.append(steps.cell_ends)


class _Steps:
    """The loops of the running cell, by their optimizers.

    What has been looked at is forgotten with its optimizer and with the cell. A step is counted as
    it begins: what a hook after it would cost is saved.
    """

    def __init__(self, tracker: Tracker, observation: TorchObservation, torch: Any) -> None:
        self._tracker, self._observation = tracker, observation
        self._compiling = torch.compiler.is_dynamo_compiling
        self._stepping: dict[int, LoopTraining] = {}
        self._optimizers: list[Any] = []  # weakly
        self._open: list[LoopTraining] = []
        self._latest: LoopTraining | None = None  # whose steps came last
        observation.judged = self._judged_on

    def before(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An optimizer is about to make a step; its first one in a cell begins a training."""
        if self._compiling():
            return
        log = self._observation.steps
        if key_of(optimizer) != log.usual or len(args) > 1 or kwargs:
            try:
                self._look(optimizer, *args[1:], **kwargs)
            except Exception as error:  # noqa: BLE001 - the user's step comes first; `fault` tells
                self._tracker.fault("a training", error)
            return
        # Among code that fills the processor's caches, whatever is touched costs microseconds.
        log.mark(len(log.known))
        log.latest = time.perf_counter()

    def _look(self, optimizer: Any, closure: Any = None, *_: Any, **__: Any) -> None:
        """Take in a step that may not be like the one before it."""
        observation, key = self._observation, key_of(optimizer)
        loop = self._stepping.get(key)
        if loop is None:
            if not observation.active:
                return
            self._let_go()
            loop = begin_loop(self._tracker, observation, optimizer, closure, self._open)
            self._keep(optimizer, loop)
        self._note_end()
        log = observation.steps
        counted = loop.counts(optimizer)
        log.turn_of(loop.number if counted else 0)
        self._latest = loop if counted else None
        log.usual = 0
        if counted and loop.begins_step(closure is not None):
            log.usual = key
        log.mark(len(log.known))
        log.latest = time.perf_counter()

    def _note_end(self) -> None:
        """The training whose steps came last has been going on until the latest of them."""
        if self._latest is not None:
            self._latest.ended = self._observation.steps.latest

    def _keep(self, optimizer: Any, loop: LoopTraining) -> None:
        key = key_of(optimizer)
        self._stepping[key] = loop
        self._optimizers.append(weakref.ref(optimizer, lambda _gone: self._forget(key)))
        if all(known is not loop for known in self._open):
            self._open.append(loop)

    def _forget(self, key: int) -> None:
        """An optimizer is gone; the next one may be where it was."""
        self._stepping.pop(key, None)
        self._observation.steps.usual = 0

    def _judged_on(self, loader: Any) -> None:
        """A loader was read to its end without a step: it is the latest training's to be named.

        By the end of the cell the next fold's may have taken its name.
        """
        self._note_end()
        if self._open and loader is not None:
            max(self._open, key=lambda loop: loop.ended).judged_on(loader)
            if all(known() is not loader for known in self._observation.judging):
                self._observation.judging.append(weakref.ref(loader))

    def _let_go(self) -> None:
        """Complete the loops whose models nobody but us holds any more."""
        self._note_end()
        for loop in [loop for loop in self._open if loop.is_dropped()]:
            if self._latest is loop:
                self._latest = None
            self._open.remove(loop)
            for key in [key for key, known in self._stepping.items() if known is loop]:
                del self._stepping[key]
            loop.finish()
            self._tracker.trainings.release(loop.training)

    def cell_ends(self, cell: ExecutedCell) -> None:
        """The cell's loops are over."""
        self._note_end()
        self._latest = None
        self._observation.steps.usual = 0
        loops, self._open = self._open, []
        self._stepping.clear()
        self._optimizers.clear()
        for loop in loops:
            if loop.cell is cell:
                loop.finish()
