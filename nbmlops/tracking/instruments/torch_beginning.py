"""The first step of a training by hand: what it trains, and what the code around it tells."""

from __future__ import annotations

from collections.abc import Iterable
from types import FrameType
from typing import TYPE_CHECKING, Any

from nbmlops.records import DataInput, Gap
from nbmlops.tracking.code.frames import held_name_of, name_of
from nbmlops.tracking.instruments.models import class_path
from nbmlops.tracking.instruments.torch_data import inputs_of
from nbmlops.tracking.instruments.torch_loops import Loop, epoch_loop, loops_around, regions_around
from nbmlops.tracking.instruments.torch_losses import backward_calls, losses_of
from nbmlops.tracking.instruments.torch_modules import owners_of, reachable, scheduler_of
from nbmlops.tracking.instruments.torch_observation import TorchObservation
from nbmlops.tracking.instruments.torch_reading import (
    batch_size_of,
    clipping_of,
    data_read,
    datasets_behind,
)
from nbmlops.tracking.instruments.torch_settings import (
    layers_of,
    losses_settings,
    measured,
    model_settings,
    module_settings,
    optimizer_settings,
    scheduler_settings,
)
from nbmlops.tracking.instruments.torch_training import LoopTraining, add_settings
from nbmlops.tracking.trainings.inputs import Argument
from nbmlops.tracking.trainings.training import Training

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["begin_loop"]


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
        add_settings(known.training, optimizer_settings(optimizer))
        return known
    regions, loops_here = regions_around(frames), loops_around(frames)
    scheduler = scheduler_of(optimizer, frames, tracker.namespace)
    settings = (
        *(
            p
            for _, module in owners
            if inside is None
            for p in module_settings(module, tracker.constructions.of(module))
        ),
        *optimizer_settings(optimizer, scheduler),
        *scheduler_settings(scheduler),
        *losses_settings(losses_of(regions) or [_named_by_graph(observation)]),
        *measured(model_settings([module for _, module in owners], tensors)),
        *measured(clipping_of(regions)),
    )
    feed = observation.feed
    source = feed.source() if feed is not None else None
    # The cell around a class that trains itself may go over other data as well.
    inner = regions if inside is None else regions_around(_frames_of(inside.model, frames))
    data = data_read(inner, tracker.namespace, closure, source)
    if source is not None:
        name = name_of(source, tracker.namespace, frames)
        name = name or held_name_of(source, tracker.namespace)
        data = _with_source(data, source, name)
    size = feed.batch_size if feed is not None else batch_size_of(loops_here, regions)
    if size is not None:
        settings += measured({"batch_size": size})
    training = inside or Training(
        model=model,
        model_class=class_path(owners[0][1]) if owners else class_path(tensors[0]),
        name=", ".join(type(module).__name__ for _, module in owners) or type(optimizer).__name__,
        random=True,
    )
    add_settings(training, settings)
    for _, module in owners:
        training.tables["layers"] = training.tables.get("layers", ()) + layers_of(module)
    loop = LoopTraining(tracker, observation, training, own=inside is not None)
    loop.join(optimizer)
    loop.accumulates = closure is None and len(backward_calls(regions)) < 2
    _count_epochs(loop, loops_here, by_loader=feed is not None)
    if inside is None:
        _open(tracker, training, data)
        if feed is not None:
            training.sample = observation.example_of_feed(model)
        for _, module in owners:
            tracker.provenance.remember_model(module, training.id)
    elif inside.own_code and not (inside.inputs or inside.data_name):
        # Its `fit` was handed no data: it is what the object holds.
        tracker.trainings.take_inputs(inside, *_named(data))
    return loop


def _count_epochs(loop: LoopTraining, loops: list[Loop], *, by_loader: bool) -> None:
    turns = epoch_loop(loops)
    place = (turns.code, turns.variable) if turns is not None and turns.variable else None
    # A loop over a loader counts its epochs by itself, for less than reading a variable takes.
    if by_loader and (turns is None or not turns.named or loops[-1].over_data):
        loop.count_by(None, loader=True)
    else:
        loop.count_by(place, loader=False)


def _open(tracker: Tracker, training: Training, data: list[Argument]) -> None:
    plain, named = _named(data)
    training.inputs += named
    if not data:
        training.gaps.append(Gap(what="data", why="What went into the loop could not be told."))
    tracker.trainings.open(training, plain)


def _named(data: list[Argument]) -> tuple[list[Argument], list[DataInput]]:
    """What can be named as it is, and what was named here."""
    plain: list[Argument] = []
    named: list[DataInput] = []
    for argument in data:
        as_is, read = inputs_of(argument)
        # A dataset's parts may be read by themselves as well.
        plain += [
            a for a in as_is if not any(a.role == p.role and a.value is p.value for p in plain)
        ]
        named += read
    return plain, named


def _frames_of(model: Any, frames: list[FrameType]) -> list[FrameType]:
    """The frames down to the outermost method of `model`."""
    methods = [
        number
        for number, frame in enumerate(frames)
        if frame.f_code.co_argcount and frame.f_locals.get(frame.f_code.co_varnames[0]) is model
    ]
    return frames[: methods[-1] + 1] if methods else frames[:-1]


def _with_source(data: list[Argument], source: Any, name: str | None) -> list[Argument]:
    """What feeds the loop comes first, whatever the code around it is like."""
    known = next((argument for argument in data if argument.value is source), None)
    if known is None and name is None:  # a library's own, behind the loader that the code reads
        rows = getattr(source, "dataset", source)
        known = next((a for a in data if getattr(a.value, "dataset", None) is rows), None)
    behind = {id(dataset) for dataset in (source, *datasets_behind(source))}
    others = [a for a in data if a is not known and id(a.value) not in behind]
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


def _same(known: Any, model: Any) -> bool:
    if isinstance(model, dict):
        return isinstance(known, dict) and {*map(id, known.values())} == {*map(id, model.values())}
    return known is model


def _named_by_graph(observation: TorchObservation) -> str | None:
    """``MseLoss`` of the graph's node ``MseLossBackward0``."""
    name = observation.loss_node.partition("Backward")[0]
    return name if "Loss" in name or "Entropy" in name else None
