"""A run's model on its way from the spool to an MLflow LoggedModel: once, however often begun."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.records import TrackedRun
from nbmlops.tracking.delivery.made_once import TOKEN_TAG, make_once
from nbmlops.tracking.delivery.mlflow_entities import ID_TAG, metrics_of, params_of
from nbmlops.tracking.delivery.mlflow_runs import Maker
from nbmlops.tracking.delivery.steps import Step
from nbmlops.tracking.journal.snapshots import SNAPSHOT_FILE, UnfitModel

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["deliver_model", "measure_model"]


def deliver_model(
    maker: Maker, theirs: Any, run: TrackedRun, spool: Path, step: Step
) -> str | None:
    """Log the model that lies in folder `spool`, if one does, to MLflow's run `theirs`; its URI."""
    client: MlflowClient = maker.client
    run_id = theirs.info.run_id
    if not (spool / SNAPSHOT_FILE).is_file():
        return None
    step("file")
    folder = _filed(spool, step)
    step("create-model")
    model = client.get_logged_model(_made(maker, run_id, run))
    step("log-model")
    _describe(folder, run_id, model)
    client.log_model_artifacts(model.model_id, str(folder))
    step("finalize-model")
    client.finalize_logged_model(model.model_id, "READY")
    step("link-model")
    _link(client, run_id, model.model_id)
    return f"models:/{model.model_id}"


def measure_model(client: MlflowClient, run_id: str, run: TrackedRun, uri: str) -> None:
    """Put the metrics of `run` on its model's own page, too; MLflow keeps each once."""
    metrics = metrics_of(run, uri.rpartition("/")[2])
    for start in range(0, len(metrics), 1000):
        client.log_batch(run_id, metrics=metrics[start : start + 1000])


def _made(maker: Maker, run_id: str, run: TrackedRun) -> str:
    """The id of the run's model, made if no delivery has made it."""
    client: MlflowClient = maker.client

    def make(token: str) -> str:
        made = client.create_logged_model(
            maker.experiment,
            name=_model_name(run.name),
            source_run_id=run_id,
            tags={ID_TAG: run.id, TOKEN_TAG: token},
            params={parameter.key: parameter.value[:500] for parameter in params_of(run, {})},
        )
        return str(made.model_id)

    def find(token: str) -> list[str]:
        query = f"tags.`{TOKEN_TAG}` = '{token}'"
        found = client.search_logged_models([maker.experiment], filter_string=query)
        return sorted(model.model_id for model in found if model.status == "PENDING")

    return make_once(
        maker.claims,
        f"model of {run.id}",
        maker.where,
        make=make,
        find=find,
        remove=client.delete_logged_model,
        heard_twice=maker.heard_twice,
    )


def _filed(spool: Path, step: Step) -> Path:
    """The snapshot as an MLflow model; the folder appears whole or not at all."""
    from nbmlops.tracking.delivery.mlflow_models import file_model

    folder = spool / "model"
    if not (folder / "MLmodel").is_file():
        partial = spool / "model.part"
        try:
            file_model(spool, partial)
        except Exception as error:  # a model's own pickling may raise anything
            raise UnfitModel(f"{type(error).__name__}: {error}") from error
        step("filed")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return folder


def _describe(folder: Path, run_id: str, model: Any) -> None:
    from mlflow.models import Model

    described = Model.load(str(folder))
    described.run_id, described.model_id = run_id, model.model_id
    described.model_uuid, described.artifact_path = model.model_id, model.artifact_location
    described.save(str(folder / "MLmodel"))


def _link(client: MlflowClient, run_id: str, model_id: str) -> None:
    from mlflow.entities import LoggedModelOutput

    outputs = client.get_run(run_id).outputs
    if not outputs or all(o.model_id != model_id for o in outputs.model_outputs):
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])


def _model_name(name: str) -> str:
    # MLflow allows no dots, slashes, colons, quotes or per cents in a model's name.
    return re.sub(r"[^\w\- ]", "_", name, flags=re.ASCII)[:200] or "model"
