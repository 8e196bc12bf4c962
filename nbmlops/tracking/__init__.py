"""WHAT happened in the cell? Observed, journaled, delivered to MLflow.

observer -> instruments -> trainings -> journal -> deliverer -> MLflow. Nothing heavy loads here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.tracking.comparison import compare_runs
    from nbmlops.tracking.delivery.courier import Courier
    from nbmlops.tracking.delivery.delivery import deliver_pending
    from nbmlops.tracking.delivery.mlflow_store import MlflowStore
    from nbmlops.tracking.dismissal import dismiss, latest_inferred, restore
    from nbmlops.tracking.instruments.following import follow
    from nbmlops.tracking.instruments.wrapping import watch
    from nbmlops.tracking.journal.journal import Journal, Waiting
    from nbmlops.tracking.journal.place import run_page
    from nbmlops.tracking.observer import Observer
    from nbmlops.tracking.session.whereabouts import forget_whereabouts, note_whereabouts
    from nbmlops.tracking.tracker import Tracker
    from nbmlops.tracking.trainings.inputs import arguments_of
    from nbmlops.tracking.trainings.parameters import named_parameters
    from nbmlops.tracking.trainings.training import Training

__all__ = [
    "Courier",
    "Journal",
    "MlflowStore",
    "Observer",
    "Tracker",
    "Training",
    "Waiting",
    "arguments_of",
    "compare_runs",
    "deliver_pending",
    "dismiss",
    "follow",
    "forget_whereabouts",
    "latest_inferred",
    "named_parameters",
    "note_whereabouts",
    "restore",
    "run_page",
    "watch",
]

_HOMES = {
    "Courier": "delivery.courier",
    "Journal": "journal.journal",
    "MlflowStore": "delivery.mlflow_store",
    "Observer": "observer",
    "Tracker": "tracker",
    "Training": "trainings.training",
    "Waiting": "journal.journal",
    "arguments_of": "trainings.inputs",
    "deliver_pending": "delivery.delivery",
    "compare_runs": "comparison",
    "dismiss": "dismissal",
    "follow": "instruments.following",
    "forget_whereabouts": "session.whereabouts",
    "latest_inferred": "dismissal",
    "named_parameters": "trainings.parameters",
    "note_whereabouts": "session.whereabouts",
    "restore": "dismissal",
    "run_page": "journal.place",
    "watch": "instruments.wrapping",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
