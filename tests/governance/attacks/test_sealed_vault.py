"""Into the vault past its seal, and out of the roots where artifacts may lie."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mlflow
import pytest
from live_gate import ADMIN, PEOPLE, LiveGate
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from nbmlops.records import Submission

PROXIES = ("/api/2.0/mlflow-artifacts/artifacts", "/ajax-api/2.0/mlflow-artifacts/artifacts")

SPELLINGS = (
    "nbmlops-vault/{digest}/model/MLmodel",
    "./nbmlops-vault/{digest}/model/MLmodel",
    "x/../nbmlops-vault/{digest}/model/MLmodel",
    "nbmlops%2dvault/{digest}/model/MLmodel",
    "nbmlops-vault%2f{digest}%2fmodel%2fMLmodel",
    "nbmlops-vault%252f{digest}%252fmodel%252fMLmodel",
    "%6ebmlops-vault/{digest}/model/MLmodel",
    "nbmlops-vault//{digest}//model/MLmodel",
    "../bundles/{digest}/model/MLmodel",
    "%2e%2e/bundles/{digest}/model/MLmodel",
    "%252e%252e/bundles/{digest}/model/MLmodel",
    "..%5cbundles/{digest}/model/MLmodel",
)


@pytest.fixture
def sealed(gate: LiveGate) -> Submission:
    submission = gate.approved()
    gate.register(submission)
    return submission


def intact(gate: LiveGate, submission: Submission) -> bool:
    history = {p.id: p for p in _promotions(gate)}
    gate.vault.verify(history[submission.promotion_id].bundle, every_byte=True)
    return True


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_the_proxy_neither_writes_nor_deletes_in_the_vault(
    gate: LiveGate, sealed: Submission, verb: str
) -> None:
    """However the path is spelt; reading what is sealed is what the proxy is for."""
    for proxy in PROXIES:
        for spelling in SPELLINGS:
            path = f"{proxy}/{spelling.format(digest=sealed.content_digest)}"
            answer = gate.request(verb, path, data=b"evil" if verb == "PUT" else None)
            if "%5c" not in spelling:  # a backslash is part of a name here, and none is there
                assert answer.status_code >= 400, (path, answer.text)
            assert intact(gate, sealed)
    told = gate.request("GET", f"{PROXIES[0]}/nbmlops-vault/{sealed.content_digest}/model/MLmodel")
    assert told.text.startswith("content")


NAMES = ("100%25 sure.txt", "a%2fb/c%41.txt", "..%5c.txt", "50% off.txt", "plain.txt")


@pytest.fixture(scope="module")
def alone(start_gate: Callable[..., LiveGate]) -> LiveGate:
    """A server that believes names, which asks nobody whether they may read."""
    return start_gate()


@pytest.mark.parametrize("which", ["sqlite_gate", "alone"])
def test_what_is_sealed_is_read_by_its_own_name(request: pytest.FixtureRequest, which: str) -> None:
    """Though a part of it reads like an encoding; a listing tells the names as they are."""
    gate: LiveGate = request.getfixturevalue(which)
    folder = gate.vault.staging()
    for name in NAMES:
        (folder / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "model" / name).write_text(name)
    digest = gate.vault.seal(folder).digest
    for proxy in PROXIES:
        for name in NAMES:
            read = gate.request("GET", f"{proxy}/nbmlops-vault/{digest}/model/{quote(name)}")
            assert (read.status_code, read.text) == (200, name)
        told = {}
        for below in ("model", "model/a%2fb"):
            path = quote(f"nbmlops-vault/{digest}/{below}", safe="")
            listing = gate.request("GET", f"{proxy}?path={path}").json()["files"]
            told |= {f"{below}/{f['path']}": f.get("file_size") for f in listing}
        assert told == {
            "model/a%2fb": None,
            **{f"model/{name}": len(name) for name in NAMES},
        }


@pytest.mark.parametrize("which", ["sqlite_gate", "alone"])
def test_a_path_that_names_nothing_is_no_fault_of_the_server(
    request: pytest.FixtureRequest, which: str
) -> None:
    """However long or empty it is."""
    gate: LiveGate = request.getfixturevalue(which)
    for path in ("x" * 5000, f"{'d' * 64}/{'y' * 300}", "%00", "%ff", ""):
        for how in ("artifacts/", "artifacts?path=", "presigned/"):
            proxy = PROXIES[0].removesuffix("artifacts")
            answer = gate.request("GET", f"{proxy}{how}nbmlops-vault/{path}")
            assert answer.status_code in (200, 400, 403, 404, 501), (how, path[:20], answer.text)
            if answer.status_code == 200 and path:
                assert answer.json() == {}


def test_the_proxy_reads_the_vault_to_nobody_whom_it_is_not_for(gate: LiveGate) -> None:
    """However the path is spelt, also where MLflow itself lets everybody read what it knows.

    This was never a run of MLflow's, nor registered: it is for administrators.
    """
    submission = gate.submit()
    eve = ("eve", PEOPLE["eve"])
    for proxy in (p.removesuffix("/artifacts") for p in PROXIES):
        for how in ("artifacts/", "artifacts?path=", "presigned/"):
            for spelling in SPELLINGS:
                path = f"{proxy}/{how}{spelling.format(digest=submission.content_digest)}"
                answer = gate.request("GET", path, auth=eve)
                empty = answer.status_code == 200 and answer.json() in ({}, {"files": []})
                assert answer.status_code >= 400 or empty, (path, answer.text)
    told = gate.request(
        "GET", f"{PROXIES[0]}/nbmlops-vault/{submission.content_digest}/model/MLmodel"
    )
    assert told.text.startswith("content")


def test_the_refusal_is_a_sentence(gate: LiveGate, sealed: Submission) -> None:
    """Which says what to do."""
    path = f"{PROXIES[0]}/nbmlops-vault/{sealed.content_digest}/model/extra"
    answer = gate.request("PUT", path, data=b"x")
    assert answer.status_code == 403
    assert "sealed content never changes" in answer.json()["message"]


@pytest.mark.parametrize("action", ["create", "complete", "abort"])
def test_no_upload_in_parts_into_the_vault(gate: LiveGate, sealed: Submission, action: str) -> None:
    """Nor through an address signed for a bucket."""
    digest = sealed.content_digest
    path = f"/api/2.0/mlflow-artifacts/mpu/{action}/nbmlops-vault/{digest}/model"
    body = {"path": "MLmodel", "num_parts": 1, "upload_id": "x", "parts": []}
    assert gate.request("POST", path, body).status_code in (400, 403, 404, 501)
    assert intact(gate, sealed)


LOCATIONS = {
    "the vault's path": "{vault}/{digest}",
    "as a URI": "file://{vault}/{digest}",
    "the vault itself": "{vault}",
    "what holds the vault": "{home}",
    "by a detour": "{home}/mlflow-artifacts/../bundles/{digest}",
    "encoded": "file://{home}/mlflow-artifacts/%2e%2e/bundles",
    "through the proxy": "mlflow-artifacts:/nbmlops-vault/{digest}",
    "encoded through the proxy": "mlflow-artifacts:/%6ebmlops-vault/x",
    "another proxy": "mlflow-artifacts://evil.example/x",
    "another host": "http://169.254.169.254/latest",
    "a bucket": "s3://bucket/x",
    "another host's files": "file://evil.example/x",
    "the root": "/",
}
"""Where an experiment could try to keep its artifacts."""


@pytest.mark.parametrize("place", LOCATIONS)
def test_no_experiment_keeps_artifacts_elsewhere(
    gate: LiveGate, client: MlflowClient, sealed: Submission, place: str
) -> None:
    """A clear refusal when it is created, and nothing of it stays."""
    name = f"{place} {sealed.model_name}"
    vault = gate.vault.path(sealed.content_digest).parent
    location = LOCATIONS[place].format(vault=vault, home=gate.home, digest=sealed.content_digest)
    with pytest.raises(MlflowException, match=r"may not be kept at|cannot use the") as caught:
        client.create_experiment(name, location)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert client.get_experiment_by_name(name) is None


def test_an_experiment_may_name_the_servers_own_artifacts(
    gate: LiveGate, client: MlflowClient, sealed: Submission
) -> None:
    """The control: by default, and by name."""
    for location in (None, "mlflow-artifacts:/own"):
        experiment = client.create_experiment(f"{location} {sealed.model_name}", location)
        run = client.create_run(experiment)
        client.log_text(run.info.run_id, "fine", "note.txt")
        assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/note.txt") == "fine"


@pytest.fixture
def smuggled(gate: LiveGate, sealed: Submission) -> str:
    """A run whose artifacts lie in the vault: somebody wrote that into the database."""
    client = MlflowClient(tracking_uri=gate.address)
    run = client.create_run(client.create_experiment(f"smuggled {sealed.model_name}"))
    place = str(gate.vault.path(sealed.content_digest))
    gate.sql(f"UPDATE runs SET artifact_uri = '{place}' WHERE run_uuid = '{run.info.run_id}'")
    return str(run.info.run_id)


def test_a_run_whose_artifacts_lie_in_the_vault_writes_nothing(
    gate: LiveGate, sealed: Submission, smuggled: str
) -> None:
    """The second wall, behind the refusal of the location: the page's two ways of writing."""
    upload = f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={smuggled}&path=model/MLmodel"
    answer = gate.request("POST", upload, data=io.BytesIO(b"evil"))
    assert answer.status_code == 400, answer.text
    assert "may not be kept at" in answer.json()["message"]
    listing = gate.request("GET", f"/api/2.0/mlflow/artifacts/list?run_id={smuggled}")
    # MLflow 3.16 answers its own errors there without their status; refused it is all the same.
    assert listing.status_code == (500 if mlflow.__version__.startswith("3.16.") else 400)
    assert intact(gate, sealed)


def test_promptlab_writes_nothing_into_the_vault(
    gate: LiveGate, client: MlflowClient, sealed: Submission
) -> None:
    """create-promptlab-run makes a run and writes into its artifacts."""
    experiment = client.create_experiment(f"lab {sealed.model_name}")
    place = str(gate.vault.path(sealed.content_digest))
    gate.sql(
        f"UPDATE experiments SET artifact_location = '{place}' WHERE experiment_id = {experiment}"
    )
    body = {
        "experiment_id": experiment,
        "prompt_template": "x",
        "prompt_parameters": [],
        "model_route": "r",
        "model_parameters": [],
        "model_output_parameters": [],
        "model_output": "evil",
        "mlflow_version": mlflow.__version__,
        "user_id": "eve",
        "start_time": 1,
    }
    answer = gate.request("POST", "/ajax-api/2.0/mlflow/runs/create-promptlab-run", body)
    assert answer.status_code == 400, answer.text
    assert intact(gate, sealed)


def test_a_bundle_is_sealed_only_as_what_it_was_said_to_be(gate: LiveGate) -> None:
    """By a client that sends other bytes, another list, or a path that leads elsewhere."""
    said, files = _bundle(b"honest")
    root = f"/bundles/{said}"
    for path in ("../../evil", "%2e%2e/%2e%2e/evil", "/etc/evil", "..%2fevil"):
        answer = gate.api(f"{root}/files/{path}", verb="PUT", data=b"x")
        assert answer.status_code in (400, 403, 404, 405), answer.text
    assert gate.api(f"{root}/files/model/MLmodel", verb="PUT", data=b"evil").status_code == 200
    answer = gate.api(root, {"digest": said, "files": files})
    assert (answer.status_code, answer.json()["error"]) == (409, "IntegrityError")
    assert gate.api(root).json() == {"sealed": False}
    assert gate.api(f"{root}/files/model/MLmodel", verb="PUT", data=b"honest").status_code == 200
    assert gate.api(root, {"digest": said, "files": files}).status_code == 200
    assert gate.api(root).json() == {"sealed": True}
    assert not list(Path(gate.home).rglob("evil"))


def _bundle(content: bytes) -> tuple[str, list[dict[str, Any]]]:
    from nbmlops.records import BundleFile, digest, digest_bytes, to_plain

    file = BundleFile(path="model/MLmodel", digest=digest_bytes(content), size=len(content))
    return digest((file,)), [to_plain(file)]


def _promotions(gate: LiveGate) -> list[Any]:
    return [e.fact.promotion for e in gate.ledger.entries() if hasattr(e.fact, "promotion")]


TRACES = "/api/3.0/mlflow/traces"
HUSH = "0b7e6c1e-8a4f-4a57-9a53-5a6d1f7b2c3d"  # attachments of traces are named so


def trace(gate: LiveGate, experiment: str, place: str, auth: tuple[str, str]) -> str:
    """A new trace whose artifacts are said to lie at `place`; its id."""
    trace_id = f"tr-{next(gate.names)}"
    info = {
        "trace_id": trace_id,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": experiment},
        },
        "request_time": "2026-01-01T00:00:00Z",
        "state": "OK",
    }
    answer = gate.request("POST", TRACES, {"trace": {"trace_info": info}}, auth=auth)
    assert answer.status_code == 200, answer.text
    tag = {"key": "mlflow.artifactLocation", "value": place}
    answer = gate.request("PATCH", f"{TRACES}/{trace_id}/tags", tag, auth=auth)
    assert answer.status_code == 200, answer.text
    return trace_id


def attachment(gate: LiveGate, trace_id: str, auth: tuple[str, str]) -> Any:
    path = f"/ajax-api/3.0/mlflow/get-trace-artifact?request_id={trace_id}&path={HUSH}"
    return gate.request("GET", path, auth=auth)


@pytest.mark.parametrize(
    "place",
    [
        "mlflow-artifacts:/nbmlops-vault/{digest}",
        "mlflow-artifacts:/%6ebmlops-vault/{digest}",
        "{vault}/{digest}",
        "file://{vault}/{digest}",
        "{home}/mlflow-artifacts/../bundles/{digest}",
    ],
)
def test_no_trace_hands_out_what_lies_in_the_vault(
    gate: LiveGate, client: MlflowClient, place: str
) -> None:
    """Whoever makes a trace tags it with where its artifacts lie, and the page reads them there."""
    eve = ("eve", PEOPLE["eve"])
    folder = gate.vault.staging()
    (folder / "attachments").mkdir()
    (folder / "attachments" / HUSH).write_text("sealed")
    digest = gate.vault.seal(folder).digest
    experiment = client.create_experiment(f"traces {digest} {place}")
    vault = gate.vault.path(digest).parent
    given = place.format(digest=digest, vault=vault, home=gate.home)
    answer = attachment(gate, trace(gate, experiment, given, ADMIN), eve)
    assert answer.status_code >= 400, answer.text
    assert "sealed" not in answer.text.replace("sealed content", "")
    # The control: where artifacts may lie, the same route hands them out.
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "fine", f"attachments/{HUSH}")
    told = attachment(gate, trace(gate, experiment, str(run.info.artifact_uri), ADMIN), eve)
    assert (told.status_code, told.text) == (200, "fine")
