"""A team's server decides on what its clients ask for, in the names that it knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from live_gate import PEOPLE, LiveGate, make_people
from live_postgresql import PASSWORDS, PostgresServer

from nbmlops.errors import Refused
from nbmlops.governance import KeyStore, SigningKey
from nbmlops.governance.database.postgresql import prepare_database
from nbmlops.records import (
    Bundle,
    BundleFile,
    Identity,
    PublicationRequest,
    PublishedPolicy,
    digest,
    digest_bytes,
    to_plain,
)
from nbmlops.settings import load_settings
from nbmlops.testing import EPOCH
from nbmlops.workspace import Workspace

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def own_gate(request: pytest.FixtureRequest, start_gate: Callable[..., LiveGate]) -> LiveGate:
    """A server of this module's own, because a policy is published there."""
    database = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        database = server.create()
        prepare_database(database.owner, PASSWORDS)
    gate = start_gate("--auth", "basic", database=database)
    make_people(gate)
    return gate


class Client:
    """Somebody's workspace on their own machine, whose MLflow is the server."""

    def __init__(self, gate: LiveGate, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root.mkdir()
        self.root = root
        environ = {"NBMLOPS_USER": "anybody", "MLFLOW_TRACKING_URI": gate.address}
        self._settings = load_settings(root, environ)
        self._patch = monkeypatch

    def of(self, name: str) -> Workspace:
        """The workspace, with `name`'s password."""
        self._patch.setenv("MLFLOW_TRACKING_USERNAME", name)
        self._patch.setenv("MLFLOW_TRACKING_PASSWORD", PEOPLE[name])
        return Workspace(self._settings)


@pytest.fixture(scope="module")
def key_folder(own_gate: LiveGate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def key(own_gate: LiveGate, key_folder: Path) -> SigningKey:
    """Grace's: the policy, which the server's operator publishes there, names it."""
    with pytest.MonkeyPatch.context() as patch:
        keys = KeyStore(key_folder)
        key = keys.unlock(keys.create("grace", PASSPHRASE).id, PASSPHRASE)
        (own_gate.root / "nbmlops.policy.yaml").write_text(policy_text(1, key))
        environ = {"NBMLOPS_USER": "host"}
        if database := own_gate.database:
            environ |= {
                "MLFLOW_TRACKING_URI": database.app,
                "NBMLOPS_REVIEW_DATABASE": database.review,
            }
        patch.chdir(own_gate.root)
        Workspace(load_settings(own_gate.root, environ)).publish_policy()
    return key


def policy_text(version: int, key: SigningKey, more: str = "publishers: [grace]\n") -> str:
    return (
        f"version: {version}\nidentity: signed\n"
        f'reviewers: {{grace: {{roles: [validator], keys: ["{key.public.text}"]}}}}\n{more}'
    )


@pytest.fixture
def client(
    own_gate: LiveGate, key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Client:
    monkeypatch.setenv("NBMLOPS_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return Client(own_gate, tmp_path / "client", monkeypatch)


def own_key(workspace: Workspace, name: str) -> SigningKey:
    return workspace.keys.unlock(workspace.keys.create(name, PASSPHRASE).id, PASSPHRASE)


def test_a_signature_made_by_the_client_is_judged_by_the_server(
    own_gate: LiveGate, client: Client, key: SigningKey
) -> None:
    """From the submission to the withdrawal."""
    submission = own_gate.submit()
    grace = client.of("grace")
    with pytest.raises(Refused, match="it is not signed"):
        grace.sign_off(submission.id, "approved")
    with pytest.raises(Refused, match="belongs to no reviewer"):
        grace.sign_off(submission.id, "approved", key=own_key(grace, "grace"))
    with pytest.raises(Refused, match="This is grace's sign-off; ada may not hand it in"):
        client.of("ada").sign_off(submission.id, "approved", key=key)
    review = client.of("grace").sign_off(submission.id, "approved", "Reproduced.", key=key)
    assert review.missing == ()
    registration = client.of("ada").register(submission.id)
    move = client.of("ada").move_alias(
        submission.model_name, registration.version, registration.alias
    )
    assert move.by.name == "ada"
    version = f"{submission.model_name}/{registration.version}"
    with pytest.raises(Refused, match="eve is no reviewer"):
        client.of("eve").withdraw(version, "I do not like it.")
    withdrawal = client.of("grace").withdraw(version, "Drifted.", key=key)
    assert withdrawal.by == Identity(name="grace", asserted_by="server")
    assert withdrawal.envelope
    with pytest.raises(Refused, match=r"Drifted\."):
        client.of("ada").register(submission.id)


def test_findings_are_raised_and_settled_by_who_has_a_say(
    own_gate: LiveGate, client: Client, key: SigningKey
) -> None:
    """A stranger would only hold others up; the author would only be done."""
    submission = own_gate.submit()
    with pytest.raises(Refused, match="eve is no reviewer"):
        client.of("eve").add_finding(submission.id, "Which month?", cell=1)
    finding = client.of("grace").add_finding(submission.id, "Which month?", cell=1)
    assert finding.by == Identity(name="grace", asserted_by="server")
    with pytest.raises(Refused, match="ada is the author"):
        client.of("ada").resolve_finding(finding.id)
    with pytest.raises(Refused, match="resolution would not count: it is not signed"):
        client.of("grace").resolve_finding(finding.id, "July.")
    with pytest.raises(Refused, match="eve's resolution would not count: it was signed with the"):
        client.of("eve").resolve_finding(finding.id, "July.", key=key)
    assert client.of("grace").resolve_finding(finding.id, "July.", key=key).resolution


def test_a_policy_is_published_by_whom_the_one_before_names(
    own_gate: LiveGate, client: Client, key: SigningKey
) -> None:
    """Else whoever has a password could ask for no sign-offs at all."""
    loose = "version: 2\nidentity: server\nsign_offs: 0\n"
    (client.root / "nbmlops.policy.yaml").write_text(loose)
    for who, signer in (("eve", None), ("eve", key), ("grace", None)):
        with pytest.raises(Refused, match="asks that grace signs the next"):
            client.of(who).publish_policy(key=signer and own_key(client.of("eve"), "grace"))
    (client.root / "nbmlops.policy.yaml").write_text(policy_text(2, key))
    assert client.of("grace").publish_policy(key=key).by.name == "grace"
    assert client.of("eve").policy().version == 2


def test_nobody_is_kept_by_a_policy_that_is_no_publishers(own_gate: LiveGate) -> None:
    """Reading one takes long, and nobody decides on anything meanwhile."""
    text = "version: 9\nidentity: server\nx:\n" + "- [a, b, c]\n" * 1_000_000
    policy = PublishedPolicy(
        version=9, digest="", text=text, by=Identity(name="eve"), at=EPOCH, envelope=None
    )
    body = {"request": to_plain(PublicationRequest(policy=policy))}
    answer = own_gate.api("/decisions", body, auth=("eve", PEOPLE["eve"]))
    assert (answer.status_code, answer.json()["error"]) == (403, "Refused"), answer.text


def test_a_key_loses_its_trust_by_its_owner_or_a_publisher(
    own_gate: LiveGate,
    client: Client,
    key: SigningKey,
    key_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor does a stranger take that of a key which the policy may name one day."""
    submission = own_gate.submit()
    with pytest.raises(Refused, match="grace or a publisher may revoke it"):
        client.of("eve").revoke_key(key.public.id, "because")
    stranger = own_key(client.of("eve"), "eve")
    with pytest.raises(Refused, match="belongs to no reviewer"):
        client.of("eve").revoke_key(stranger.public.id, "because")
    monkeypatch.setenv("NBMLOPS_KEYS", str(key_folder))
    rotated = client.of("grace").rotate_key(key.public.id, PASSPHRASE, PASSPHRASE)
    new = client.of("grace").keys.unlock(rotated.id, PASSPHRASE)
    with pytest.raises(Refused, match="was rotated before"):
        client.of("grace").sign_off(submission.id, "approved", key=key)
    grace = client.of("grace")
    grace.sign_off(submission.id, "approved", key=new)
    assert client.of("ada").register(submission.id).version == "1"
    assert client.of("grace").revoke_key(new.public.id, "lost", key=new).envelope
    with pytest.raises(Refused, match="was revoked"):
        client.of("ada").move_alias(submission.model_name, "1", "champion")


def test_what_is_attached_travels_to_the_servers_vault(own_gate: LiveGate, client: Client) -> None:
    """And is sealed there, under the dossier that reviewers sign."""
    submission = own_gate.submit()
    report = client.root / "fairness.txt"
    report.write_text("fair")
    ada = client.of("ada")
    promotion = ada.promotions()[0]
    folder = ada.stores.vault.path(promotion.bundle.digest)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The author's own machine has the content too.
    folder.symlink_to(own_gate.vault.path(promotion.bundle.digest))
    review = ada.submit(
        submission.promotion_id,
        attachments=[report],
        notes=["Read me."],
        model_card={"purpose": "Late arrivals."},
    )
    evidence, dossier = review.submission.evidence, review.submission.dossier
    assert dossier
    assert evidence.model_card == {"purpose": "Late arrivals."}
    sealed = own_gate.vault.path(dossier.digest) / evidence.attachments[0].path
    assert sealed.read_text() == "fair"


def test_an_attachment_may_have_any_name(own_gate: LiveGate, client: Client) -> None:
    """It is encoded once, sealed at the server and read back there; other spellings lead nowhere."""
    submission = own_gate.submit()
    report = client.root / "Prüfung <b> 100%.txt"
    report.write_text("fair")
    ada = client.of("ada")
    digest_ = next(p for p in ada.promotions() if p.id == submission.promotion_id).bundle.digest
    folder = ada.stores.vault.path(digest_)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(own_gate.vault.path(digest_))
    review = ada.submit(submission.promotion_id, attachments=[report])
    (file,), dossier = review.submission.evidence.attachments, review.submission.dossier
    assert file.path == "attachments/Pr%C3%BCfung %3Cb%3E 100%25.txt"
    assert dossier
    assert (own_gate.vault.path(dossier.digest) / file.path).read_text() == "fair"
    place = f"/api/2.0/mlflow-artifacts/artifacts/nbmlops-vault/{dossier.digest}"
    auth = ("ada", PEOPLE["ada"])
    assert own_gate.request("GET", f"{place}/{quote(file.path)}", auth=auth).text == "fair"
    for path in ("attachments/nothing%25.txt", "%252e%252e/x", "attachments/..%2f..%2fx"):
        assert own_gate.request("GET", f"{place}/{path}", auth=auth).status_code in (403, 404)


def test_nobody_attaches_what_they_did_not_bring(own_gate: LiveGate) -> None:
    """Neither another content's files, nor other bytes than were said; nor without a name."""
    submission = own_gate.submit()
    auth = ("ada", PEOPLE["ada"])
    said = Bundle(digest="0" * 64, files=())
    body = {"promotion_id": submission.promotion_id, "attachments": to_plain(said)}
    answer = own_gate.api("/reviews", body, auth=auth)
    assert answer.json()["error"] == "Refused", answer.text
    assert "ada has not brought 000000000000" in answer.json()["message"]
    assert own_gate.api("/reviews", body, auth=None).status_code == 401
    file = BundleFile(path="fair.txt", digest=digest_bytes(b"fair"), size=4)
    bundle = Bundle(digest=digest((file,)), files=(file,))
    path = f"/bundles/{bundle.digest}"
    put = own_gate.request("PUT", f"/nbmlops/api{path}/files/fair.txt", auth=auth, data=b"evil")
    assert put.status_code == 200, put.text
    sealed = own_gate.api(path, to_plain(bundle), auth=auth)
    assert sealed.json()["error"] == "IntegrityError"
    assert own_gate.api(path, auth=auth).json() == {"sealed": False}


@pytest.mark.parametrize("verb", ["PUT", "POST", "GET"])
def test_no_verb_answers_without_a_name(own_gate: LiveGate, verb: str) -> None:
    """Whatever is asked for: decisions, reviews, the vault, the ledger."""
    for path in ("/decisions", "/reviews", "/facts", "/links", f"/bundles/{'0' * 64}"):
        answer = own_gate.request(verb, f"/nbmlops/api{path}", {}, auth=None)
        assert answer.status_code == 401, path


def test_a_client_cannot_tell_the_ledger_what_it_decided(client: Client) -> None:
    """Only ask; a request that is none is told so."""
    from nbmlops.records import Withdrawal, Withdrawn
    from nbmlops.testing import EPOCH

    grace = client.of("grace")
    withdrawal = Withdrawal(
        id="withdrawal-1",
        review_id="review-1",
        model_name="m",
        version=None,
        content_digest="0",
        reason="x",
        by=Identity(name="ada"),
        at=EPOCH,
    )
    with pytest.raises(Refused, match="may not put 'withdrawn' on the ledger"):
        grace.stores.append(Withdrawn(withdrawal=withdrawal), "ada")
