"""Classes that people write themselves: one with ``fit`` counts like a library's.

A class is seen as it is made. Only the notebook's classes and those of local modules are watched;
installed libraries have instruments of their own.
"""

from __future__ import annotations

import sys
from types import ModuleType, WrapperDescriptorType
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.code.own import is_own, is_own_module
from nbmlops.tracking.instruments.class_making import hear_of_classes
from nbmlops.tracking.instruments.estimators import EstimatorWatch
from nbmlops.tracking.instruments.own_functions import OwnFunctionWatch
from nbmlops.tracking.instruments.wrapping import watch as watch_method

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["watch_own_classes"]

# What every model of PyTorch and Keras derives from.
_LAYERS = {("torch.nn.modules.module", "Module"), ("keras.src.layers.layer", "Layer")}


def watch_own_classes(tracker: Tracker) -> None:
    """Watch the notebook's classes and functions: those that exist, and each as it is made."""
    watch = EstimatorWatch(tracker, own_code=True)

    def consider(cls: Any) -> None:
        if not issubclass(type(cls), type) or not is_own(cls):
            return
        if any(name in vars(base) for base in cls.__mro__ for name in ("fit", "partial_fit")):
            for base in cls.__mro__:
                # Bases of installed libraries are their instruments' business.
                if is_own(base):
                    watch.watch_class(base, own_only=True)
            watch_constructors(cls)
        elif functions.watch_methods(cls) or _has_layers(cls):
            watch_constructors(cls)

    def watch_constructors(cls: type) -> None:
        for base in cls.__mro__:
            init = vars(base).get("__init__")
            # What is compiled cannot be watched, and tells nothing that its heirs do not.
            if init is not None and is_own(base) and not isinstance(init, WrapperDescriptorType):
                watch_method(base, "__init__", tracker.constructions.construct)

    functions = OwnFunctionWatch(tracker, watch_constructors)

    def made(cls: Any, name: str) -> None:
        with tracker.safely(f"the class {name}"):
            consider(cls)

    hear_of_classes(made)
    local = [
        vars(m) for m in list(sys.modules.values()) if type(m) is ModuleType and is_own_module(m)
    ]
    for home in (tracker.namespace, *local):
        for value in list(home.values()):
            consider(value)
    functions.start()


def _has_layers(cls: type) -> bool:
    """Whether its objects are trained by others: by a loop, or by a trainer."""
    return any((base.__module__, base.__qualname__) in _LAYERS for base in cls.__mro__)
