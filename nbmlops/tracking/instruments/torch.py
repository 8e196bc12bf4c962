"""PyTorch loops without ``fit``: an optimizer's step makes a training that ends with its cell."""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.torch_beginning import begin_loop
from nbmlops.tracking.instruments.torch_copies import watch_weights
from nbmlops.tracking.instruments.torch_observation import TorchObservation, key_of, observe
from nbmlops.tracking.instruments.torch_training import LoopTraining

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

    What is looked up at each step is one key in one dict: it holds what steps now, and forgets it
    with its optimizer and with the cell. A step is counted as it begins: what a hook after it would
    cost is saved.
    """

    def __init__(self, tracker: Tracker, observation: TorchObservation, torch: Any) -> None:
        self._tracker, self._observation = tracker, observation
        self._compiling = torch.compiler.is_compiling
        self._stepping: dict[int, LoopTraining] = {}
        self._optimizers: list[Any] = []  # weakly
        self._open: list[LoopTraining] = []
        observation.judged = self._judged_on

    def before(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An optimizer is about to make a step; its first one in a cell begins a training."""
        if self._compiling():
            return
        # A library around the optimizer may hand None for the closure.
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        loop = self._stepping.get(key_of(optimizer))
        try:
            if loop is None:
                if not self._observation.active:
                    return
                self._let_go()
                loop = begin_loop(self._tracker, self._observation, optimizer, closure, self._open)
                self._keep(optimizer, loop)
            loop.steps(optimizer, closure is not None)
        except Exception as error:  # noqa: BLE001 - the user's step comes first; `fault` tells
            self._tracker.fault("a training", error)

    def _keep(self, optimizer: Any, loop: LoopTraining) -> None:
        stepping, key = self._stepping, key_of(optimizer)
        stepping[key] = loop
        self._optimizers.append(weakref.ref(optimizer, lambda _gone: stepping.pop(key, None)))
        if all(known is not loop for known in self._open):
            self._open.append(loop)

    def _judged_on(self, loader: Any) -> None:
        """A loader was read to its end without a step: it is the latest training's to be named.

        By the end of the cell the next fold's may have taken its name.
        """
        if self._open and loader is not None:
            max(self._open, key=lambda loop: loop.ended).judged_on(loader)
            if all(known() is not loader for known in self._observation.judging):
                self._observation.judging.append(weakref.ref(loader))

    def _let_go(self) -> None:
        """Complete the loops whose models nobody but us holds any more."""
        for loop in [loop for loop in self._open if loop.is_dropped()]:
            self._open.remove(loop)
            for key in [key for key, known in self._stepping.items() if known is loop]:
                del self._stepping[key]
            loop.finish()
            self._tracker.trainings.release(loop.training)

    def cell_ends(self, cell: ExecutedCell) -> None:
        """The cell's loops are over."""
        loops, self._open = self._open, []
        self._stepping.clear()
        self._optimizers.clear()
        for loop in loops:
            if loop.cell is cell:
                loop.finish()
