"""Where a run stands in MLflow, and the page that MLflow's own UI has for it."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from nbmlops.records import TrackedRun

__all__ = ["Place", "in_place_of", "run_page"]


class Place(msgspec.Struct, frozen=True):
    """Where a run stands in MLflow; `mlflow_tracking_uri` holds no credentials."""

    mlflow_run_id: str
    mlflow_experiment_id: str
    mlflow_model_uri: str | None = None
    mlflow_tracking_uri: str | None = None


def in_place_of(run: TrackedRun, known: TrackedRun) -> TrackedRun:
    """`run`, which stands where an earlier state of it is `known` to, unless it says otherwise."""
    return msgspec.structs.replace(
        run,
        **{name: getattr(run, name) or getattr(known, name) for name in Place.__struct_fields__},
    )


def run_page(run: TrackedRun) -> str | None:
    """The address at which a browser shows `run`; None where no server does, or not yet."""
    server, experiment = run.mlflow_tracking_uri or "", run.mlflow_experiment_id
    if not server.startswith(("http://", "https://")) or not (experiment and run.mlflow_run_id):
        return None
    where = quote(server.rstrip("/"), safe="/:@[]%")
    page = f"{where}/#/experiments/{quote(experiment, '')}/runs/{quote(run.mlflow_run_id, '')}"
    return f"{page}?workflowType=machine_learning"  # not as one of the language models' traces
