"""The review widget, driven as a person clicks, on a real workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from widgets import everything, page

from nbmlops.errors import NotFound
from nbmlops.governance import registration_of
from nbmlops.records import (
    DEFAULT_SCOPES,
    Identity,
    Metric,
    Registered,
    Review,
    Submission,
)
from nbmlops.settings import load_settings
from nbmlops.surfaces.review import ReviewWidget
from nbmlops.testing import EPOCH, make_submission
from nbmlops.workspace import Workspace

Submit = Callable[..., Submission]


def test_a_second_person_approves(workspace: Workspace, submitted: Submit) -> None:
    """The verdict, the comment and the name reach the ledger; the widget shows how it stands."""
    widget = ReviewWidget(workspace, submitted().id, by="grace")
    widget.verdict.comment.value = "  Checked the split by month.  "
    widget.verdict.approve.click()
    (sign_off,) = workspace.review(widget.review.submission.id).sign_offs
    assert sign_off.verdict == "approved"
    assert sign_off.comment == "Checked the split by month."
    assert sign_off.by == Identity(name="grace", asserted_by="self")
    assert "You approved this as grace." in widget.message
    assert 'role="status"' in widget.message
    assert "Nothing is missing" in page(widget)
    assert widget.verdict.comment.value == ""


def test_a_second_person_rejects(workspace: Workspace, submitted: Submit) -> None:
    """A rejection stands in the way, with its reason."""
    widget = ReviewWidget(
        workspace, submitted().id, by=Identity(name="grace", asserted_by="server")
    )
    widget.verdict.comment.value = "Leaks the label."
    widget.verdict.reject.click()
    assert workspace.review(widget.review.submission.id).status == "rejected"
    assert "grace rejected it: Leaks the label." in page(widget)
    assert "self-asserted" not in page(widget)


def test_the_author_is_refused_in_place(workspace: Workspace, submitted: Submit) -> None:
    """The policy's sentence appears where the button is, and the comment is not lost."""
    widget = ReviewWidget(workspace, submitted().id)
    widget.verdict.comment.value = "Looks good to me."
    widget.verdict.approve.click()
    assert "ada is the author of late_arrival" in widget.message
    assert 'role="alert"' in widget.message
    assert widget.verdict.comment.value == "Looks good to me."
    assert not widget.verdict.approve.disabled
    assert workspace.review(widget.review.submission.id).sign_offs == ()


def test_a_finding_is_raised_where_it_belongs_and_resolved(
    workspace: Workspace, submitted: Submit
) -> None:
    """It counts on its tab while it is open; nothing that was written is lost on a refusal."""
    widget = ReviewWidget(workspace, submitted().id, by="grace")
    widget.findings.add.click()
    assert 'role="alert"' in widget.message
    widget.findings.text.value = "Why this cell?"
    widget.findings.place.value = (1, None)
    widget.findings.add.click()
    (finding,) = widget.review.findings
    assert (finding.text, finding.cell, finding.by.name) == ("Why this cell?", 1, "grace")
    assert "Findings (1)" in widget.tabs.titles
    assert "cell 1" in page(widget)
    note, button = widget.findings.resolve[finding.id]
    note.value = "It splits by month."
    button.click()
    assert "Findings" in widget.tabs.titles
    assert "It splits by month." in page(widget)
    assert widget.findings.resolve == {}


def test_an_approval_with_conditions_names_them(workspace: Workspace, submitted: Submit) -> None:
    """The condition stands as an open finding."""
    widget = ReviewWidget(workspace, submitted().id, by="grace")
    widget.verdict.comment.value = "Add the March data."
    widget.verdict.conditions.click()
    assert widget.review.sign_offs[0].verdict == "approved with conditions"
    assert "Add the March data." in page(widget)


def test_a_reviewer_with_a_key_signs_with_it(
    workspace: Workspace, submitted: Submit, tmp_path: Path
) -> None:
    """A wrong passphrase is said and signs nothing; in no case does one stay in the notebook."""
    root = workspace.settings.root
    environ = {"NBMLOPS_USER": "ada", "NBMLOPS_KEYS": str(tmp_path / "keys")}
    workspace = Workspace(load_settings(root, environ))
    key = workspace.keys.create("grace", "correct horse")
    submission = submitted()
    assert ReviewWidget(workspace, submission.id, by="grace").verdict.key.value == ""
    policy = f"version: 1\nidentity: signed\nreviewers:\n  grace:\n    keys: ['{key.text}']\n"
    (root / "nbmlops.policy.yaml").write_text(policy + "tiers:\n  standard:\n    sign_offs: 1\n")
    workspace.publish_policy()
    workspace = Workspace(load_settings(root, environ))
    widget = ReviewWidget(workspace, submission.id, by="grace")
    assert widget.verdict.key.value == key.id
    widget.verdict.passphrase.value = "wrong battery"
    widget.verdict.comment.value = "Checked."
    widget.verdict.approve.click()
    assert 'role="alert"' in widget.message
    assert widget.review.sign_offs == ()
    assert widget.verdict.comment.value == "Checked."
    assert widget.verdict.passphrase.value == ""
    widget.verdict.passphrase.value = "correct horse"
    widget.verdict.approve.click()
    assert 'role="status"' in widget.message, widget.message
    (sign_off,) = widget.review.sign_offs
    assert sign_off.envelope is not None
    assert sign_off.envelope.signatures[0].keyid == key.id
    assert widget.verdict.passphrase.value == ""
    assert f"signed with {key.id}" in page(widget)


def test_a_finding_is_settled_with_the_key(
    workspace: Workspace, submitted: Submit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where signatures are asked for; nobody is offered another's key, and the newest at first."""
    monkeypatch.setenv("NBMLOPS_KEYS", str(tmp_path / "keys"))
    root, environ = workspace.settings.root, {"NBMLOPS_USER": "ada"}
    grace, _, newest = (
        workspace.keys.create(name, "correct horse") for name in ("grace", "alan", "grace")
    )
    metric = Metric(name="auc", value=0.9, at=EPOCH)
    evidence = msgspec.structs.replace(make_submission().evidence, metrics=(metric,))
    submission = submitted(evidence=evidence)
    unsigned = ReviewWidget(workspace, submission.id, by="grace")
    assert "Password" in {type(w).__name__ for w in everything(unsigned.verdict)}
    keys = f"['{grace.text}', '{newest.text}']"
    policy = f"version: 1\nidentity: signed\nreviewers:\n  grace:\n    keys: {keys}\n"
    (root / "nbmlops.policy.yaml").write_text(policy)
    workspace.publish_policy()
    workspace = Workspace(load_settings(root, environ))
    widget = ReviewWidget(workspace, submission.id, by="grace")
    assert [value for _, value in widget.verdict.key.options] == ["", grace.id, newest.id]
    assert widget.verdict.key.value == newest.id
    widget.findings.text.value = "Why so high?"
    widget.findings.place.value = (None, "auc")
    widget.findings.add.click()
    (finding,) = widget.review.findings
    assert (finding.metric, finding.cell) == ("auc", None)
    _, button = widget.findings.resolve[finding.id]
    button.click()
    assert 'role="alert"' in widget.message
    widget.verdict.passphrase.value = "correct horse"
    button.click()
    (settled,) = widget.review.findings
    assert settled.resolution
    assert settled.resolution.envelope
    assert settled.resolution.envelope.signatures[0].keyid == newest.id


def test_nobody_clicks_twice(
    workspace: Workspace, submitted: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a verdict is given there is no second; afterwards there is, until it is registered."""
    widget = ReviewWidget(workspace, submitted().id, by="grace")
    sign_off, seen = workspace.sign_off, []

    def watched(*args: Any, **kwargs: Any) -> Review:
        seen.append(widget.verdict.approve.disabled)
        return sign_off(*args, **kwargs)

    monkeypatch.setattr(workspace, "sign_off", watched)
    widget.verdict.scopes.value = "register, "
    widget.verdict.approve.click()
    assert seen == [True]
    assert not widget.verdict.approve.disabled
    assert widget.review.sign_offs[0].scopes == ("register",)
    registration = registration_of(widget.review, "1", None, Identity(name="ada"), EPOCH)
    workspace.stores.append(Registered(registration=registration), "ada")
    assert ReviewWidget(workspace, widget.review.submission.id).verdict.approve.disabled


def test_an_approval_allows_what_the_form_says(workspace: Workspace, submitted: Submit) -> None:
    """Scopes and an end; untouched, the form says register and champion, without one."""
    widget = ReviewWidget(workspace, submitted().id, by="grace")
    widget.verdict.scopes.value = "register; alias"
    widget.verdict.approve.click()
    assert "There is no scope" in widget.message
    assert widget.review.sign_offs == ()
    widget.verdict.scopes.value = "register, alias:candidate"
    widget.verdict.days.value = 30
    widget.verdict.approve.click()
    (sign_off,) = widget.review.sign_offs
    assert sign_off.scopes == ("register", "alias:candidate")
    assert sign_off.expires is not None
    assert (sign_off.expires - sign_off.at).days in (29, 30)
    other = ReviewWidget(workspace, widget.review.submission.id, by="alan")
    other.verdict.approve.click()
    assert other.review.sign_offs[-1].scopes == DEFAULT_SCOPES
    assert other.review.sign_offs[-1].expires is None


def test_an_unknown_review_is_said_at_once(workspace: Workspace, submitted: Submit) -> None:
    """Before anything is shown."""
    submitted()
    with pytest.raises(NotFound):
        ReviewWidget(workspace, "review-nowhere")
