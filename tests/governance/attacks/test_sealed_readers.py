"""Reading what is sealed without MLflow's permission to read where it came from or went to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import msgspec
import pytest
from live_gate import ADMIN, PEOPLE, LiveGate, make_people
from live_postgresql import PASSWORDS, PostgresServer
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from team_members import As, opening, promote

from nbmlops.governance.database.postgresql import prepare_database
from nbmlops.records import Promoted, Submission, to_plain
from nbmlops.testing import make_promotion

PROXIES = ("/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts")
ADA, GRACE, EVE = ((name, PEOPLE[name]) for name in ("ada", "grace", "eve"))
POLICY = "version: 1\nidentity: server\nreviewers: {grace: {roles: [validator]}}\n"


@pytest.fixture(scope="module")
def start_private(start_gate: Callable[..., LiveGate]) -> Callable[..., LiveGate]:
    """Starts a server whose MLflow lets nobody read what they were not given."""

    def start(**more: Any) -> LiveGate:
        gate = start_gate("--auth", "basic", "--default-permission", "NO_PERMISSIONS", **more)
        make_people(gate)
        (gate.root / "nbmlops.policy.yaml").write_text(POLICY)
        return gate

    return start


@pytest.fixture(scope="module")
def sqlite_private(start_private: Callable[..., LiveGate]) -> LiveGate:
    return start_private()


@pytest.fixture(scope="module")
def postgresql_private(
    start_private: Callable[..., LiveGate], postgres: PostgresServer
) -> LiveGate:
    database = postgres.create()
    prepare_database(database.owner, PASSWORDS)
    return start_private(database=database)


@pytest.fixture(params=["sqlite", "postgresql"])
def gate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> LiveGate:
    gate = request.getfixturevalue(f"{request.param}_private")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri(gate.address)
    mlflow.set_registry_uri(gate.address)
    return gate


@pytest.fixture
def as_person(gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> As:
    return opening(gate, tmp_path, monkeypatch)


@pytest.fixture
def pending(gate: LiveGate, as_person: As) -> Submission:
    """Ada's model, which waits for a reviewer."""
    ada = as_person("ada")
    return ada.submit(promote(ada, f"secret_{next(gate.names)}"), notes=["hush"]).submission


def ways(submission: Submission) -> list[str]:
    """Each way in which the proxy hands out the sealed model, and the dossier."""
    assert submission.dossier is not None
    digest = submission.content_digest
    found = [f"{PROXIES[0]}/artifacts/nbmlops-vault/{submission.dossier.digest}/evidence.json"]
    for proxy in PROXIES:
        found += [
            f"{proxy}/artifacts/nbmlops-vault/{digest}/model/MLmodel",
            f"{proxy}/artifacts?path=nbmlops-vault/{digest}/model",
        ]
    return found


def spellings(submission: Submission) -> list[str]:
    """Other ways to say the same, which need not lead anywhere."""
    digest = submission.content_digest
    odd = (
        f"./nbmlops-vault/{digest}/model/MLmodel",
        f"x/../nbmlops-vault/{digest}/model/MLmodel",
        f"nbmlops%2dvault/{digest}/model/MLmodel",
        f"nbmlops-vault%252f{digest}%252fmodel%252fMLmodel",
        f"nbmlops-vault//{digest}//model/MLmodel",
        f"nbmlops-vault/x/../{digest}/model/MLmodel",
        f"nbmlops-vault/x%252f..%252f{digest}/model/MLmodel",
        f"1/../nbmlops-vault/{digest}/model/MLmodel",
    )
    return [
        f"{proxy}/{how}{path}"
        for proxy in PROXIES
        for how in ("artifacts/", "artifacts?path=", "presigned/")
        for path in (*odd, f"nbmlops-vault/{digest}/model/MLmodel")
    ]


def statuses(gate: LiveGate, who: tuple[str, str], submission: Submission) -> set[int]:
    return {gate.request("GET", path, auth=who).status_code for path in ways(submission)}


def allow(gate: LiveGate, user: str, kind: str, key: str, verb: str = "grant") -> None:
    """What an administrator of MLflow does."""
    body = {"username": user, "resource_type": kind, "resource_id": key}
    if verb == "grant":
        body["permission"] = "READ"
    path = f"/api/3.0/mlflow/users/permissions/{verb}"
    answer = gate.request("POST", path, body)
    assert answer.status_code == 200, answer.text


def experiment_of(gate: LiveGate, submission: Submission) -> str:
    path = f"/api/2.0/mlflow/runs/get?run_id={submission.mlflow_run_id}"
    return str(gate.request("GET", path).json()["run"]["info"]["experiment_id"])


def test_a_pending_review_is_read_by_those_whom_it_concerns(
    gate: LiveGate, pending: Submission
) -> None:
    """Its author, the reviewer whom the policy names, administrators; nobody else, in no spelling."""
    for who in (ADA, GRACE, ADMIN):
        assert statuses(gate, who, pending) == {200}, who
    assert statuses(gate, EVE, pending) == {403}
    told = gate.request("GET", ways(pending)[1], auth=EVE).json()
    assert (told["error_code"], "eve may not read" in told["message"]) == (
        "PERMISSION_DENIED",
        True,
    )
    for path in spellings(pending):
        answer = gate.request("GET", path, auth=EVE)
        assert answer.status_code >= 400, (path, answer.text)
        assert pending.model_name not in answer.text
    for path in ("", "/", "/.uploads", "/.looks", "/.brought"):
        listing = f"{PROXIES[0]}/artifacts?path=nbmlops-vault{path}"
        assert gate.request("GET", listing, auth=EVE).status_code >= 400


def test_whoever_may_read_the_experiment_may_read_what_came_of_it(
    gate: LiveGate, pending: Submission
) -> None:
    """As soon as they are given it, and no longer than they have it."""
    experiment = experiment_of(gate, pending)
    allow(gate, "eve", "experiment", experiment)
    assert statuses(gate, EVE, pending) == {200}
    allow(gate, "eve", "experiment", experiment, "revoke")
    assert statuses(gate, EVE, pending) == {403}


def test_a_registered_model_is_read_by_whoever_may_read_it(
    gate: LiveGate, pending: Submission, as_person: As
) -> None:
    """By every way to load it; whoever only reviewed it has no more to do with it."""
    grace = as_person("grace")
    grace.sign_off(pending.id, "approved")
    as_person("ada").register(pending.id)
    name = pending.model_name
    uri = f"models:/{name}@champion"
    assert Path(mlflow.artifacts.download_artifacts(uri), "MLmodel").read_text() == name
    page = f"/model-versions/get-artifact?name={name}&version=1&path=MLmodel"
    bundle = f"/models/{name}/versions/1/bundle"
    for person, who in (("eve", EVE), ("grace", GRACE)):
        as_person(person)
        assert statuses(gate, who, pending) == {403}
        with pytest.raises(MlflowException, match=r"403|[Pp]ermission|may not read"):
            mlflow.artifacts.download_artifacts(uri)
        assert gate.request("GET", page, auth=who).status_code == 403
        assert gate.api(bundle, auth=who).status_code == 403
        allow(gate, person, "registered_model", name)
        assert statuses(gate, who, pending) == {200}
        assert Path(mlflow.artifacts.download_artifacts(uri), "MLmodel").read_text() == name
        assert gate.request("GET", page, auth=who).text == name
        assert gate.api(bundle, auth=who).json()["digest"] == pending.content_digest
        allow(gate, person, "registered_model", name, "revoke")
        assert statuses(gate, who, pending) == {403}


def test_what_one_says_of_anothers_content_opens_nothing(
    gate: LiveGate, pending: Submission, as_person: As
) -> None:
    """The ledger tells its digest, its files and its run; a client can name them as its own."""
    genuine = gate.promotion_of(pending)
    eve = as_person("eve")
    own = eve.submit(promote(eve, f"eves_{next(gate.names)}")).submission
    stolen = msgspec.structs.replace(genuine, id=f"stolen-{own.id}", model_name=own.model_name)
    listening = make_promotion(
        id=f"listening-{own.id}",
        model_name=own.model_name,
        bundle=gate.promotion_of(own).bundle,
        clean_run=genuine.clean_run,
    )
    facts = [to_plain(Promoted(promotion=p)) for p in (stolen, listening)]
    assert gate.api("/facts", {"facts": facts}, auth=EVE).status_code == 200
    attached = {"promotion_id": own.promotion_id, "attachments": to_plain(genuine.bundle)}
    for body, why in (
        ({"promotion_id": stolen.id}, "may not read the sealed content"),
        ({"promotion_id": genuine.id, "notes": ["mine"]}, "may not read the sealed content"),
        ({"promotion_id": listening.id}, "MLflow does not let eve read run"),
        (attached, "has not brought"),
    ):
        answer = gate.api("/reviews", body, auth=EVE)
        assert (answer.status_code, why in answer.json()["message"]) == (403, True), answer.text
    path = f"/bundles/{genuine.bundle.digest}"
    assert gate.api(path, auth=EVE).json() == {"sealed": False}
    assert gate.api(path, auth=ADA).json() == {"sealed": True}
    assert gate.api(path, to_plain(genuine.bundle), auth=EVE).status_code == 409
    assert statuses(gate, EVE, pending) == {403}
    assert gate.api("/reviews", {"promotion_id": genuine.id}, auth=ADA).status_code == 200


@pytest.mark.parametrize("as_before", [False, True])
def test_a_run_that_bears_anothers_id_is_in_nobodys_way(
    gate: LiveGate, as_person: As, as_before: bool
) -> None:
    """Anybody may tag a run of theirs; the promotion names the MLflow run that it came from.

    Or its sealed model does, where the promotion was made before they did.
    """
    name = f"claimed_{next(gate.names)}"
    promotion_id = promote(as_person("ada"), name, as_before=as_before)
    as_person("eve")
    client = MlflowClient()
    forged = client.create_run(
        client.create_experiment(f"eve's {name}"),
        start_time=1,
        tags={"nbmlops.run_id": f"run-{name}"},
    )
    submission = as_person("ada").submit(promotion_id).submission
    held = [e.experiment_id for e in client.search_experiments()]
    tagged = client.search_runs(held, f"tags.`nbmlops.run_id` = 'run-{name}'")
    (genuine,) = {run.info.run_id for run in tagged} - {forged.info.run_id}
    assert submission.mlflow_run_id == genuine
    said = gate.promotion_of(submission).clean_run.mlflow_run_id
    assert said == (None if as_before else genuine)


def test_a_clean_run_is_the_run_that_the_promotion_says(gate: LiveGate, as_person: As) -> None:
    """Another MLflow run of one's own, with a better record, is not."""
    eve = as_person("eve")
    own, other = (eve.submit(promote(eve, f"eves_{next(gate.names)}")).submission for _ in range(2))
    genuine = gate.promotion_of(own)
    proof = msgspec.structs.replace(genuine.clean_run, mlflow_run_id=other.mlflow_run_id)
    false = msgspec.structs.replace(genuine, id=f"false-{own.id}", clean_run=proof)
    fact = to_plain(Promoted(promotion=false))
    assert gate.api("/facts", {"facts": [fact]}, auth=EVE).status_code == 200
    answer = gate.api("/reviews", {"promotion_id": false.id}, auth=EVE)
    assert (answer.status_code, "holds the record of" in answer.json()["message"]) == (409, True)
    assert gate.api("/reviews", {"promotion_id": genuine.id}, auth=EVE).status_code == 200


def test_nobody_makes_a_registered_model_to_read_it(
    gate: LiveGate, pending: Submission, as_person: As
) -> None:
    """MLflow gives its maker every permission on it; its author may make it."""
    as_person("grace").sign_off(pending.id, "approved")
    create = "/api/2.0/mlflow/registered-models/create"
    body = {"name": pending.model_name}
    answer = gate.request("POST", create, body, auth=EVE)
    assert (answer.status_code, "whoever makes" in answer.json()["message"]) == (403, True)
    answer = gate.api(f"/reviews/{pending.id}/registration", {"alias": "champion"}, auth=EVE)
    assert answer.status_code == 403
    assert gate.request("POST", create, body, auth=ADA).status_code == 200
    assert statuses(gate, EVE, pending) == {403}
    assert statuses(gate, ADA, pending) == {200}


def test_nobody_manages_a_model_by_registering_it_again(
    gate: LiveGate, pending: Submission, as_person: As
) -> None:
    """Whoever may read it could then let others; who registered it first does manage it."""
    as_person("grace").sign_off(pending.id, "approved")
    again = (f"/reviews/{pending.id}/registration", {"alias": "champion"})
    assert gate.api(*again, auth=ADA).status_code == 200
    allow(gate, "eve", "registered_model", pending.model_name)
    assert gate.api(*again, auth=EVE).status_code == 200
    describe = "/api/2.0/mlflow/registered-models/update"
    body = {"name": pending.model_name, "description": "mine"}
    assert gate.request("PATCH", describe, body, auth=EVE).status_code == 403
    assert gate.request("PATCH", describe, body, auth=ADA).status_code == 200
