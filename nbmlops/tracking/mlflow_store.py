"""Tracked runs in MLflow: delivered whole, found again, and read back."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nbmlops.errors import Ambiguous, IntegrityError, NotFound, StoreError, StoreUnreachable
from nbmlops.records import DataInput, TrackedRun, decode, encode
from nbmlops.settings import Settings
from nbmlops.tracking.snapshots import SNAPSHOT_FILE

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Delivered", "MlflowStore"]

RUN_FILE = "run.json"
FOLDER = "nbmlops"
_ID_TAG = "nbmlops.run_id"
_NOT_A_KEY = re.compile(r"[^\w\-. :/]", re.ASCII)


class Delivered(msgspec.Struct, frozen=True):
    """Where a run stands in MLflow."""

    mlflow_run_id: str
    mlflow_experiment_id: str
    mlflow_model_uri: str | None


class MlflowStore:
    """The project's MLflow, by `settings`: SQLite with files beside it, or a server.

    Every method raises :class:`StoreUnreachable` if MLflow does not answer, and
    :class:`StoreError` if it refuses.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def open(self) -> None:
        """Connect, making the database and the experiment where they are missing."""
        with self._answering():
            _ = self.experiment_id

    # -- delivery -----------------------------------------------------------------------------
    def deliver(
        self,
        run: TrackedRun,
        *,
        attempted: bool = True,
        destination: tuple[str, str] | None = None,
        step: Callable[[str], None] = lambda _name: None,
    ) -> Delivered:
        """Bring MLflow to hold `run` as it is now, however often it is called.

        `attempted` says that MLflow may know the run already. `destination` is the user's own run
        to join, as (tracking URI, run id). The model is taken from the spool if it is there.
        `step` hears each step's name before it is taken.
        """
        with self._answering():
            client = self._client_of(destination)
            step("find")
            own = destination is None
            if destination:
                mlflow_run = client.get_run(destination[1])
            else:
                known = run.mlflow_run_id or (self._find_id(run.id) if attempted else None)
                mlflow_run = client.get_run(known) if known else self._create(run, step)
            run_id, experiment = mlflow_run.info.run_id, mlflow_run.info.experiment_id
            step("log")
            self._log(client, run_id, run, taken=mlflow_run.data.params, own=own)
            if not mlflow_run.inputs.dataset_inputs or not own:
                self._log_inputs(client, run_id, run.inputs)
            step("model")
            model_uri = run.mlflow_model_uri or self._deliver_model(client, experiment, run_id, run)
            step("artifacts")
            placed = msgspec.structs.replace(
                run,
                mlflow_run_id=run_id,
                mlflow_experiment_id=experiment,
                mlflow_model_uri=model_uri,
            )
            self._log_artifacts(client, run_id, placed)
            step("end")
            if own and mlflow_run.info.status == "RUNNING":
                status = "FINISHED" if run.cell.outcome == "ok" else "FAILED"
                ended = run.started.timestamp() + run.duration
                client.set_terminated(run_id, status, end_time=int(ended * 1000))
            return Delivered(run_id, experiment, model_uri)

    def _create(self, run: TrackedRun, step: Callable[[str], None]) -> Any:
        step("create")
        return self.client.create_run(
            self.experiment_id,
            start_time=int(run.started.timestamp() * 1000),
            run_name=run.name,
            tags=_tags(run),
        )

    def _log(
        self,
        client: MlflowClient,
        run_id: str,
        run: TrackedRun,
        *,
        taken: dict[str, str],
        own: bool,
    ) -> None:
        from mlflow.entities import Metric as MlflowMetric
        from mlflow.entities import Param, RunTag

        params = []
        for parameter in run.parameters:
            key, value = _key(parameter.name), str(parameter.value)[:6000]
            # MLflow refuses to change a parameter; what a user logged himself stays as it is.
            if key not in taken:
                params.append(Param(key, value))
        metrics = [
            MlflowMetric(_key(m.name), m.value, int(m.at.timestamp() * 1000), m.step)
            for m in run.metrics
            if m.value is not None
        ]
        tags = [RunTag(k, v) for k, v in _tags(run).items() if own or not k.startswith("mlflow.")]
        client.log_batch(run_id, tags=tags)
        for start in range(0, len(params), 100):
            client.log_batch(run_id, params=params[start : start + 100])
        for start in range(0, len(metrics), 1000):
            client.log_batch(run_id, metrics=metrics[start : start + 1000])

    def _log_inputs(self, client: MlflowClient, run_id: str, inputs: tuple[DataInput, ...]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        datasets = [
            DatasetInput(
                Dataset(
                    name=item.name[:500] or item.role,
                    # MLflow keeps 36 characters; the whole digest stands in the profile.
                    digest=item.fingerprint.digest[:36] or "unknown",
                    source_type="nbmlops",
                    source=encode({"files": item.files, "name": item.name}).decode()[:65000],
                    schema=encode(
                        {
                            "mlflow_colspec": [
                                {"name": c.name, "type": c.type, "required": not c.nulls}
                                for c in item.fingerprint.columns[:2000]
                            ]
                        }
                    ).decode(),
                    profile=encode(
                        {
                            "digest": item.fingerprint.digest,
                            "kind": item.fingerprint.kind,
                            "rows": item.fingerprint.rows,
                            "nbytes": item.fingerprint.nbytes,
                            "reason": item.fingerprint.reason,
                        }
                    ).decode(),
                ),
                tags=[InputTag("mlflow.data.context", item.role[:500])],
            )
            for item in inputs
        ]
        if datasets:
            client.log_inputs(run_id, datasets)

    def _deliver_model(
        self, client: MlflowClient, experiment: str, run_id: str, run: TrackedRun
    ) -> str | None:
        from mlflow.entities import LoggedModelOutput
        from mlflow.models import Model

        from nbmlops.tracking.mlflow_models import file_model

        spool = self.settings.spool / run.id
        folder = spool / "model"
        if not (spool / SNAPSHOT_FILE).is_file():
            return None
        if not (folder / "MLmodel").is_file():
            partial = spool / "model.part"
            file_model(spool, partial)
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
        found = client.search_logged_models(
            [experiment], filter_string=f"tags.`{_ID_TAG}` = '{run.id}'", max_results=1
        )
        model = found[0] if found else client.create_logged_model(
            experiment, name=_model_name(run.name), source_run_id=run_id,
            tags={_ID_TAG: run.id},
        )  # fmt: skip
        described = Model.load(str(folder))
        described.run_id, described.model_id = run_id, model.model_id
        described.model_uuid, described.artifact_path = model.model_id, model.artifact_location
        described.save(str(folder / "MLmodel"))
        client.log_model_artifacts(model.model_id, str(folder))
        client.finalize_logged_model(model.model_id, "READY")
        outputs = client.get_run(run_id).outputs
        if not outputs or all(o.model_id != model.model_id for o in outputs.model_outputs):
            client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        return f"models:/{model.model_id}"

    def _log_artifacts(self, client: MlflowClient, run_id: str, run: TrackedRun) -> None:
        with tempfile.TemporaryDirectory(prefix="nbmlops-") as name:
            folder = Path(name)
            (folder / RUN_FILE).write_bytes(encode(run))
            cells = [*run.cells, *run.metric_cells]
            (folder / "slice.py").write_text(
                "\n\n".join(f"# In[{c.execution_count}]\n{c.source}" for c in cells),
                encoding="utf-8",
            )
            (folder / "environment.json").write_bytes(
                msgspec.json.format(encode(run.environment), indent=2)
            )
            client.log_artifacts(run_id, str(folder), FOLDER)

    # -- reading back ---------------------------------------------------------------------------
    def load(self, key: str) -> TrackedRun:
        """The run with that id of ours, or that MLflow run id.

        :raises NotFound: if MLflow holds no such tracked run.
        :raises Ambiguous: if an abbreviated id fits more than one.
        """
        with self._answering():
            found = [self._find_id(key)] if key.startswith("run-") else [key]
            if key.startswith("run-") and found == [None]:
                found = [
                    r.info.run_id for r in self._search(f"tags.`{_ID_TAG}` LIKE '{_quoted(key)}%'")
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
            clauses.append(f"tags.`nbmlops.notebook` = '{_quoted(notebook)}'")
        if execution_id is not None:
            clauses.append(f"tags.`nbmlops.execution_id` = '{_quoted(execution_id)}'")
        with self._answering():
            found = self._search(" AND ".join(clauses), limit)
            return [self._load(run.info.run_id) for run in found]

    def download_model(self, run: TrackedRun, folder: str | Path) -> Path:
        """Download a delivered run's MLflow model into `folder`, which must not hold one yet.

        :raises NotFound: if the run has no model in MLflow.
        """
        if run.mlflow_model_uri is None:
            why = next((g.why for g in run.gaps if g.what == "model"), "it is not delivered yet")
            raise NotFound(f"Run {run.id} has no model in MLflow: {why}. Try `nbmlops sync`.")
        target = Path(folder)
        with self._answering(), tempfile.TemporaryDirectory(prefix="nbmlops-") as name:
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

    # -- MLflow -------------------------------------------------------------------------------
    @cached_property
    def client(self) -> MlflowClient:
        """A plain MLflow client of the project's store."""
        quieten()
        from mlflow import MlflowClient

        if self.settings.tracking_uri.startswith("sqlite:///"):
            self.settings.home.mkdir(parents=True, exist_ok=True)
        return MlflowClient(
            tracking_uri=self.settings.tracking_uri, registry_uri=self.settings.registry_uri
        )

    @cached_property
    def experiment_id(self) -> str:
        """The project's MLflow experiment, made if it is missing."""
        from mlflow.exceptions import MlflowException

        name = self.settings.experiment
        found = self.client.get_experiment_by_name(name)
        if found is None:
            local = self.settings.tracking_uri.startswith("sqlite:")
            place = self.settings.artifacts.as_uri() if local else None
            try:
                return str(self.client.create_experiment(name, artifact_location=place))
            except MlflowException as error:
                found = self.client.get_experiment_by_name(name)
                if found is None:
                    raise error
        return str(found.experiment_id)

    def _client_of(self, destination: tuple[str, str] | None) -> MlflowClient:
        if destination is None or destination[0] == self.settings.tracking_uri:
            return self.client
        quieten()
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=destination[0])

    def _download(self, uri: str, folder: str) -> str:
        import mlflow

        return str(
            mlflow.artifacts.download_artifacts(
                artifact_uri=uri, dst_path=folder, tracking_uri=self.settings.tracking_uri
            )
        )

    def _find_id(self, run_id: str) -> str | None:
        found = self._search(f"tags.`{_ID_TAG}` = '{_quoted(run_id)}'", 1)
        return found[0].info.run_id if found else None

    def _search(self, query: str, limit: int = 2) -> list[Any]:
        return list(
            self.client.search_runs(
                [self.experiment_id],
                filter_string=query,
                max_results=limit,
                order_by=["attributes.start_time DESC"],
            )
        )

    @contextmanager
    def _answering(self) -> Iterator[None]:
        import requests
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        where = self.settings.tracking_uri
        try:
            yield
        except (requests.RequestException, ConnectionError, TimeoutError) as error:
            raise StoreUnreachable(
                f"MLflow at {_without_password(where)} does not answer. Records wait in the"
                " journal; `nbmlops sync` delivers them."
            ) from error
        except (MlflowException, SQLAlchemyError) as error:
            text = str(error).split("\n", 1)[0]
            if any(sign in text for sign in ("Max retries", "Failed to establish", "timed out")):
                raise StoreUnreachable(
                    f"MLflow at {_without_password(where)} does not answer. Records wait in the"
                    " journal; `nbmlops sync` delivers them."
                ) from error
            raise StoreError(f"MLflow at {_without_password(where)} refused: {text}") from error


def quieten() -> None:
    """Keep MLflow's and Alembic's own logging out of the user's output."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in (
        "alembic",
        "mlflow.store.db.utils",
        "mlflow.store.db_migrations",
        "mlflow.tracking",
    ):
        logging.getLogger(name).setLevel(logging.ERROR)


def _tags(run: TrackedRun) -> dict[str, str]:
    tags = {
        _ID_TAG: run.id,
        "nbmlops.kind": run.kind,
        "nbmlops.model": run.model_class,
        "nbmlops.notebook": run.notebook or "",
        "nbmlops.cell_id": run.cell.cell_id or "",
        "nbmlops.cell_digest": run.cell.source_digest,
        "nbmlops.execution_count": str(run.cell.execution_count),
        "nbmlops.data_digest": run.data_digest,
        "nbmlops.completeness": f"{run.completeness:.2f}",
        "mlflow.user": run.author,
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.name": run.notebook or "",
        "mlflow.note.content": _note(run),
    }
    if run.execution_id:
        tags["nbmlops.execution_id"] = run.execution_id
    if run.parent_id:
        tags["nbmlops.parent_id"] = run.parent_id
    if run.environment.git:
        tags["mlflow.source.git.commit"] = run.environment.git.commit
        tags["mlflow.source.git.branch"] = run.environment.git.branch
    for name, value in run.tags.items():
        tags.setdefault(_key(name), value)
    return {name: value[:5000] for name, value in tags.items()}


def _note(run: TrackedRun) -> str:
    lines = [f"{gap.what}: {gap.why}" for gap in run.gaps]
    missing = "\n\nNot captured:\n" + "\n".join(f"- {line}" for line in lines) if lines else ""
    return f"```python\n{run.cell.source[:3000]}\n```{missing}"


def _key(name: str) -> str:
    return _NOT_A_KEY.sub("_", name)[:250]


def _model_name(name: str) -> str:
    # MLflow allows no dots, slashes, colons, quotes or per cents in a model's name.
    return re.sub(r"[^\w\- ]", "_", name, flags=re.ASCII)[:200] or "model"


def _quoted(text: str) -> str:
    return text.replace("'", "")


def _without_password(uri: str) -> str:
    return re.sub(r"(://[^:/@]*:)[^@/]+@", r"\1…@", uri)
