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
    from nbmlops.tracking.journal.journal import Journal
    from nbmlops.tracking.journal.place import run_page
    from nbmlops.tracking.observer import Observer
    from nbmlops.tracking.tracker import Tracker

__all__ = [
    "Courier",
    "Journal",
    "MlflowStore",
    "Observer",
    "Tracker",
    "compare_runs",
    "deliver_pending",
    "dismiss",
    "latest_inferred",
    "restore",
    "run_page",
]

_HOMES = {
    "Courier": "delivery.courier",
    "Journal": "journal.journal",
    "MlflowStore": "delivery.mlflow_store",
    "Observer": "observer",
    "Tracker": "tracker",
    "deliver_pending": "delivery.delivery",
    "compare_runs": "comparison",
    "dismiss": "dismissal",
    "latest_inferred": "dismissal",
    "restore": "dismissal",
    "run_page": "journal.place",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
