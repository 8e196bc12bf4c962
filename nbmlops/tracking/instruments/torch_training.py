"""One training by hand, from its first step to the end of its cell."""

from __future__ import annotations

import math
import sys
import time
import weakref
from bisect import bisect_left
from collections.abc import Iterable
from itertools import count, pairwise
from statistics import mode
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Parameter
from nbmlops.tracking.code.frames import held_name_of, name_of
from nbmlops.tracking.instruments.curves import take_curve
from nbmlops.tracking.instruments.holders import are_alone, is_alone, is_in_circles_alone
from nbmlops.tracking.instruments.torch_data import inputs_of
from nbmlops.tracking.instruments.torch_modules import scheduler_of
from nbmlops.tracking.instruments.torch_observation import TorchObservation
from nbmlops.tracking.instruments.torch_settings import measured, scheduler_settings
from nbmlops.tracking.trainings.inputs import Argument
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["LoopTraining", "add_settings"]

_DEEPEST = 12  # frames between an optimizer's hook and the user's code
_NUMBERS = count(1)
_FEW = 2  # steps of which the last's beginning says nothing of its end


class LoopTraining:
    """A loop that steps an optimizer; only the model stays alive by it, until the cell ends."""

    def __init__(
        self, tracker: Tracker, observation: TorchObservation, training: Training, *, own: bool
    ) -> None:
        self.cell = tracker.running
        self.training = training
        self._tracker, self._observation, self._own = tracker, observation, own
        self._optimizers: list[Any] = []
        self.number = next(_NUMBERS)
        self._by_closure: dict[int, list[int]] = {}  # where the loss of such a step is
        self._epochs: list[int] = []  # the step of the cell's that each epoch begins with
        self._epoch: Any = None
        self._place: tuple[CodeType, str] | None = None
        self._by_loader = False
        self._looks = 0
        self._judges = False  # whether a loader was read to its end between its steps
        self._named: list[Any] = []  # the loaders that were looked at, weakly
        self.accumulates = True
        self.ended = time.perf_counter()

    # -- steps ----------------------------------------------------------------------------------
    def join(self, optimizer: Any) -> None:
        """`optimizer` trains this model, too."""
        self._optimizers.append(weakref.ref(optimizer))

    def count_by(self, place: tuple[CodeType, str] | None, *, loader: bool) -> None:
        """Epochs are the turns of the variable at `place`, or the iterations of a loader."""
        self._place, self._by_loader = place, loader

    def counts(self, optimizer: Any) -> bool:
        """Whether the steps of `optimizer` are counted: several may train one model."""
        return self._optimizers[0]() is optimizer

    def begins_step(self, closure: bool) -> bool:
        """A step begins that is counted; with a `closure`, the first loss of that is the step's.

        Returns:
            Whether the steps that follow it are like it, until a loader begins anew.
        """
        log = self._observation.steps
        if closure:
            self._by_closure[len(log)] = [len(log.known), len(log.known) + 1]
        if not self._by_loader:
            self._count(self._turn())
        else:
            self._count(feed.number if (feed := self._observation.feed) else self._epoch)
        return not closure and (self._by_loader or self._place is None)

    def _count(self, epoch: Any) -> None:
        """The step belongs to `epoch`."""
        if epoch != self._epoch or not self._epochs:
            self._epoch = epoch
            self._epochs.append(len(self._observation.steps))
            self.training.step = len(self._epochs) - 1

    def _turn(self) -> Any:
        """The value of the variable that counts epochs; every step is one where none does."""
        if self._place is None:
            return 0
        code, name = self._place
        frame: FrameType | None = sys._getframe(3)
        for _ in range(_DEEPEST):
            if frame is None or frame.f_code is code:
                break
            frame = frame.f_back
        return frame.f_locals.get(name) if frame is not None else self._epoch

    # -- the end --------------------------------------------------------------------------------
    def is_dropped(self) -> bool:
        """Whether the user has let go of the model, so far as it is looked for."""
        model = self.training.model
        if self._own or not hasattr(model, "modules"):
            return False
        # Several modules stand under one of ours.
        if type(model).__name__ == "ModuleDict":
            del model
            return is_alone(self.training) and are_alone(self.training.model)
        del model
        if is_alone(self.training):
            return True
        # Looked for ever more seldom: a model that is kept is not to be walked through each time.
        self._looks += 1
        return self._looks & (self._looks - 1) == 0 and is_in_circles_alone(self.training)

    def finish(self) -> None:
        """Complete the training with what was seen of it."""
        tracker, training = self._tracker, self.training
        made = list(self._observation.steps.steps_of(self.number))
        pairs = [self._by_closure.get(step, window) for step, *window in made]
        steps = self._step_losses(pairs)
        values: dict[str, Any] = {"steps": len(steps)}
        counted = self._by_loader or self._place is not None
        if counted:
            values = {"epochs": len(self._epochs), **values}
        passes = [end - begin for begin, end in pairs]
        if self.accumulates and passes and mode(passes) > 1:
            values["gradient_accumulation_steps"] = mode(passes)
        values["amp"] = self._observation.scaled
        found = [p for p in measured(values) if p.name != "amp" or p.value]
        add_settings(training, (*found, *self._scheduler()))
        epochs = [bisect_left(made, (step,)) for step in self._epochs]
        losses = self._epoch_losses(steps, epochs) if counted else steps
        self._curve(losses, "epoch" if counted else "step")
        training.step = 0
        if not self._own:
            training.duration = self._lasted(len(made))
            self._take_other_loaders()
            tracker.trainings.close(training)

    def _scheduler(self) -> Any:
        optimizer = self._optimizers[0]()
        if optimizer is None or any(p.name == "scheduler" for p in self.training.parameters):
            return ()
        return scheduler_settings(scheduler_of(optimizer, [], self._tracker.namespace))

    def _lasted(self, made: int) -> float:
        """Seconds from the first step's beginning; the last one took as long as the others."""
        if made < _FEW:
            return time.perf_counter() - self.training.began
        return (self.ended - self.training.began) * made / (made - 1)

    def _step_losses(self, pairs: list[list[int]]) -> list[float]:
        losses = self._observation.losses.values()
        return [sum(losses[begin:end]) if end > begin else math.nan for begin, end in pairs]

    def _epoch_losses(self, steps: list[float], epochs: list[int]) -> list[float]:
        bounds = [*epochs, len(steps)]
        return [sum(steps[begin:end]) / max(1, end - begin) for begin, end in pairwise(bounds)]

    def _curve(self, losses: list[float], what: str) -> None:
        if any(math.isfinite(loss) for loss in losses):
            rows = ({what: number, "train_loss": loss} for number, loss in enumerate(losses))
            take_curve(self.training, "loss", rows, by=what)

    def judged_on(self, loader: Any) -> None:
        """The model was judged on a `loader`, which the steps' own code may not have named."""
        self._judges = True
        self._take_loader(loader)

    def _take_other_loaders(self) -> None:
        """Loaders of this cell that were not read to their end, or after another training."""
        for known in self._observation.loaders:
            loader = known()
            others = self._observation.judging if self._judges else ()
            if loader is not None and all(other() is not loader for other in others):
                self._take_loader(loader)

    def _take_loader(self, loader: Any) -> None:
        tracker = self._tracker
        if self._own or any(known() is loader for known in self._named):
            return
        self._named.append(weakref.ref(loader))
        names = {item.name.partition(".")[0] for item in self.training.inputs}
        name = name_of(loader, tracker.namespace, [])
        name = name or held_name_of(loader, tracker.namespace)
        if name and name not in names:
            plain, named = inputs_of(Argument("validation", loader, name))
            tracker.trainings.add_inputs(self.training, plain, named)


def add_settings(training: Training, settings: Iterable[Parameter]) -> None:
    """Add what `training` does not know yet: what the user set on it comes first."""
    known = {parameter.name for parameter in training.parameters}
    training.parameters += tuple(p for p in settings if p.name not in known)
