"""PyTorch loops without ``fit``: an optimizer's step makes a training that ends with its cell."""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.torch_beginning import begin_loop
from nbmlops.tracking.instruments.torch_observation import TorchObservation, observe
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

        steps = _Steps(tracker, observe(tracker, module), module)
        optimizer.register_optimizer_step_pre_hook(steps.before)
        optimizer.register_optimizer_step_post_hook(steps.after)
        tracker.before_cell_ends.append(steps.cell_ends)


class _Steps:
    """The loops of the running cell, by their optimizers."""

    def __init__(self, tracker: Tracker, observation: TorchObservation, torch: Any) -> None:
        self._tracker, self._observation = tracker, observation
        self._compiling = torch.compiler.is_compiling
        self._loops: dict[int, tuple[Any, LoopTraining]] = {}  # the optimizer weakly

    def before(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An optimizer is about to make a step."""
        if self._compiling():
            return
        if self._loop_of(optimizer) is not None or not self._observation.active:
            return
        try:
            self._let_go()
            closure = args[1] if len(args) > 1 else kwargs.get("closure")
            others = [loop for _, loop in self._loops.values()]
            loop = begin_loop(self._tracker, self._observation, optimizer, closure, others)
            self._loops[id(optimizer)] = weakref.ref(optimizer), loop
        except Exception as error:  # noqa: BLE001 - the user's step comes first; `fault` tells
            self._tracker.fault("a training", error)

    def after(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An optimizer has made a step."""
        if self._compiling():
            return
        loop = self._loop_of(optimizer)
        if loop is None:
            return
        try:
            loop.stepped(optimizer, len(args) > 1 or bool(kwargs))
        except Exception as error:  # noqa: BLE001 - the user's step comes first; `fault` tells
            self._tracker.fault("a training", error)

    def _loop_of(self, optimizer: Any) -> LoopTraining | None:
        """The running cell's loop that `optimizer` is known to step."""
        known = self._loops.get(id(optimizer))
        if known is None or known[0]() is not optimizer:
            return None
        return known[1] if known[1].cell is self._tracker.running else None

    def _let_go(self) -> None:
        """Complete the loops whose models nobody but us holds any more."""
        dropped = [loop for loop in {id(x): x for _, x in self._loops.values()}.values()
                   if loop.is_dropped()]  # fmt: skip
        if dropped:
            kept = {k: known for k, known in self._loops.items() if known[1] not in dropped}
            self._loops = kept
        for loop in dropped:
            loop.finish()
            self._tracker.trainings.release(loop.training)

    def cell_ends(self, cell: ExecutedCell) -> None:
        """The cell's loops are over."""
        loops = {id(loop): loop for _, loop in self._loops.values() if loop.cell is cell}
        self._loops.clear()
        for loop in loops.values():
            loop.finish()
