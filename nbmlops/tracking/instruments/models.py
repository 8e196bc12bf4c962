"""What is a model, and what it is called."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["class_path", "is_model", "title"]

# A model can do one of these once it is fitted; what can only transform is preparation. (PCA has
# `score_samples` and `score`, and is no model for that.)
_MODEL_SIGNS = (
    "predict", "predict_proba", "decision_function", "fit_predict", "kneighbors", "forecast",
    "forward", "__call__",
)  # fmt: skip


def class_path(model: Any) -> str:
    """The importable path of an object's class, at the frontmost door that shows it."""
    kind = type(model)
    parts = kind.__module__.split(".")
    if "src" in parts[1:]:
        # A library's cellar, as Keras's: what has no door of its own is a form of what has one.
        family = (
            k
            for k in kind.__mro__
            if k.__module__.split(".")[0] == parts[0] and hasattr(k, "fit") == hasattr(kind, "fit")
        )
        if shown := next(filter(None, (_door(k, private="src") for k in family)), None):
            return shown
    if shown := _door(kind):
        return shown
    module = ".".join(p for p in parts if not p.startswith("_") or p == "__main__")
    return f"{module}.{kind.__qualname__}"


def _door(kind: type, private: str | None = None) -> str | None:
    """The frontmost path at which `kind` is shown, none of it behind a `private` package."""
    parts = kind.__module__.split(".")
    for depth in range(1, len(parts)):
        if private in parts[1:depth]:
            return None
        door = ".".join(parts[:depth])
        if getattr(sys.modules.get(door), kind.__qualname__, None) is kind:
            return f"{door}.{kind.__qualname__}"
    return None


def title(model: Any) -> str:
    """What a model's run is called: by its class, and by the model that a wrapper is about."""
    kind = type(model).__name__
    inner = None
    if kind == "Pipeline" and getattr(model, "steps", None):
        inner = model.steps[-1][1]
    elif kind.endswith("SearchCV"):
        inner = getattr(model, "estimator", None)
    return (
        f"{kind} of {title(inner)}" if inner is not None and kind != type(inner).__name__ else kind
    )


def is_model(model: Any) -> bool:
    """Whether a model comes of its ``fit``; what can only transform is preparation."""

    def can(sign: str) -> bool:
        try:
            return hasattr(model, sign)
        except Exception:  # noqa: BLE001 - a user's own __getattr__ may raise anything; it then cannot
            return False

    if can("transform") or can("fit_transform"):
        return any(can(sign) for sign in _MODEL_SIGNS)
    return True
