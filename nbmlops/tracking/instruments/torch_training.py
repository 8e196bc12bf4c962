"""One training by hand, from its first step to the end of its cell."""

from __future__ import annotations

import math
import sys
import time
import weakref
from array import array
from collections.abc import Iterable
from itertools import pairwise
from statistics import mode
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from nbmlops.records import Gap, Parameter
from nbmlops.tracking.code.frames import name_of
from nbmlops.tracking.instruments.curves import take_curve
from nbmlops.tracking.instruments.estimators import class_path
from nbmlops.tracking.instruments.torch_data import inputs_of
from nbmlops.tracking.instruments.torch_loops import Loop, epoch_loop, loops_around, regions_around
from nbmlops.tracking.instruments.torch_modules import owners_of, reachable, scheduler_of
from nbmlops.tracking.instruments.torch_observation import TorchObservation
from nbmlops.tracking.instruments.torch_reading import (
    backward_calls,
    batch_size_of,
    clipping_of,
    data_read,
    loss_of,
)
from nbmlops.tracking.instruments.torch_settings import (
    layers_of,
    loss_settings,
    measured,
    model_settings,
    module_settings,
    optimizer_settings,
    scheduler_settings,
)
from nbmlops.tracking.trainings.inputs import Argument
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["LoopTraining", "begin_loop"]

_DEEPEST = 12  # frames between an optimizer's hook and the user's code


class LoopTraining:
    """A loop that steps an optimizer; only the model stays alive by it, until the cell ends."""

    def __init__(
        self, tracker: Tracker, observation: TorchObservation, training: Training, *, own: bool
    ) -> None:
        self.cell = tracker.running
        self.training = training
        self._tracker, self._observation, self._own = tracker, observation, own
        self._optimizers: list[Any] = []
        self._windows = array("I")  # where each step's losses begin and end
        self._epochs: list[int] = []  # the step that each epoch begins with
        self._epoch: Any = None
        self._place: tuple[CodeType, str] | None = None
        self._by_loader = False
        self.accumulates = True
        self.ended = time.perf_counter()

    # -- steps ----------------------------------------------------------------------------------
    def join(self, optimizer: Any) -> None:
        """`optimizer` trains this model, too."""
        self._optimizers.append(weakref.ref(optimizer))

    def count_by(self, place: tuple[CodeType, str] | None, *, loader: bool) -> None:
        """Epochs are the turns of the variable at `place`, or the iterations of a loader."""
        self._place, self._by_loader = place, loader

    def stepped(self, optimizer: Any, closure: bool) -> None:
        """`optimizer` has made a step; with a closure, its first loss is the step's."""
        observation = self._observation
        observation.step_done()
        if self._optimizers[0]() is not optimizer:
            return
        if self._by_loader:
            epoch: Any = feed.number if (feed := observation.feed) else self._epoch
        else:
            epoch = self._turn()
        if epoch != self._epoch or not self._epochs:
            self._epoch = epoch
            self._epochs.append(len(self._windows) // 2)
            self.training.step = len(self._epochs) - 1
        begins, ends = observation.window, len(observation.losses)
        self._windows.append(begins)
        self._windows.append(min(begins + 1, ends) if closure else ends)
        self.ended = time.perf_counter()

    def _turn(self) -> Any:
        """The value of the variable that counts epochs; every step is one where none does."""
        if self._place is None:
            return 0
        code, name = self._place
        frame: FrameType | None = sys._getframe(2)
        for _ in range(_DEEPEST):
            if frame is None or frame.f_code is code:
                break
            frame = frame.f_back
        return frame.f_locals.get(name) if frame is not None else self._epoch

    # -- the end --------------------------------------------------------------------------------
    def is_dropped(self) -> bool:
        """Whether the user has let go of the model; one in a cycle of references counts as held."""
        model = [self.training.model]
        if self._own or not hasattr(model[0], "modules") or _holders(model) > _ALONE:
            return False
        # Several modules stand under one of ours.
        together = type(model[0]).__name__ == "ModuleDict"
        return not together or _holders(list(model[0].values())) <= _ALONE

    def finish(self) -> None:
        """Complete the training with what was seen of it."""
        tracker, training = self._tracker, self.training
        steps = self._step_losses()
        values: dict[str, Any] = {"steps": len(steps)}
        counted = self._by_loader or self._place is not None
        if counted:
            values = {"epochs": len(self._epochs), **values}
        passes = [end - begin for begin, end in self._pairs()]
        if self.accumulates and passes and mode(passes) > 1:
            values["gradient_accumulation_steps"] = mode(passes)
        values["amp"] = self._observation.scaled
        found = [p for p in measured(values) if p.name != "amp" or p.value]
        _add(training, (*found, *self._scheduler()))
        self._curve(self._epoch_losses(steps) if counted else steps, "epoch" if counted else "step")
        training.step = 0
        if not self._own:
            training.duration = self.ended - training.began
            self._take_other_loaders()
            tracker.trainings.close(training)

    def _scheduler(self) -> Any:
        optimizer = self._optimizers[0]()
        if optimizer is None or any(p.name == "scheduler" for p in self.training.parameters):
            return ()
        return scheduler_settings(scheduler_of(optimizer, [], self._tracker.namespace))

    def _pairs(self) -> Iterable[tuple[int, int]]:
        return zip(self._windows[::2], self._windows[1::2], strict=True)

    def _step_losses(self) -> list[float]:
        losses = self._observation.losses.values()
        return [sum(losses[begin:end]) if end > begin else math.nan for begin, end in self._pairs()]

    def _epoch_losses(self, steps: list[float]) -> list[float]:
        bounds = [*self._epochs, len(steps)]
        return [sum(steps[begin:end]) / max(1, end - begin) for begin, end in pairwise(bounds)]

    def _curve(self, losses: list[float], what: str) -> None:
        if any(math.isfinite(loss) for loss in losses):
            rows = ({what: number, "train_loss": loss} for number, loss in enumerate(losses))
            take_curve(self.training, "loss", rows, by=what)

    def _take_other_loaders(self) -> None:
        """Loaders of this cell that the code around the steps did not name."""
        tracker = self._tracker
        names = {item.name.partition(".")[0] for item in self.training.inputs}
        for reference in self._observation.loaders:
            loader = reference()
            name = name_of(loader, tracker.namespace, [])
            if loader is not None and name and name not in names:
                plain, named = inputs_of(Argument("validation", loader, name))
                tracker.trainings.add_inputs(self.training, plain, named)


def begin_loop(
    tracker: Tracker,
    observation: TorchObservation,
    optimizer: Any,
    closure: Any,
    loops: Iterable[LoopTraining],
) -> LoopTraining:
    """The loop whose `optimizer` is about to make its first step of this cell."""
    frames = tracker.frames()
    inside = tracker.trainings.inside if tracker.activity.busy else None
    tensors = [tensor for group in optimizer.param_groups for tensor in group["params"]]
    owners = owners_of(tensors, frames, tracker.namespace)
    model: Any = _together(owners) if owners else _by_name(tensors, frames, tracker)
    known = next(
        (
            loop for loop in loops
            if loop.cell is tracker.running
            and (loop.training is inside if inside else _same(loop.training.model, model))
        ), None,
    )  # fmt: skip
    if known is not None:
        known.join(optimizer)
        _add(known.training, optimizer_settings(optimizer))
        return known
    regions, loops_here = regions_around(frames), loops_around(frames)
    settings = (
        *(p for _, module in owners if inside is None for p in module_settings(module)),
        *optimizer_settings(optimizer),
        *scheduler_settings(scheduler_of(optimizer, frames, tracker.namespace)),
        *loss_settings(loss_of(regions) or _named_by_graph(observation)),
        *measured(model_settings([module for _, module in owners], tensors)),
        *measured(clipping_of(regions)),
    )
    feed = observation.feed
    data = data_read(regions, tracker.namespace, closure)
    if feed is not None and (source := feed.source()) is not None:
        data = _with_source(data, source, name_of(source, tracker.namespace, frames))
    size = feed.batch_size if feed is not None else batch_size_of(loops_here, regions)
    if size is not None:
        settings += measured({"batch_size": size})
    training = inside or Training(
        model=model,
        model_class=class_path(owners[0][1]) if owners else class_path(tensors[0]),
        name=", ".join(type(module).__name__ for _, module in owners) or type(optimizer).__name__,
        random=True,
    )
    _add(training, settings)
    for _, module in owners:
        training.tables["layers"] = training.tables.get("layers", ()) + layers_of(module)
    loop = LoopTraining(tracker, observation, training, own=inside is not None)
    loop.join(optimizer)
    loop.accumulates = closure is None and len(backward_calls(regions)) < 2
    _count_epochs(loop, loops_here, by_loader=feed is not None)
    if inside is None:
        _open(tracker, training, data)
        if feed is not None:
            training.sample = observation.example_of_feed()
        for _, module in owners:
            tracker.provenance.remember_model(module, training.id)
    return loop


def _add(training: Training, settings: Iterable[Parameter]) -> None:
    """Add what `training` does not know yet: what the user set on it comes first."""
    known = {parameter.name for parameter in training.parameters}
    training.parameters += tuple(p for p in settings if p.name not in known)


def _count_epochs(loop: LoopTraining, loops: list[Loop], *, by_loader: bool) -> None:
    turns = epoch_loop(loops)
    place = (turns.code, turns.variable) if turns is not None and turns.variable else None
    # A loop over a loader counts its epochs by itself, for less than reading a variable takes.
    if by_loader and (turns is None or not turns.named or loops[-1].over_data):
        loop.count_by(None, loader=True)
    else:
        loop.count_by(place, loader=False)


def _open(tracker: Tracker, training: Training, data: list[Argument]) -> None:
    plain: list[Argument] = []
    for argument in data:
        as_is, named = inputs_of(argument)
        plain += as_is
        training.inputs += named
    if not data:
        training.gaps.append(Gap(what="data", why="What went into the loop could not be told."))
    tracker.trainings.open(training, plain)


def _with_source(data: list[Argument], source: Any, name: str | None) -> list[Argument]:
    """What feeds the loop comes first, whatever the code around it is like."""
    others = [argument for argument in data if argument.value is not source]
    known = next((argument for argument in data if argument.value is source), None)
    return [known or Argument("data", source, name or "data"), *others]


def _together(owners: list[tuple[str, Any]]) -> Any:
    if len(owners) == 1:
        return owners[0][1]
    from torch.nn import ModuleDict

    return ModuleDict({name.replace(".", "_"): module for name, module in owners})


def _by_name(tensors: list[Any], frames: list[FrameType], tracker: Tracker) -> dict[str, Any]:
    """Tensors that no module owns, by the user's names for them."""
    names = {id(value): name for name, value in reachable(frames, tracker.namespace)}
    return {names.get(id(t), f"tensor{number}"): t for number, t in enumerate(tensors)}


def _holders(parts: list[Any]) -> int:
    """How often the most held of `parts` is referred to."""
    return max((sys.getrefcount(part) for part in parts), default=0)


class _Slot:
    """Holds something once, as a training holds its model."""

    def __init__(self) -> None:
        self.model = object()


_slot = _Slot()
_ALONE = _holders([_slot.model])  # what is counted of an object that nobody else holds


def _same(known: Any, model: Any) -> bool:
    if isinstance(model, dict):
        return isinstance(known, dict) and {*map(id, known.values())} == {*map(id, model.values())}
    return known is model


def _named_by_graph(observation: TorchObservation) -> str | None:
    """``MseLoss`` of the graph's node ``MseLossBackward0``."""
    name = observation.loss_node.partition("Backward")[0]
    return name if "Loss" in name or "Entropy" in name else None
