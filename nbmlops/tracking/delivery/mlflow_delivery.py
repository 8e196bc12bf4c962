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
from nbmlops.tracking.delivery.made_once import Claims
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
from nbmlops.tracking.delivery.mlflow_runs import Maker
from nbmlops.tracking.delivery.steps import Step
from nbmlops.tracking.journal.place import Place
from nbmlops.tracking.redaction import without_credentials
from nbmlops.tracking.session.artifacts import ARTIFACTS, SESSION_FILE
from nbmlops.tracking.session.executed_notebook import executed_notebook
from nbmlops.whole_files import LEFT_HALF

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["FOLDER", "RUN_FILE", "MlflowDelivery"]

RUN_FILE = "run.json"
FOLDER = "nbmlops"


class MlflowDelivery:
    """The delivery of one `run` through `connection`; `step` hears each step before it is taken.

    `claims` know what earlier deliveries have made.
    """

    def __init__(
        self, connection: MlflowConnection, run: TrackedRun, claims: Claims, step: Step
    ) -> None:
        self._connection, self._run = connection, run
        self._claims, self._step = claims, step

    def deliver(self, destination: tuple[str, str] | None) -> Place:
        """Bring MLflow to hold the run as it is now; see :meth:`MlflowStore.deliver`."""
        run, step = self._run, self._step
        client = self._connection.client_of(destination)
        uri = destination[0] if destination else self._connection.settings.tracking_uri
        where = without_credentials(uri)
        step("find")
        known = run.mlflow_run_id or (destination[1] if destination else None)
        theirs = client.get_run(known) if known else self._make(where)
        maker = Maker(client, where, theirs.info.experiment_id, self._claims)
        if theirs.data.tags.get(ID_TAG, run.id) != run.id:
            theirs = run_below(maker, theirs, run, step)
        run_id, experiment = theirs.info.run_id, theirs.info.experiment_id
        own = destination is None or run_id != destination[1]
        step("log")
        self._log(maker, theirs, own=own)
        step("model")
        spool = self._connection.settings.spool / run.id
        model_uri = run.mlflow_model_uri or deliver_model(maker, theirs, run, spool, step)
        step("measure-model")
        if model_uri is not None:
            measure_model(client, run_id, run, model_uri)
        step("artifacts")
        place = Place(run_id, experiment, model_uri, where)
        placed = msgspec.structs.replace(run, **msgspec.structs.asdict(place))
        _log_artifacts(client, run_id, placed, spool / ARTIFACTS)
        step("end")
        if own and theirs.info.status == "RUNNING":
            ended = run.started.timestamp() + run.duration
            end_run(client, run_id, run.cell.outcome, ended)
        return place

    def _make(self, where: str) -> Any:
        """The MLflow run that is this run's own, made if no delivery has made it."""
        run, connection = self._run, self._connection
        maker = Maker(connection.client, where, connection.experiment_id, self._claims)
        return maker.run(run.id, run.name, run.started, tags_of(run), (self._step, "create"))

    def _log(self, maker: Maker, theirs: Any, *, own: bool) -> None:
        from mlflow.entities import RunTag

        client: MlflowClient = maker.client
        run, run_id = self._run, theirs.info.run_id
        tags = tags_of(run)
        if own and PARENT_TAG not in theirs.data.tags:
            parent = cell_run(maker, run, self._step)
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
            parts = shutil.ignore_patterns(LEFT_HALF)  # of a kernel that died while it wrote
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
