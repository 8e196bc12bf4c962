"""Which model a call asks, and about what: ``model.predict(X)``, ``net(X)``, ``net.eval()(X)``."""

from __future__ import annotations

import ast
from typing import Any, TypeGuard

from nbmlops.tracking.code.frames import argument_of, root_name
from nbmlops.tracking.code.own import is_own
from nbmlops.tracking.metrics.frame_names import FrameNames
from nbmlops.tracking.metrics.provenance import Provenance

__all__ = ["FORECASTING", "asked_about", "is_predicting", "run_asked"]

_PREDICTING = (
    "predict",
    "fit_predict",
    "decision",
    "score_",
    "forecast",
    "get_forecast",
    "get_prediction",
)
# These go on from where a training ended, whatever they are handed: their data is what is to come.
FORECASTING = ("forecast", "get_forecast")
_READYING = ("eval", "train", "to", "cpu", "cuda", "float", "double", "requires_grad_")


def is_predicting(function: ast.expr) -> TypeGuard[ast.Attribute]:
    """Whether what is called is a method that models predict by."""
    return isinstance(function, ast.Attribute) and function.attr.startswith(_PREDICTING)


def run_asked(call: ast.Call, depth: int, names: FrameNames, provenance: Provenance) -> str | None:
    """The run of the model that a call in frame `depth` asks; None where it asks none."""
    function = _unready(call.func)
    if is_predicting(function):
        model = names.held(function.value, depth)
        model = names.lookup(root_name(function.value), depth) if model is None else model
    else:
        model = names.held(function, depth)
    run_id = provenance.run_behind_model(model) or provenance.run_behind(model)
    return run_id or _run_inside(model, provenance)


def asked_about(call: ast.Call) -> ast.expr | None:
    """``X`` of ``net(X)``, ``net(input_ids=X)`` and ``net(**X)``; None of a forecast."""
    function = _unready(call.func)
    if isinstance(function, ast.Attribute) and function.attr in FORECASTING:
        return None
    named = (k.value for k in call.keywords if not isinstance(k.value, ast.Constant))
    return argument_of(call, 0, "X") or next(named, None)


def _unready(function: ast.expr) -> ast.expr:
    """What is called, without the methods that make a network ready and give it back."""
    while (
        isinstance(function, ast.Call)
        and isinstance(function.func, ast.Attribute)
        and function.func.attr in _READYING
    ):
        function = function.func.value
    return function


def _run_inside(holder: Any, provenance: Provenance) -> str | None:
    """The run of the one model that an object of the user's holds, as a trainer does."""
    if not is_own(type(holder)):
        return None
    try:
        parts = list(vars(holder).values())
    except Exception:  # noqa: BLE001 - a user's own `__dict__` may raise anything
        return None
    runs = {provenance.run_of(part) for part in parts} - {None}
    return runs.pop() if len(runs) == 1 else None
