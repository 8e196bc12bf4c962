"""Bringing a run to MLflow in steps, each of which may be the last one and be taken again."""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nbmlops.records import Scalar, TrackedRun, encode
from nbmlops.tracking.delivery.mlflow_cells import cell_run, run_below
from nbmlops.tracking.delivery.mlflow_connection import MlflowConnection, end_run
from nbmlops.tracking.delivery.mlflow_entities import (
    DISMISSED_TAG,
    ID_TAG,
    PARENT_TAG,
    STALE_TAG,
    datasets_of,
    metrics_of,
    params_of,
    tags_of,
)
from nbmlops.tracking.delivery.mlflow_logged_models import deliver_model, measure_model
from nbmlops.tracking.delivery.steps import Step
from nbmlops.tracking.journal.place import Place
from nbmlops.tracking.redaction import without_credentials
from nbmlops.tracking.session.artifacts import ARTIFACTS, SESSION_FILE
from nbmlops.tracking.session.executed_notebook import executed_notebook

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["FOLDER", "RUN_FILE", "MlflowDelivery"]

RUN_FILE = "run.json"
FOLDER = "nbmlops"


class MlflowDelivery:
    """The delivery of one `run` through `connection`; `step` hears each step before it is taken."""

    def __init__(self, connection: MlflowConnection, run: TrackedRun, step: Step) -> None:
        self._connection = connection
        self._run = run
        self._step = step

    def deliver(self, *, attempted: bool, destination: tuple[str, str] | None) -> Place:
        """Bring MLflow to hold the run as it is now; see :meth:`MlflowStore.deliver`."""
        run, step = self._run, self._step
        client = self._connection.client_of(destination)
        step("find")
        own = destination is None
        theirs = client.get_run(destination[1]) if destination else self._place(attempted)
        if theirs.data.tags.get(ID_TAG, run.id) != run.id:
            own, theirs = True, run_below(client, theirs, run)
        run_id, experiment = theirs.info.run_id, theirs.info.experiment_id
        step("log")
        self._log(client, theirs, own=own)
        step("model")
        spool = self._connection.settings.spool / run.id
        model_uri = run.mlflow_model_uri or deliver_model(client, theirs, run, spool, step)
        step("measure-model")
        if model_uri is not None:
            measure_model(client, run_id, run, model_uri)
        step("artifacts")
        uri = destination[0] if destination else self._connection.settings.tracking_uri
        place = Place(run_id, experiment, model_uri, without_credentials(uri))
        placed = msgspec.structs.replace(run, **msgspec.structs.asdict(place))
        _log_artifacts(client, run_id, placed, spool / ARTIFACTS)
        step("end")
        if own and theirs.info.status == "RUNNING":
            ended = run.started.timestamp() + run.duration
            end_run(client, run_id, run.cell.outcome, ended)
        return place

    def _place(self, attempted: bool) -> Any:
        """The MLflow run that is this run's own, made if MLflow does not know it."""
        run, connection = self._run, self._connection
        known = run.mlflow_run_id or (connection.find_id(run.id) if attempted else None)
        if known:
            return connection.client.get_run(known)
        self._step("create")
        made = connection.client.create_run(
            connection.experiment_id,
            start_time=int(run.started.timestamp() * 1000),
            run_name=run.name,
            tags=tags_of(run),
        )
        self._step("created")
        # Over HTTP a request whose answer was lost is sent again, and may have been heard twice.
        first = connection.find_id(run.id) if connection.remote else None
        return made if first in (None, made.info.run_id) else connection.client.get_run(str(first))

    def _log(self, client: MlflowClient, theirs: Any, *, own: bool) -> None:
        from mlflow.entities import RunTag

        run, run_id = self._run, theirs.info.run_id
        tags = tags_of(run)
        if own and PARENT_TAG not in theirs.data.tags:
            parent = cell_run(self._connection, run, self._step)
            tags |= {PARENT_TAG: parent} if parent else {}
        client.log_batch(
            run_id,
            tags=[RunTag(k, v) for k, v in tags.items() if own or not k.startswith("mlflow.")],
        )
        if run.dismissed_by is None and DISMISSED_TAG in theirs.data.tags:
            client.delete_tag(run_id, DISMISSED_TAG)
        self._step("params")
        if STALE_TAG in theirs.data.tags and not run.stale:
            client.delete_tag(run_id, STALE_TAG)
        params, metrics = params_of(run, theirs.data.params), metrics_of(run)
        for start in range(0, len(params), 100):
            client.log_batch(run_id, params=params[start : start + 100])
        self._step("metrics")
        for start in range(0, len(metrics), 1000):
            client.log_batch(run_id, metrics=metrics[start : start + 1000])
        self._step("inputs")
        if run.inputs and not (own and theirs.inputs.dataset_inputs):
            client.log_inputs(run_id, datasets_of(run.inputs))


def _log_artifacts(client: MlflowClient, run_id: str, run: TrackedRun, artifacts: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="nbmlops-") as name:
        folder = Path(name)
        if artifacts.is_dir():
            parts = shutil.ignore_patterns(".part-*")  # of a kernel that died while it wrote
            shutil.copytree(artifacts, folder, dirs_exist_ok=True, ignore=parts)
            if (session := folder / SESSION_FILE).is_file():
                text = executed_notebook(session.read_bytes())
                (folder / "executed.ipynb").write_text(text, encoding="utf-8")
                session.unlink()
        (folder / RUN_FILE).write_bytes(encode(run))
        (folder / "slice.py").write_text(
            "\n\n".join(f"# In[{c.execution_count}]\n{c.source}" for c in run.code),
            encoding="utf-8",
        )
        for table, rows in run.tables.items():
            _write_table(folder / "tables", table, rows)
        (folder / "environment.json").write_bytes(
            msgspec.json.format(encode(run.environment), indent=2)
        )
        client.log_artifacts(run_id, str(folder), FOLDER)


def _write_table(folder: Path, name: str, rows: tuple[dict[str, Scalar], ...]) -> None:
    """A table as CSV, which MLflow's own view of artifacts shows as a table."""
    folder.mkdir(exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    spelled = re.sub(r"[^\w\-.]", "_", name)[:100]
    with (folder / f"{spelled}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
