"""Classes that people write themselves: one with ``fit`` counts like a library's.

A class is seen as it is made. Only the notebook's classes and those of local modules are watched;
installed libraries have instruments of their own.
"""

from __future__ import annotations

import builtins
import sys
import sysconfig
from typing import TYPE_CHECKING, Any

from nbmlops.tracking.instruments.estimators import EstimatorWatch

if TYPE_CHECKING:
    from nbmlops.tracking.tracker import Tracker

__all__ = ["watch_own_classes"]


def watch_own_classes(tracker: Tracker) -> None:
    """Watch the notebook's classes: those that exist, and each as it is made."""
    watch = EstimatorWatch(tracker, own_code=True)
    build_class = builtins.__build_class__
    installed = tuple(
        {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")} | {sys.base_prefix}
    )

    def consider(cls: Any) -> None:
        if not issubclass(type(cls), type) or not (
            "fit" in vars(cls) or "partial_fit" in vars(cls)
        ):
            return
        module = sys.modules.get(cls.__module__)
        file = getattr(module, "__file__", None) or ""
        if cls.__module__ == "__main__" or (file and not file.startswith(installed)):
            # Its bases of installed libraries are their instruments' business.
            watch.watch_class(cls, own_only=True)

    def build(function: Any, name: str, *bases: Any, **keywords: Any) -> Any:
        cls = build_class(function, name, *bases, **keywords)
        try:
            consider(cls)
        except Exception as error:  # noqa: BLE001 - the user's class must come to be; `fault` tells
            tracker.fault(f"the class {name}", error)
        return cls

    builtins.__build_class__ = build  # type: ignore[assignment]
    for value in list(tracker.namespace.values()):
        consider(value)
