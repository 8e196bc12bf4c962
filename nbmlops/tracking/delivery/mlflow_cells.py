"""The MLflow run above the runs of a cell that trained several models: it holds the cell."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from nbmlops.records import TrackedRun
from nbmlops.tracking.delivery.mlflow_connection import end_run
from nbmlops.tracking.delivery.mlflow_entities import ID_TAG, PARENT_TAG
from nbmlops.tracking.delivery.mlflow_runs import Maker
from nbmlops.tracking.delivery.steps import Step

__all__ = ["CELL_TAG", "cell_run", "run_below"]

CELL_TAG = "nbmlops.cell_run_id"


def cell_run(maker: Maker, run: TrackedRun, step: Step) -> str | None:
    """The id of the MLflow run above `run`, made with the first of its cell; None if it is alone.

    One process delivers at a time, so what is not found is not there.
    """
    if run.parent_id is None:
        return None
    cell, client = run.cell, maker.client
    stem = PurePath(run.notebook).stem if run.notebook else "cell"
    name = f"{stem} [{cell.execution_count}]"
    theirs = maker.run(run.parent_id, name, cell.started, _tags_of(run), (step, "cell-run"))
    run_id = str(theirs.info.run_id)
    if theirs.info.status == "RUNNING":
        client.log_text(run_id, cell.source, "nbmlops/cell.py")
        step("cell-run-filed")
        ended = cell.started.timestamp() + cell.duration
        end_run(client, run_id, cell.outcome, ended)
    return run_id


def _tags_of(run: TrackedRun) -> dict[str, str]:
    cell = run.cell
    return {
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
    }


def run_below(maker: Maker, theirs: Any, run: TrackedRun, step: Step) -> Any:
    """The run below a user's own run that another of ours has joined already.

    Two models in one run would overwrite each other's parameters and metrics.
    """
    tags = {ID_TAG: run.id, PARENT_TAG: theirs.info.run_id, "mlflow.user": run.author}
    return maker.run(run.id, run.name, run.started, tags, (step, "create"))
