"""Past the review, into the registry, by every door of MLflow; beside each, what is allowed."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import psutil
import pytest
from heavy_model import limit_memory
from live_gate import ADMIN, PEOPLE, LiveGate
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

Refused = Callable[[Callable[[], Any]], str]

PREFIXES = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")

ODD_PATHS = (
    "//api/2.0/mlflow/registered-models/create",
    "/api//2.0/mlflow/registered-models/create",
    "/api/2.0/mlflow/registered-models/create/",
    "/api/2.0/mlflow/../mlflow/registered-models/create",
    "/./api/2.0/mlflow/registered-models/create",
    "/%61pi/2.0/mlflow/registered-models/create",
    "/api/2.0/mlflow/registered%2dmodels/create",
    "/api/2.0/mlflow/registered-models/%63reate",
    "/api%2f2.0/mlflow/registered-models/create",
    "/API/2.0/mlflow/registered-models/create",
    "/api/2.0/mlflow/registered-models/create?name=odd",
    "/api/2.0/mlflow/registered-models/create;x=y",
    "/nbmlops/api/../../api/2.0/mlflow/registered-models/create",
    "/%2e/api/2.0/mlflow/registered-models/create",
    "/health/%2e%2e/api/2.0/mlflow/registered-models/create",
    "/api/2.0/mlflow/registered-models/create%00",
)


def test_the_honest_way_in(gate: LiveGate, client: MlflowClient) -> None:
    """The control beside every refusal: submitted, signed by another, registered, loadable."""
    submission = gate.approved()
    told = gate.register(submission)
    assert told["by"] == {"name": "admin", "asserted_by": "server", "roles": []}
    version = client.get_model_version_by_alias(submission.model_name, "champion")
    assert version.source == gate.source(submission)
    assert version.tags["nbmlops.content_digest"] == submission.content_digest
    path = mlflow.artifacts.download_artifacts(f"models:/{submission.model_name}@champion")
    assert (Path(path) / "MLmodel").read_text().startswith("content")


def test_a_gigabyte_is_registered_in_little_memory(gate: LiveGate) -> None:
    """Though somebody touched it meanwhile, so that every byte is read anew."""
    bundle = gate.seal("heavy", weight=1 << 30)
    submission = gate.submit(bundle=bundle)
    gate.approve(submission)
    weights = gate.vault.path(bundle.digest) / "model" / "weights.bin"
    weights.touch()
    server = psutil.Process(gate.process.pid)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        limit_memory(process)
    try:
        assert gate.register(submission)["version"] == "1"
    finally:
        for process in processes:
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (-1, -1))
    weights.chmod(0o644)
    with weights.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    other = gate.submit(bundle=bundle)
    gate.approve(other)
    answer = gate.api(f"/reviews/{other.id}/registration", {"alias": "champion"})
    assert "weights.bin was changed" in answer.json()["message"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_route_creates_what_nobody_signed(
    gate: LiveGate, client: MlflowClient, prefix: str
) -> None:
    """Neither the name, nor a version; the page's calls and the clients' are refused alike."""
    waiting = gate.submit()
    answer = gate.request(
        "POST", f"{prefix}/registered-models/create", {"name": waiting.model_name}
    )
    assert answer.status_code == 403
    assert "no approved review names it" in answer.json()["message"]
    assert gate.refusals()[-1].by == "admin"
    with pytest.raises(MlflowException, match="not found"):
        client.get_registered_model(waiting.model_name)


def test_no_spelling_of_a_path_passes(gate: LiveGate, client: MlflowClient) -> None:
    """Whatever the server makes of it: no model stands there afterwards."""
    for path in ODD_PATHS:
        answer = gate.request("POST", path, {"name": "odd"})
        assert answer.status_code in (307, 308, 400, 403, 404, 405), (path, answer.text)
    assert client.search_registered_models("name = 'odd'") == []


def test_sources_other_than_the_sealed_content_are_refused(gate: LiveGate, tmp_path: Path) -> None:
    """Files of the server, addresses of others, and the vault's own folder by its path."""
    submission = gate.approved()
    gate.register(submission)
    unsigned = gate.submit(submission.model_name)
    sources = [
        "s3://bucket/model",
        "http://169.254.169.254/latest/meta-data",
        "https://localhost/model",
        "ftp://host/model",
        "file:///etc",
        "/etc",
        gate.vault.path(unsigned.content_digest).as_uri() + "/model",
        gate.source(unsigned),
        gate.source(submission) + "/../../" + unsigned.content_digest + "/model",
        "mlflow-artifacts://evil.example/nbmlops-vault/" + submission.content_digest + "/model",
        "runs:/0123456789abcdef0123456789abcdef/model",
        "models:/m-0123456789abcdef0123456789abcdef",
        "",
    ]
    for prefix in PREFIXES:
        for source in sources:
            body = {"name": submission.model_name, "source": source}
            answer = gate.request("POST", f"{prefix}/model-versions/create", body)
            assert answer.status_code in (400, 403, 404), (source, answer.text)
    assert len(_versions(gate, submission.model_name)) == 1


def test_what_was_signed_for_one_name_gives_no_other(gate: LiveGate, client: MlflowClient) -> None:
    """copy_model_version to a name that has its own approval, and to one that has none."""
    submission = gate.approved()
    gate.register(submission)
    other = gate.approved()
    gate.register(other)
    version = f"models:/{submission.model_name}/1"
    with pytest.raises(MlflowException, match="nobody signed off that content"):
        client.copy_model_version(version, other.model_name)
    with pytest.raises(MlflowException, match="no approved review names it"):
        client.copy_model_version(version, "nobody_knows")
    copied = client.copy_model_version(version, submission.model_name)
    assert copied.source == gate.source(submission)


def test_a_model_that_is_logged_is_not_registered_by_the_way(
    gate: LiveGate, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """log_model(registered_model_name=…) and register_model; logging alone works."""
    from sklearn.linear_model import LinearRegression

    monkeypatch.chdir(tmp_path)
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    options = {"skops_trusted_types": [], "pip_requirements": []}
    del options["skops_trusted_types"]
    with pytest.raises(MlflowException, match="no approved review"), mlflow.start_run():
        mlflow.sklearn.log_model(model, name="model", registered_model_name="by_the_way", **options)
    logged = mlflow.sklearn.log_model(model, name="model", **options)
    with pytest.raises(MlflowException, match="no approved review"):
        mlflow.register_model(logged.model_uri, "by_the_way")
    assert client.search_registered_models("name = 'by_the_way'") == []
    assert mlflow.sklearn.load_model(logged.model_uri).predict([[2.0]])[0] == pytest.approx(2.0)


def test_what_was_registered_stays(gate: LiveGate, client: MlflowClient, refused: Refused) -> None:
    """Renamed, deleted, staged, retagged, re-aliased: each has its own sentence on the ledger."""
    submission = gate.approved()
    gate.register(submission)
    name = submission.model_name
    attempts: list[Callable[[], Any]] = [
        lambda: client.rename_registered_model(name, "other"),
        lambda: client.delete_registered_model(name),
        lambda: client.delete_model_version(name, "1"),
        lambda: client.transition_model_version_stage(name, "1", "Production"),
        lambda: client.set_model_version_tag(name, "1", "nbmlops.sign_offs", "x"),
        lambda: client.delete_model_version_tag(name, "1", "nbmlops.sign_offs"),
        lambda: client.set_registered_model_tag(name, "nbmlops.review", "x"),
        lambda: client.set_registered_model_tag(name, "mlflow.prompt.is_prompt", "true"),
        lambda: client.delete_registered_model_alias(name, "champion"),
    ]
    sentences = [refused(attempt) for attempt in attempts]
    assert [r.why[0] for r in gate.refusals()[-len(attempts) :]] == sentences
    assert {r.by for r in gate.refusals()[-len(attempts) :]} == {"admin"}
    assert client.get_model_version_by_alias(name, "champion").version in ("1", 1)


def test_free_words_stay_free(gate: LiveGate, client: MlflowClient) -> None:
    """Descriptions and tags of one's own, by MLflow's client."""
    submission = gate.approved()
    gate.register(submission)
    name = submission.model_name
    client.set_model_version_tag(name, "1", "team", "a")
    client.set_registered_model_tag(name, "team", "a")
    client.update_registered_model(name, "what it is for")
    client.update_model_version(name, "1", "the first")
    client.delete_model_version_tag(name, "1", "team")
    found = client.get_registered_model(name)
    assert (found.description, found.tags) == ("what it is for", {"team": "a"})
    assert [v.version for v in client.search_model_versions(f"name = '{name}'")] in ([1], ["1"])
    assert client.get_latest_versions(name)[0].description == "the first"
    assert name in [m.name for m in client.search_registered_models()]


def test_an_alias_moves_only_to_what_was_signed(
    gate: LiveGate, client: MlflowClient, refused: Refused
) -> None:
    """A version whose approval was taken back does not become champion; another does."""
    first = gate.approved()
    gate.register(first)
    second = gate.approved(first.model_name)
    gate.register(second, "candidate")
    client.set_registered_model_alias(first.model_name, "champion", "2")
    assert str(client.get_model_version_by_alias(first.model_name, "champion").version) == "2"
    gate.reject(first)
    refused(lambda: client.set_registered_model_alias(first.model_name, "champion", "1"))


def test_a_model_cannot_be_made_anew_under_its_signature(
    gate: LiveGate, client: MlflowClient, refused: Refused
) -> None:
    """Version numbers may restart; a sign-off is bound to content."""
    submission = gate.approved()
    client.create_registered_model(submission.model_name)
    client.delete_registered_model(submission.model_name)
    client.create_registered_model(submission.model_name)
    refused(lambda: client.set_model_version_tag(submission.model_name, "1", "nbmlops.review", "x"))
    assert gate.register(submission)["version"] == "1"


def test_only_an_administrator_gets_this_far(gate: LiveGate) -> None:
    """MLflow's own permissions still hold beneath the gate."""
    submission = gate.approved()
    gate.register(submission)
    path = f"{PREFIXES[0]}/registered-models/delete"
    for auth, status in ((("ada", PEOPLE["ada"]), 403), (ADMIN, 403), (None, 401)):
        answer = gate.request("DELETE", path, {"name": submission.model_name}, auth)
        assert answer.status_code == status


def test_a_version_that_no_database_can_count_to_is_one_that_is_not_there(
    gate: LiveGate, client: MlflowClient
) -> None:
    """Nor is what is no number; the one that is there is told."""
    submission = gate.approved()
    gate.register(submission)
    for version in ("2", "2147483648", str(2**63), "9" * 5000, "0x1", "-1", "champion"):
        answer = gate.api(f"/models/{submission.model_name}/versions/{version}/bundle")
        assert (answer.status_code, answer.json()["error"]) == (404, "NotFound"), version
        assert "not found" in answer.json()["message"]
    with pytest.raises(MlflowException) as caught:
        client.get_model_version(submission.model_name, "2147483648")
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert "SELECT" not in str(caught.value)
    assert client.get_model_version(submission.model_name, "1").version == "1"
    answer = gate.api(f"/models/{submission.model_name}/versions/1/bundle")
    assert answer.json()["digest"] == submission.content_digest


def _versions(gate: LiveGate, name: str) -> list[Any]:
    client = MlflowClient(tracking_uri=gate.address, registry_uri=gate.address)
    return list(client.search_model_versions(f"name = '{name}'"))
