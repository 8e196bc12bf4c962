"""A tracked run in MLflow's words: tags, parameters, metrics and datasets."""

from __future__ import annotations

import re
from typing import Any

from nbmlops.records import DataInput, TrackedRun, encode

__all__ = [
    "DISMISSED_TAG",
    "ID_TAG",
    "PARENT_TAG",
    "STALE_TAG",
    "datasets_of",
    "metrics_of",
    "params_of",
    "tags_of",
]

ID_TAG = "nbmlops.run_id"
DISMISSED_TAG = "nbmlops.dismissed"
STALE_TAG = "nbmlops.stale"
PARENT_TAG = "mlflow.parentRunId"
_NOT_A_KEY = re.compile(r"[^\w\-. :/]", re.ASCII)


def tags_of(run: TrackedRun) -> dict[str, str]:
    """The tags that MLflow's own views and our own searches go by."""
    tags = {
        ID_TAG: run.id,
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
    if run.stale:
        tags[STALE_TAG] = " ".join(run.stale)
    if run.execution_id:
        tags["nbmlops.execution_id"] = run.execution_id
    if run.dismissed_by:
        tags[DISMISSED_TAG] = run.dismissed_by
    if run.parent_id:
        tags["nbmlops.parent_id"] = run.parent_id
    if run.environment.git:
        tags["mlflow.source.git.commit"] = run.environment.git.commit
        tags["mlflow.source.git.branch"] = run.environment.git.branch
    for name, value in run.tags.items():
        tags.setdefault(_key(name), value)
    return {name: value[:5000] for name, value in tags.items()}


def params_of(run: TrackedRun, taken: dict[str, str]) -> list[Any]:
    """The parameters that MLflow does not hold yet, those first that somebody chose.

    MLflow refuses to change a parameter; what a user logged himself stays as it is.
    """
    from mlflow.entities import Param

    chosen_first = sorted(run.parameters, key=lambda parameter: parameter.is_default)
    named = {_key(p.name): str(p.value)[:6000] for p in chosen_first}
    return [Param(name, value) for name, value in named.items() if name not in taken]


def metrics_of(run: TrackedRun, model_id: str | None = None) -> list[Any]:
    """The metrics, without those that were not finite; candidates stand under ``candidate/``.

    With `model_id` they are that model's, too, on the data that they were computed on where it is
    one of the run's inputs.
    """
    from mlflow.entities import Metric

    known = {item.name: item.fingerprint.digest[:36] for item in run.inputs} if model_id else {}
    made = []
    for metric in run.metrics:
        if metric.value is None:
            continue
        digest = known.get(metric.data or "")
        made.append(
            Metric(
                _key(f"candidate/{metric.name}" if metric.candidate else metric.name),
                metric.value,
                int(metric.at.timestamp() * 1000),
                metric.step,
                model_id=model_id,
                dataset_name=metric.data if digest else None,
                dataset_digest=digest or None,
            )
        )
    return made


def datasets_of(inputs: tuple[DataInput, ...]) -> list[Any]:
    """The inputs as MLflow datasets with role, digest, columns and profile."""
    from mlflow.entities import DatasetInput, InputTag

    return [
        DatasetInput(_dataset(item), tags=[InputTag("mlflow.data.context", item.role[:500])])
        for item in inputs
    ]


def _dataset(item: DataInput) -> Any:
    from mlflow.entities import Dataset

    print_ = item.fingerprint
    columns = [
        {"name": c.name, "type": c.type, "required": not c.nulls} for c in print_.columns[:2000]
    ]
    profile = {
        "digest": print_.digest,
        "kind": print_.kind,
        "rows": print_.rows,
        "nbytes": print_.nbytes,
        "reason": print_.reason,
    }
    return Dataset(
        name=item.name[:500] or item.role,
        # MLflow keeps 36 characters; the whole digest stands in the profile.
        digest=print_.digest[:36] or "unknown",
        source_type="nbmlops",
        source=encode({"files": item.files, "name": item.name}).decode()[:65000],
        schema=encode({"mlflow_colspec": columns}).decode(),
        profile=encode(profile).decode(),
    )


def _note(run: TrackedRun) -> str:
    lines = [f"{gap.what}: {gap.why}" for gap in run.gaps]
    missing = "\n\nNot captured:\n" + "\n".join(f"- {line}" for line in lines) if lines else ""
    return f"```python\n{run.cell.source[:3000]}\n```{missing}"


def _key(name: str) -> str:
    return _NOT_A_KEY.sub("_", name)[:250]
