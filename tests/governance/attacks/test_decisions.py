"""A team's server decides on what its clients ask for, in the names that it knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from live_gate import PEOPLE, LiveGate, make_people

from nbmlops.errors import Refused
from nbmlops.governance import SigningKey
from nbmlops.records import Identity
from nbmlops.settings import load_settings
from nbmlops.workspace import Workspace

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def own_gate(start_gate: Callable[..., LiveGate]) -> LiveGate:
    """A server of this module's own, because it publishes a policy."""
    gate = start_gate("--auth", "basic")
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


@pytest.fixture
def client(own_gate: LiveGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setenv("NBMLOPS_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return Client(own_gate, tmp_path / "client", monkeypatch)


def key_of(workspace: Workspace, name: str) -> SigningKey:
    return workspace.keys.unlock(workspace.keys.create(name, PASSPHRASE).id, PASSPHRASE)


def test_a_signature_made_by_the_client_is_judged_by_the_server(
    own_gate: LiveGate, client: Client
) -> None:
    """From the policy that it publishes to the withdrawal that it asks for."""
    submission = own_gate.submit()
    grace = client.of("grace")
    key = key_of(grace, "grace")
    (client.root / "nbmlops.policy.yaml").write_text(
        "version: 1\nidentity: signed\n"
        f'reviewers: {{grace: {{roles: [validator], keys: ["{key.public.text}"]}}}}\n'
        "publishers: [grace]\n"
    )
    assert grace.publish_policy().by == Identity(name="grace", asserted_by="server")
    with pytest.raises(Refused, match="it is not signed"):
        grace.sign_off(submission.id, "approved")
    with pytest.raises(Refused, match="belongs to no reviewer"):
        grace.sign_off(submission.id, "approved", key=key_of(grace, "grace"))
    ada = client.of("ada")
    with pytest.raises(Refused, match="This is grace's sign-off; ada may not hand it in"):
        ada.sign_off(submission.id, "approved", key=key)

    finding = client.of("grace").add_finding(submission.id, "Which month?", cell=1)
    assert finding.by == Identity(name="grace", asserted_by="server")
    with pytest.raises(Refused, match="ada is the author"):
        client.of("ada").resolve_finding(finding.id)
    grace = client.of("grace")
    grace.resolve_finding(finding.id, "July.")
    review = grace.sign_off(submission.id, "approved", "Reproduced.", key=key)
    assert review.missing == ()
    registration = client.of("ada").register(submission.id)
    move = client.of("ada").move_alias(
        submission.model_name, registration.version, registration.alias
    )
    assert move.by.name == "ada"
    withdrawal = client.of("grace").withdraw(
        f"{submission.model_name}/{registration.version}", "Drifted."
    )
    assert withdrawal.by == Identity(name="grace", asserted_by="server")
    with pytest.raises(Refused, match=r"Drifted\."):
        client.of("ada").register(submission.id)

    new = client.of("grace").rotate_key(key.public.id, PASSPHRASE, PASSPHRASE)
    again = own_gate.submit()
    with pytest.raises(Refused, match="was rotated before"):
        client.of("grace").sign_off(again.id, "approved", key=key)
    grace = client.of("grace")
    grace.sign_off(again.id, "approved", key=grace.keys.unlock(new.id, PASSPHRASE))
    client.of("ada").register(again.id)


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
