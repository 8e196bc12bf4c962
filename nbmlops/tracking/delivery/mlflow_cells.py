"""The MLflow run above the runs of a cell that trained several models: it holds the cell."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from nbmlops.records import TrackedRun
from nbmlops.tracking.delivery.mlflow_connection import MlflowConnection, end_run, quoted
from nbmlops.tracking.delivery.mlflow_entities import ID_TAG, PARENT_TAG
from nbmlops.tracking.delivery.steps import Step

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["CELL_TAG", "cell_run", "run_below"]

CELL_TAG = "nbmlops.cell_run_id"


def cell_run(connection: MlflowConnection, run: TrackedRun, step: Step) -> str | None:
    """The id of the MLflow run above `run`, made with the first of its cell; None if it is alone.

    One process delivers at a time, so what is not found is not there.
    """
    if run.parent_id is None:
        return None
    theirs = connection.find_first(CELL_TAG, run.parent_id)
    if theirs is None:
        step("cell-run")
        theirs = _make(connection, run)
        step("cell-run-made")
        if connection.remote:  # a request whose answer was lost may have been heard twice
            theirs = connection.find_first(CELL_TAG, run.parent_id) or theirs
    run_id, cell = str(theirs.info.run_id), run.cell
    if theirs.info.status == "RUNNING":
        connection.client.log_text(run_id, cell.source, "nbmlops/cell.py")
        step("cell-run-filed")
        ended = cell.started.timestamp() + cell.duration
        end_run(connection.client, run_id, cell.outcome, ended)
    return run_id


def _make(connection: MlflowConnection, run: TrackedRun) -> Any:
    cell = run.cell
    stem = PurePath(run.notebook).stem if run.notebook else "cell"
    return connection.client.create_run(
        connection.experiment_id,
        start_time=int(cell.started.timestamp() * 1000),
        run_name=f"{stem} [{cell.execution_count}]",
        tags={
            CELL_TAG: run.parent_id or "",
            "nbmlops.notebook": run.notebook or "",
            "nbmlops.cell_id": cell.cell_id or "",
            "nbmlops.cell_digest": cell.source_digest,
            "nbmlops.execution_count": str(cell.execution_count),
            "mlflow.user": run.author,
            "mlflow.source.type": "NOTEBOOK",
            "mlflow.source.name": run.notebook or "",
            "mlflow.note.content": (
                "A cell that trained several models; each is a run below this one.\n\n"
                f"```python\n{cell.source[:4000]}\n```"
            ),
        },
    )


def run_below(client: MlflowClient, theirs: Any, run: TrackedRun) -> Any:
    """The run below a user's own run that another of ours has joined already.

    Two models in one run would overwrite each other's parameters and metrics.
    """
    experiment = theirs.info.experiment_id
    found = client.search_runs(
        [experiment], filter_string=f"tags.`{ID_TAG}` = '{quoted(run.id)}'", max_results=1
    )
    return found[0] if found else client.create_run(
        experiment,
        start_time=int(run.started.timestamp() * 1000),
        run_name=run.name,
        tags={ID_TAG: run.id, PARENT_TAG: theirs.info.run_id, "mlflow.user": run.author},
    )  # fmt: skip
