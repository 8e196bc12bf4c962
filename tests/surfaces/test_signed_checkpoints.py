"""Checkpoints under a signature: made here, believed elsewhere, offline, by whom one trusts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from nbmlops.errors import SettingsError, StoreError
from nbmlops.governance import checkpoint_objection, sign_checkpoint
from nbmlops.governance.database import SqlAlchemyLedger
from nbmlops.governance.sign_offs.keys import create_key
from nbmlops.records import Checkpoint, RefusalRecorded
from nbmlops.scheduling.apprise_notifier import AppriseNotifier
from nbmlops.settings import load_settings
from nbmlops.surfaces.cli import main
from nbmlops.testing import EPOCH
from nbmlops.workspace import Workspace

PASSPHRASE = "correct horse battery"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two facts and a key of its operator's, as the current folder."""
    for name in ("NBMLOPS_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NBMLOPS_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("NBMLOPS_USER", "operator")
    monkeypatch.setenv("NBMLOPS_PASSPHRASE", PASSPHRASE)
    root = tmp_path / "project"
    root.mkdir()
    (root / "nbmlops.toml").touch()
    monkeypatch.chdir(root)
    tell("one")
    tell("two")
    Workspace.open().keys.create("operator", PASSPHRASE)
    return root


def tell(subject: str) -> None:
    ledger = SqlAlchemyLedger(load_settings().ledger_path)
    ledger.append(RefusalRecorded(verb="v", subject=subject, by="b", why=()), actor="b")
    ledger.close()


def invoke(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture
def kept(project: Path) -> Path:
    """The signed checkpoint, at the auditor's."""
    outside = project.parent / "auditor"
    told = invoke("audit", "checkpoint", "--key", "operator", "--to", str(outside))
    assert "signed with key" in told
    return next(outside.glob("checkpoint-*.json"))


@pytest.fixture
def offline(project: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The auditor's command, in a folder that is no project, without keys; and `--trust` alone."""
    facts = kept.with_name("facts.jsonl")
    invoke("audit", "export", "-o", str(facts))
    kept.with_name("operator.pub").write_text(invoke("keys", "export", "operator"))
    kept.with_name("operator.json").write_text(invoke("keys", "export", "operator", "--json"))
    monkeypatch.chdir(kept.parent)
    monkeypatch.delenv("NBMLOPS_PASSPHRASE")
    monkeypatch.setenv("NBMLOPS_KEYS", str(kept.parent / "none"))
    return ("audit", "verify", "--export", str(facts), "--checkpoint", str(kept))


@pytest.mark.parametrize("form", ["operator.pub", "operator.json", "text"])
def test_a_trusted_signature_is_believed_offline(
    offline: tuple[str, ...], kept: Path, form: str
) -> None:
    """The control: the key as a file, as JSON, or as it stands."""
    key = kept.with_name("operator.pub").read_text() if form == "text" else form
    told = invoke(*offline, "--trust", key)
    assert "The checkpoint is signed with key" in told
    assert "Intact: 2 facts" in told


def test_anothers_signature_is_not(
    offline: tuple[str, ...], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names whose it is, and whom one trusts."""
    monkeypatch.setenv("NBMLOPS_PASSPHRASE", PASSPHRASE)
    invoke("keys", "create", "--as", "mallory")
    other = invoke("keys", "export", "mallory")
    assert "which is none of those that you trust" in invoke(*offline, "--trust", other, code=8)


def test_an_unsigned_one_is_not_where_signatures_are_asked_for(
    offline: tuple[str, ...], kept: Path
) -> None:
    """And without --trust it is said what it is worth."""
    plain = json.loads(kept.read_text()) | {"envelope": None}
    kept.write_text(json.dumps(plain))
    assert "is not signed" in invoke(*offline, "--trust", "operator.pub", code=8)
    told = invoke(*offline)
    assert "not signed: it is worth what the place is" in told
    assert "Intact" in told


@pytest.mark.parametrize(
    "change",
    [
        {"facts": 1},
        {"root": "00" * 32},
        {"head": "00" * 32},
        {"at": "2020-01-01T00:00:00Z"},
    ],
)
def test_a_changed_one_is_not(offline: tuple[str, ...], kept: Path, change: dict[str, Any]) -> None:
    """Whichever of its fields."""
    kept.write_text(json.dumps(json.loads(kept.read_text()) | change))
    assert "changed after it was signed" in invoke(*offline, "--trust", "operator.pub", code=8)


def test_what_a_signed_checkpoint_finds(offline: tuple[str, ...], kept: Path) -> None:
    """A ledger that was cut: the signature is sound, the export is not."""
    facts = kept.with_name("facts.jsonl")
    facts.write_text("".join(facts.read_text().splitlines(keepends=True)[:1]))
    assert "was cut" in invoke(*offline, "--trust", "operator.pub", code=8)


def test_a_revoked_key_is_believed_no_more_in_its_project(project: Path, kept: Path) -> None:
    """The revocation is on the ledger that the checkpoint is held against."""
    verify = ("audit", "verify", "--checkpoint", str(kept))
    assert "--trust has that checked" in invoke(*verify)
    key = Workspace.open().keys.find("operator").id
    invoke("keys", "revoke", "0" * 16, "--reason", f"lost, and {key} is not")
    assert "--trust has that checked" in invoke(*verify)
    invoke("keys", "revoke", key, "--reason", "stolen")
    assert "was revoked on" in invoke(*verify, code=8)


def test_the_settings_say_whom_to_trust(project: Path, kept: Path) -> None:
    """So that nobody forgets to ask."""
    own = Workspace.open().keys.find("operator").text
    other = Workspace.open().keys.create("mallory", PASSPHRASE).text
    verify = ("audit", "verify", "--checkpoint", str(kept))
    for key, code in ((own, 0), (other, 8)):
        (project / "nbmlops.toml").write_text(f'[audit]\ntrust = ["{key}"]\n')
        told = invoke(*verify, code=code)
        assert ("The checkpoint is signed with key" in told) == (key == own)
        assert "--trust has that checked" not in told


def test_a_place_that_does_not_answer_is_in_nobodys_way(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other places keep their checkpoint, people are told, and the next look tries again."""
    told: list[str] = []
    monkeypatch.setattr(AppriseNotifier, "send", lambda *sent: told.append(sent[2]))
    good, file = project.parent / "good", project.parent / "later"
    file.touch()
    settings = '[[notify]]\nto = "json://nowhere.invalid"\non = ["refused"]\n'
    (project / "nbmlops.toml").write_text(settings)
    Workspace.open().scheduler().run_due()
    tell("three")
    settings += f'[audit]\ncheckpoints = ["{file}", "{good}"]\n'
    (project / "nbmlops.toml").write_text(settings)
    with pytest.raises(StoreError, match="cannot be kept in"):
        Workspace.open().scheduler().run_due()
    assert len(list(good.iterdir())) == 1
    assert told == ["refused: three"]
    file.unlink()
    Workspace.open().scheduler().run_due()
    assert len(list(file.iterdir())) == 1


def test_one_of_several_signatures_is_enough_and_none_is_not() -> None:
    """A second one may be of somebody whom nobody knows, or not hold; an empty list is none."""
    grace, alan = create_key("grace", EPOCH), create_key("alan", EPOCH)
    trusted = (alan.public.text, grace.public.text)
    plain = Checkpoint(facts=3, head="ab" * 32, root="cd" * 32, at=EPOCH)
    signed = [sign_checkpoint(plain, key).envelope for key in (grace, alan)]
    assert signed[0]
    assert signed[1]
    forged = msgspec.structs.replace(signed[1].signatures[0], sig="AAAA")
    for signatures, objection in (
        ((forged, *signed[0].signatures), None),
        ((forged,), "changed after it was signed"),
        ((), "is not signed"),
    ):
        envelope = msgspec.structs.replace(signed[0], signatures=signatures)
        kept = msgspec.structs.replace(plain, envelope=envelope)
        said = checkpoint_objection(kept, trusted)
        assert (said is None) if objection is None else (objection in str(said))


def test_scheduled_checkpoints_are_signed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the key that the settings name; without its passphrase there is none at all."""
    outside = project.parent / "vault"
    (project / "nbmlops.toml").write_text(
        f'[audit]\ncheckpoints = ["{outside}"]\nkey = "operator"\n'
    )
    monkeypatch.delenv("NBMLOPS_PASSPHRASE")
    with pytest.raises(SettingsError, match="nobody is here to be asked for its passphrase"):
        Workspace.open().scheduler().run_due()
    assert not outside.exists()
    monkeypatch.setenv("NBMLOPS_PASSPHRASE", PASSPHRASE)
    Workspace.open().scheduler().run_due()
    (kept,) = outside.glob("checkpoint-*.json")
    own = Workspace.open().keys.find("operator").text
    assert "signed with key" in invoke("audit", "verify", "--checkpoint", str(kept), "--trust", own)
