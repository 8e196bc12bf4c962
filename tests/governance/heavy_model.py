"""A model of many gigabytes on its way to production, with little memory: run by the tests.

``python heavy_model.py PROJECT GIGABYTES``: its file is sparse, so no disk holds it, but every byte
is read where a real one's would be. Beyond what the libraries take, the process may have memory for
a small part of it only.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import mlflow
import psutil
from mlflow.exceptions import MlflowException

from nbmlops.records import Promoted, SignedOff, Submitted
from nbmlops.settings import load_settings
from nbmlops.testing import make_promotion, make_run, make_sign_off, make_submission
from nbmlops.tracking import Journal
from nbmlops.workspace import Workspace

MORE_MEMORY = 256 << 20


def limit_memory(process: psutil.Process) -> None:
    """No more memory of its own than it has, and MORE_MEMORY; mapped files do not count."""
    data = process.memory_info().data  # type: ignore[attr-defined] # Linux has it
    resource.prlimit(process.pid, resource.RLIMIT_DATA, (data + MORE_MEMORY, -1))


def main() -> None:
    project, gigabytes = Path(sys.argv[1]), int(sys.argv[2])
    workspace = Workspace(load_settings(project, {"NBMLOPS_USER": "ada"}))
    stores, settings = workspace.stores, workspace.settings
    mlflow.set_tracking_uri(settings.tracking_uri)
    mlflow.set_registry_uri(settings.registry_uri)
    assert mlflow.MlflowClient().search_registered_models() == []  # what must be imported, is
    limit_memory(psutil.Process())
    try:
        bytearray(2 * MORE_MEMORY)
    except MemoryError:
        print("held to little memory")

    staging = stores.vault.staging()
    (staging / "model").mkdir()
    with (staging / "model" / "weights.bin").open("wb") as file:
        file.truncate(gigabytes << 30)
    bundle = stores.vault.seal(staging)

    Journal(settings.journal_path).record(make_run(id="run-000000000002"))
    promotion = make_promotion(bundle=bundle)
    submission = make_submission(content_digest=bundle.digest)
    stores.append(Promoted(promotion=promotion), "ada")
    stores.append(Submitted(submission=submission), "ada")
    stores.append(SignedOff(sign_off=make_sign_off(submission, "grace")), "grace")
    print("registered", workspace.register(submission.id).version)

    name = f"models:/{submission.model_name}@champion"
    found = Path(mlflow.artifacts.download_artifacts(name))
    print("loaded", (found / "weights.bin").stat().st_size)

    weights = stores.vault.path(bundle.digest) / "model" / "weights.bin"
    weights.chmod(0o644)
    with weights.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    try:
        mlflow.artifacts.download_artifacts(name)
    except MlflowException as error:
        print("refused", error.message)


if __name__ == "__main__":
    main()
