"""The gate, through MLflow's own clients: what is not signed does not get in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import RegisteredModelTag
from mlflow.exceptions import MlflowException

from nbmlops.governance import Gate, MlflowRegistry, Policy, Vault
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.records import (
    Bundle,
    Promoted,
    RefusalRecorded,
    SignedOff,
    Submission,
    Submitted,
)
from nbmlops.settings import Settings, load_settings
from nbmlops.testing import make_promotion, make_sign_off, make_submission

MODEL = "late_arrival"


class Registry:
    """A project with a real MLflow registry behind the gate, and the means to fill its ledger."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger = SqlAlchemyLedger(settings.ledger_path)
        self.vault = Vault(settings.bundles)
        self.gate = Gate(self.ledger, Policy(), self.vault)
        self.client = MlflowClient(
            tracking_uri=settings.tracking_uri, registry_uri=settings.registry_uri
        )
        self.registry = MlflowRegistry(settings)
        self._count = 0

    def seal(self, content: str) -> Bundle:
        folder = self.vault.staging()
        (folder / "model").mkdir()
        (folder / "model" / "model.pkl").write_text(content)
        return self.vault.seal(folder)

    def submit(self, content: str, model: str = MODEL) -> Submission:
        bundle = self.seal(content)
        self._count += 1
        promotion = make_promotion(id=f"promotion-{self._count}", model_name=model, bundle=bundle)
        submission = make_submission(
            id=f"review-{self._count}",
            promotion_id=promotion.id,
            model_name=model,
            content_digest=bundle.digest,
        )
        self.ledger.append(Promoted(promotion=promotion), actor="ada")
        self.ledger.append(Submitted(submission=submission), actor="ada")
        return submission

    def approve(self, submission: Submission, by: str = "grace") -> None:
        self.ledger.append(SignedOff(sign_off=make_sign_off(submission, by)), actor=by)

    def source(self, submission: Submission) -> str:
        return self.gate.source(submission.content_digest)

    def refusals(self) -> list[RefusalRecorded]:
        return [e.fact for e in self.ledger.entries() if isinstance(e.fact, RefusalRecorded)]


@pytest.fixture
def registry(tmp_path: Path, mlflow_database: Path) -> Registry:
    settings = load_settings(tmp_path, {"NBMLOPS_USER": "ada"})
    settings.home.mkdir()
    (settings.home / "mlflow.db").write_bytes(mlflow_database.read_bytes())
    return Registry(settings)


@pytest.fixture
def approved(registry: Registry) -> Submission:
    submission = registry.submit("approved")
    registry.approve(submission)
    return submission


@pytest.fixture
def registered(registry: Registry, approved: Submission) -> str:
    return registry.registry.register(
        MODEL, registry.source(approved), run_id=None, tags={"team": "a"}, alias="champion"
    )


def test_what_was_signed_gets_in_and_carries_its_alias(registry: Registry, registered: str) -> None:
    """The control beside all refusals."""
    version = registry.client.get_model_version_by_alias(MODEL, "champion")
    assert (str(version.version), version.tags) == (registered, {"team": "a"})
    assert registry.refusals() == []


def test_registering_again_adds_no_version(
    registry: Registry, approved: Submission, registered: str
) -> None:
    """A registration that was cut short can be repeated."""
    again = registry.registry.register(
        MODEL, registry.source(approved), run_id=None, tags={}, alias="champion"
    )
    assert again == registered


def refused(attempt: Callable[[], Any]) -> str:
    with pytest.raises(MlflowException) as caught:
        attempt()
    assert caught.value.error_code == "PERMISSION_DENIED"
    return str(caught.value.message)


def test_a_model_that_nobody_signed_does_not_get_in(registry: Registry) -> None:
    """Not even its empty name; and the sentence says what to do."""
    registry.submit("waiting")
    message = refused(lambda: registry.client.create_registered_model(MODEL))
    assert "no approved review" in message
    assert "nbmlops submit" in message
    assert registry.client.search_registered_models() == []


def test_the_authors_own_signature_does_not_open_the_gate(registry: Registry) -> None:
    """Whoever writes the fact: it does not count."""
    registry.approve(registry.submit("own"), by="ada")
    refused(lambda: registry.client.create_registered_model(MODEL))


def test_other_content_under_a_signed_name_does_not_get_in(
    registry: Registry, registered: str, tmp_path: Path
) -> None:
    """Unsigned sealed content, a folder elsewhere, a detour and other schemes: all refused."""
    unsigned = registry.source(registry.submit("unsigned"))
    path = Path(unsigned.removeprefix("file://"))
    elsewhere = tmp_path / "model"
    elsewhere.mkdir()
    for source in (
        unsigned,
        elsewhere.as_uri(),
        str(elsewhere),
        f"{path.parent}/../{path.parent.name}/model",
        "s3://bucket/model",
        "http://localhost/model",
        "",
    ):
        message = refused(lambda s=source: registry.client.create_model_version(MODEL, s))  # type: ignore[misc] # binds the loop's value
        assert "nobody signed off that content" in message
    assert len(registry.client.search_model_versions(f"name = '{MODEL}'")) == 1


def test_a_signature_is_for_one_name(registry: Registry, approved: Submission) -> None:
    """The same bytes under another name need their own sign-off."""
    registry.approve(registry.submit("for another", model="other"))
    registry.client.create_registered_model("other")
    source = registry.source(approved)
    refused(lambda: registry.client.create_model_version("other", source))


def test_a_changed_byte_in_the_vault_is_refused(registry: Registry, approved: Submission) -> None:
    """The content is read again before it gets in."""
    file = registry.vault.path(approved.content_digest) / "model" / "model.pkl"
    file.chmod(0o644)
    file.write_text("approveD")
    message = refused(
        lambda: registry.registry._create(  # the same call, without our translation
            registry.client, MODEL, registry.source(approved), None, {}
        )
    )
    assert "model/model.pkl was changed" in message


def test_what_was_signed_is_not_renamed_deleted_or_retagged(
    registry: Registry, registered: str
) -> None:
    """Each with its own sentence, and each on the ledger; plain tags stay free."""
    client = registry.client
    attempts: list[Callable[[], Any]] = [
        lambda: client.rename_registered_model(MODEL, "other"),
        lambda: client.delete_registered_model(MODEL),
        lambda: client.delete_model_version(MODEL, registered),
        lambda: client.transition_model_version_stage(MODEL, registered, "Production"),
        lambda: client.set_model_version_tag(MODEL, registered, "nbmlops.sign_offs", "x"),
        lambda: client.delete_model_version_tag(MODEL, registered, "nbmlops.sign_offs"),
    ]
    sentences = [refused(attempt) for attempt in attempts]
    assert len(set(sentences)) >= 4
    assert [r.why[0] for r in registry.refusals()] == sentences
    client.set_model_version_tag(MODEL, registered, "team", "b")
    assert client.get_model_version(MODEL, registered).tags["team"] == "b"


def test_the_store_follows_its_own_project_not_the_environment(
    registry: Registry, approved: Submission, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pointing NBMLOPS_ROOT at another project's ledger opens nothing here."""
    other = tmp_path / "other"
    (other / ".nbmlops").mkdir(parents=True)
    monkeypatch.setenv("NBMLOPS_ROOT", str(other))
    settings = msgspec.structs.replace(
        registry.settings, tracking_uri=f"sqlite:///{other}/.nbmlops/mlflow.db"
    )
    refused(
        lambda: MlflowClient(
            tracking_uri=settings.tracking_uri, registry_uri=settings.registry_uri
        ).create_registered_model(MODEL)
    )
    registry.client.create_registered_model(MODEL)


def test_no_model_goes_in_among_a_prompts_versions(registry: Registry) -> None:
    """Nor does an alias of a model's go to a prompt; under a name of its own the model goes in."""
    client, store = registry.client, registry.registry.store()
    store.create_registered_model(MODEL, [RegisteredModelTag("mlflow.prompt.is_prompt", "true")])
    submission = registry.submit("content")
    registry.approve(submission)
    with pytest.raises(MlflowException, match="a prompt has that name"):
        client.create_model_version(MODEL, registry.source(submission))
    store.delete_registered_model(MODEL)
    client.create_registered_model(MODEL)
    client.create_model_version(MODEL, registry.source(submission))
    # As it was before names were kept apart.
    path = registry.settings.tracking_uri.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO model_versions (workspace, name, version, source, current_stage, status) "
            "SELECT workspace, name, 2, 'dummy-source', current_stage, status FROM model_versions"
        )
        connection.commit()
    with pytest.raises(MlflowException, match="a prompt is no version of a model"):
        client.set_registered_model_alias(MODEL, "champion", "2")
    client.set_registered_model_alias(MODEL, "champion", "1")
