"""The settings of a training by hand as PyTorch spells them: optimizer, schedule, loss, device."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from nbmlops.records import Parameter, Scalar
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.trainings.parameters import as_scalar, named_parameters, parameters_of

__all__ = [
    "layers_of", "losses_settings", "measured", "model_settings", "module_settings",
    "optimizer_settings", "scheduler_settings",
]  # fmt: skip

_DEFAULTS: dict[str, Any] = {"device": "cpu", "dtype": "float32", "amp": False}
# What an optimizer keeps in its groups beside the user's settings.
_NO_SETTINGS = {"params", "param_names", "initial_lr", "max_lr", "min_lr", "max_momentum",
                "base_momentum", "decoupled_weight_decay"}  # fmt: skip
# What a cycle of learning rates and momenta goes between, which its optimizer's groups hold.
_CYCLES = {"max_lr", "max_momentum", "base_momentum"}
_CYCLED = {"lr", "momentum", "betas"}
_MOST_LAYERS = 500


def optimizer_settings(optimizer: Any, scheduler: Any = None) -> tuple[Parameter, ...]:
    """The optimizer's class and groups; of a further group what differs from the first."""
    kind = type(optimizer)
    defaults = _constructor_defaults(kind)
    first, *others = optimizer.param_groups
    values = {"optimizer": kind.__name__, **_group(first)}
    if not others and hasattr(scheduler, "cycle_momentum"):
        # A cycle has put its own beginning in the place of what the user wrote.
        made = getattr(optimizer, "defaults", {})
        values |= {name: made[name] for name in (_CYCLED & made.keys() & values.keys())}
    for number, group in enumerate(others, start=1):
        values |= {
            f"group{number}__{name}": value
            for name, value in _group(group).items()
            if value != first.get("initial_lr" if name == "lr" else name, first.get(name))
        }
    return named_parameters(values, defaults)[0]


def scheduler_settings(scheduler: Any) -> tuple[Parameter, ...]:
    """A scheduler's class, and the plain settings that it was made with."""
    if scheduler is None:
        return ()
    defaults = _constructor_defaults(type(scheduler))
    own = _as_constructed(scheduler)
    values: dict[str, Any] = {
        name: own[name]
        for name in defaults
        if isinstance(own.get(name), bool | int | float | str | list | tuple | Counter)
        and name != "last_epoch"
    }
    if isinstance(values.get("milestones"), Counter):
        values["milestones"] = sorted(values["milestones"].elements())
    return _under("scheduler", type(scheduler).__name__, values, defaults)


def _as_constructed(scheduler: Any) -> dict[str, Any]:
    """A scheduler's attributes, and what it keeps in its optimizer's first group or as a list."""
    own = vars(scheduler)
    kept = {name: own.get(f"{name}s") for name in _CYCLES | {"base_lr"}}
    alone = {n: v[0] for n, v in kept.items() if isinstance(v, list) and len(v) == 1}
    group = scheduler.optimizer.param_groups[0] if "optimizer" in own else {}
    return {**{n: group[n] for n in _CYCLES & group.keys()}, **alone, **own}


def losses_settings(losses: Iterable[Any]) -> tuple[Parameter, ...]:
    """The classes and settings of losses, or their functions' names: ``loss``, ``loss2``."""
    settings: dict[str, tuple[Parameter, ...]] = {}
    for loss in losses:
        name = f"loss{len(settings) + 1}" if settings else "loss"
        if found := _loss_settings(name, loss):
            settings[name] = found
    return tuple(parameter for found in settings.values() for parameter in found)


def _loss_settings(what: str, loss: Any) -> tuple[Parameter, ...]:
    if loss is None or isinstance(loss, str):
        return named_parameters({what: loss})[0] if loss else ()
    if inspect.isroutine(loss):
        return named_parameters({what: loss.__name__})[0]
    defaults = _constructor_defaults(type(loss))
    own = vars(loss) | {k: v for k, v in vars(loss).get("_buffers", {}).items() if v is not None}
    values = {
        name: tuple(own[name].tolist()) if hasattr(own[name], "tolist") else own[name]
        for name in defaults
        if name in own and name not in ("size_average", "reduce")
    }
    return _under(what, type(loss).__name__, values, defaults)


def module_settings(module: Any, given: Mapping[str, Any] | None = None) -> tuple[Parameter, ...]:
    """What the user's own module was made with: what it kept, and what was `given` and seen."""
    return parameters_of(module, given)[0] if is_own(type(module)) else ()


def model_settings(modules: Iterable[Any], tensors: list[Any]) -> dict[str, Any]:
    """Device, dtype, and how many numbers are trained, out of how many."""
    counted = {id(p): p for module in modules for p in module.parameters()}
    counted.update((id(tensor), tensor) for tensor in tensors)
    total = sum(p.numel() for p in counted.values())
    trained = sum(p.numel() for p in counted.values() if p.requires_grad)
    values: dict[str, Any] = {
        "device": str(tensors[0].device),
        "dtype": str(tensors[0].dtype).removeprefix("torch."),
        "num_parameters": total,
    }
    if trained != total:
        values["num_trainable_parameters"] = trained
    return values


def layers_of(module: Any) -> tuple[dict[str, Scalar], ...]:
    """A module's layers, one a row."""
    rows: list[dict[str, Scalar]] = []
    for name, layer in module.named_modules():
        if len(rows) == _MOST_LAYERS:
            break
        if next(layer.children(), None) is None:
            rows.append(
                {
                    "name": name or "model",
                    "class": type(layer).__name__,
                    "settings": as_scalar(layer.extra_repr()),
                    "parameters": sum(p.numel() for p in layer.parameters(recurse=False)),
                }
            )
    return tuple(rows)


def measured(values: dict[str, Any]) -> tuple[Parameter, ...]:
    """Settings that were seen rather than read off an object."""
    return named_parameters(values, _DEFAULTS)[0]


def _group(group: dict[str, Any]) -> dict[str, Any]:
    values = {
        name: value.item() if hasattr(value, "item") else value
        for name, value in group.items()
        if name not in _NO_SETTINGS
    }
    if "initial_lr" in group:
        values["lr"] = group["initial_lr"]  # what the user wrote, before a scheduler changed it
    return values


def _under(
    what: str, kind: str, values: dict[str, Any], defaults: dict[str, Any]
) -> tuple[Parameter, ...]:
    named = {what: kind} | {f"{what}__{name}": value for name, value in values.items()}
    return named_parameters(named, {f"{what}__{name}": d for name, d in defaults.items()})[0]


def _constructor_defaults(kind: type) -> dict[str, Any]:
    try:
        given = inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return {}
    return {name: p.default for name, p in given.items()}
