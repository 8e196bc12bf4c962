"""Runs' artifacts in a bucket: written through the server only where it allows, sealed content read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import mlflow
import pytest
from live_gate import ADMIN, PEOPLE, LiveGate, make_people
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from moto.server import ThreadedMotoServer

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
PROXY = "/api/2.0/mlflow-artifacts"
PARTS_OF = f"{PROXY}/mpu/create"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 service of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def bucket(endpoint: str) -> Any:
    """The bucket, as whoever owns it sees it."""
    session = boto3.session.Session(*CREDENTIALS.values(), region_name="us-east-1")
    bucket = session.resource("s3", endpoint_url=endpoint).Bucket("team")
    bucket.create()
    return bucket


@pytest.fixture(scope="module")
def own_gate(start_gate: Callable[..., LiveGate], endpoint: str, bucket: Any) -> LiveGate:
    """A server that keeps artifacts in the bucket; only it has the credentials."""
    place = CREDENTIALS | {"MLFLOW_S3_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    options = ("--auth", "basic", "--artifacts", f"s3://{bucket.name}/runs")
    gate = start_gate(*options, environment=place)
    make_people(gate)
    return gate


@pytest.fixture
def client(own_gate: LiveGate, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN[0])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", ADMIN[1])
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri(own_gate.address)
    mlflow.set_registry_uri(own_gate.address)
    return MlflowClient(tracking_uri=own_gate.address, registry_uri=own_gate.address)


def keys(bucket: Any) -> set[str]:
    return {found.key for found in bucket.objects.all()}


def test_what_a_run_logs_lies_in_the_bucket(
    own_gate: LiveGate, client: MlflowClient, bucket: Any
) -> None:
    """The control: through the server, without credentials of one's own; also in parts."""
    run = client.create_run(client.create_experiment("logged")).info
    client.log_text(run.run_id, "fine", "note.txt")
    assert mlflow.artifacts.load_text(f"{run.artifact_uri}/note.txt") == "fine"
    assert f"runs/{run.experiment_id}/{run.run_id}/artifacts/note.txt" in keys(bucket)
    folder = run.artifact_uri.removeprefix("mlflow-artifacts:/")
    body = {"path": "big.bin", "num_parts": 2}
    parts = own_gate.request("POST", f"{PARTS_OF}/{folder}", body)
    assert len(parts.json()["credentials"]) == 2


def test_a_registered_model_is_sealed_and_verified(
    own_gate: LiveGate, client: MlflowClient
) -> None:
    """The vault is the server's own disk; clients read it as they read the bucket."""
    submission = own_gate.approved()
    own_gate.register(submission)
    name = f"models:/{submission.model_name}@champion"
    found = Path(mlflow.artifacts.download_artifacts(name))
    assert (found / "MLmodel").read_text().startswith("content")
    sealed = own_gate.vault.path(submission.content_digest) / "model" / "MLmodel"
    sealed.chmod(0o644)
    sealed.write_text("evil")
    with pytest.raises(MlflowException, match="was tampered with"):
        mlflow.artifacts.download_artifacts(name)


@pytest.mark.parametrize(
    "spelling",
    [
        "nbmlops-vault/{digest}/model/MLmodel",
        "x/../nbmlops-vault/{digest}/model/MLmodel",
        "nbmlops%2dvault%2f{digest}%2fmodel%2fMLmodel",
        "%252e%252e/runs/nbmlops-vault/{digest}/model/MLmodel",
    ],
)
def test_nothing_is_written_where_the_vault_is_read(
    own_gate: LiveGate, bucket: Any, spelling: str
) -> None:
    """Neither onto the disk nor into the bucket, whole or in parts."""
    submission = own_gate.submit()
    place = spelling.format(digest=submission.content_digest)
    before = keys(bucket)
    for verb in ("PUT", "DELETE"):
        path = f"{PROXY}/artifacts/{place}"
        answer = own_gate.request(verb, path, data=b"evil" if verb == "PUT" else None)
        assert answer.status_code >= 400, answer.text
    body = {"path": "MLmodel", "num_parts": 1}
    parts = own_gate.request("POST", f"{PARTS_OF}/{place.rpartition('/')[0]}", body)
    assert parts.status_code >= 400, parts.text
    assert keys(bucket) == before
    sealed = own_gate.vault.path(submission.content_digest) / "model" / "MLmodel"
    assert sealed.read_text().startswith("content")


@pytest.mark.parametrize(
    "location",
    ["s3://team/elsewhere", "s3://team/runs/../elsewhere", "s3://other/runs", "s3://team"],
)
def test_no_experiment_lies_elsewhere_in_the_bucket(client: MlflowClient, location: str) -> None:
    """Nor in another; below the server's own place it may."""
    with pytest.raises(MlflowException, match="may not be kept at"):
        client.create_experiment(f"at {location}", location)
    own = client.create_experiment(f"own beside {location}", "s3://team/runs/own")
    assert client.get_experiment(own).artifact_location == "s3://team/runs/own"


def test_whoever_is_unknown_reads_and_writes_nothing(own_gate: LiveGate) -> None:
    """The bucket is behind the same door; ada, who is known, has it open."""
    path = f"{PROXY}/artifacts?path="
    assert own_gate.request("GET", path, auth=None).status_code == 401
    assert (
        own_gate.request("PUT", f"{PROXY}/artifacts/0/x", auth=None, data=b"x").status_code == 401
    )
    assert own_gate.request("GET", path, auth=("ada", PEOPLE["ada"])).status_code == 200
