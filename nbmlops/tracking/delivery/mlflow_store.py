"""Tracked runs in MLflow: delivered whole, found again, and read back."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbmlops.errors import Ambiguous, IntegrityError, NotFound
from nbmlops.records import TrackedRun, decode
from nbmlops.settings import Settings
from nbmlops.tracking.delivery.made_once import Claims
from nbmlops.tracking.delivery.mlflow_connection import MlflowConnection, quoted
from nbmlops.tracking.delivery.mlflow_delivery import FOLDER, RUN_FILE, MlflowDelivery
from nbmlops.tracking.delivery.mlflow_entities import ID_TAG
from nbmlops.tracking.delivery.steps import Step
from nbmlops.tracking.journal.place import Place

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["MlflowStore"]


class MlflowStore:
    """The project's MLflow, by `settings`: SQLite with files beside it, or a server.

    Every method raises :class:`StoreUnreachable` if MLflow does not answer, and
    :class:`StoreError` if it refuses.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._connection = MlflowConnection(settings)

    def open(self) -> None:
        """Connect, making the database and the experiment where they are missing."""
        with self._connection.answering():
            _ = self.experiment_id

    @property
    def remote(self) -> bool:
        """Whether MLflow is asked over HTTP."""
        return self._connection.remote

    @property
    def client(self) -> MlflowClient:
        """A plain MLflow client of the project's store."""
        return self._connection.client

    @property
    def experiment_id(self) -> str:
        """The project's MLflow experiment, made if it is missing."""
        return self._connection.experiment_id

    def deliver(
        self,
        run: TrackedRun,
        *,
        claims: Claims,
        destination: tuple[str, str] | None = None,
        step: Step = lambda _name: None,
    ) -> Place:
        """Bring MLflow to hold `run` as it is now, however often it is called.

        `claims` know what earlier deliveries have made. `destination` is the user's own run to
        join, as (tracking URI, run id). The model is taken from the spool if it is there. `step`
        hears each step's name before it is taken.
        """
        with self._connection.answering():
            return MlflowDelivery(self._connection, run, claims, step).deliver(destination)

    def load(self, key: str) -> TrackedRun:
        """The run with that id of ours, or that MLflow run id.

        :raises NotFound: if MLflow holds no such tracked run.
        :raises Ambiguous: if an abbreviated id fits more than one.
        """
        with self._connection.answering():
            found = [self._connection.find_id(key)] if key.startswith("run-") else [key]
            if key.startswith("run-") and found == [None]:
                found = [
                    r.info.run_id
                    for r in self._connection.search(f"tags.`{ID_TAG}` LIKE '{quoted(key)}%'")
                ]
            if not found:
                raise NotFound(f"No tracked run {key} in MLflow. `nbmlops runs` lists them.")
            if len(found) > 1:
                raise Ambiguous(f"More than one tracked run starts with {key}. Give more of it.")
            return self._load(str(found[0]))

    def find(
        self, *, notebook: str | None = None, execution_id: str | None = None, limit: int = 1000
    ) -> list[TrackedRun]:
        """The delivered runs, newest first, of one notebook or execution if it is named."""
        clauses = ["tags.`nbmlops.kind` != ''"]
        if notebook is not None:
            clauses.append(f"tags.`nbmlops.notebook` = '{quoted(notebook)}'")
        if execution_id is not None:
            clauses.append(f"tags.`nbmlops.execution_id` = '{quoted(execution_id)}'")
        with self._connection.answering():
            found = self._connection.search(" AND ".join(clauses), limit)
            return [self._load(run.info.run_id) for run in found]

    def download_model(self, run: TrackedRun, folder: str | Path) -> Path:
        """Download a delivered run's MLflow model into `folder`, which must not hold one yet.

        :raises NotFound: if the run has no model in MLflow.
        """
        if run.mlflow_model_uri is None:
            why = next((g.why for g in run.gaps if g.what == "model"), "it is not delivered yet")
            raise NotFound(f"Run {run.id} has no model in MLflow: {why}. Try `nbmlops sync`.")
        target = Path(folder)
        with self._connection.answering(), tempfile.TemporaryDirectory(prefix="nbmlops-") as name:
            model = self.client.get_logged_model(run.mlflow_model_uri.rpartition("/")[2])
            got = self._download(model.artifact_location, name)
            shutil.copytree(got, target, dirs_exist_ok=True)
        return target

    def _load(self, mlflow_run_id: str) -> TrackedRun:
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory(prefix="nbmlops-") as name:
            try:
                path = self.client.download_artifacts(mlflow_run_id, f"{FOLDER}/{RUN_FILE}", name)
            except (OSError, MlflowException) as error:
                if "unreachable" in str(error).lower():
                    raise
                raise NotFound(
                    f"MLflow run {mlflow_run_id} holds no nbmlops record."
                    " `nbmlops runs` lists those that do."
                ) from error
            data = Path(path).read_bytes()
        try:
            return decode(data, TrackedRun)
        except msgspec.DecodeError as error:
            raise IntegrityError(
                f"The record of MLflow run {mlflow_run_id} is damaged: {error}."
            ) from error

    def _download(self, uri: str, folder: str) -> str:
        import mlflow

        return str(
            mlflow.artifacts.download_artifacts(
                artifact_uri=uri, dst_path=folder, tracking_uri=self.settings.tracking_uri
            )
        )
