"""The review widget, driven as a person clicks, on a real workspace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ipywidgets import HTML

from nbmlops.errors import NotFound
from nbmlops.records import (
    DataInput,
    Fingerprint,
    Gap,
    Identity,
    MetricAgreement,
    Parameter,
    Submission,
)
from nbmlops.surfaces.review_widget import ReviewWidget
from nbmlops.testing import make_submission
from nbmlops.workspace import Workspace

Submit = Callable[..., Submission]
HOSTILE = "<img src=x onerror=alert(1)>\"'&"


def page(widget: ReviewWidget) -> str:
    """All HTML that the widget shows."""
    return "".join(child.value for child in widget.children if isinstance(child, HTML))


def test_it_shows_the_evidence(workspace: Workspace, submitted: Submit) -> None:
    """Model, author, content, metrics beside the clean run's, data, parameters, gaps, code."""
    evidence = make_submission().evidence
    evidence = type(evidence)(
        model_class="sklearn.svm.SVC",
        notebook="late.promoted.ipynb",
        code=("model = SVC(C=3).fit(X, y)",),
        parameters=(
            Parameter(name="C", value=3, is_default=False),
            Parameter(name="scaler", value="StandardScaler()", is_default=False),
            Parameter(name="kernel", value="rbf", is_default=True),
        ),
        metrics=(),
        clean_run=(
            MetricAgreement(name="auc", tracked=0.71, clean=0.71, tolerance=0.01, agrees=True),
            MetricAgreement(name="brier", tracked=0.2, clean=0.4, tolerance=0.01, agrees=False),
        ),
        clean_run_agrees=False,
        inputs=(
            DataInput(
                role="X",
                name="X_train",
                fingerprint=Fingerprint(kind="table", digest="ab" * 32, rows=1200),
            ),
            DataInput(
                role="y", name="y", fingerprint=Fingerprint(kind="unknown", reason="a generator")
            ),
        ),
        gaps=(Gap(what="git", why="the folder is no repository"),),
        completeness=0.875,
    )
    submission = submitted(evidence=evidence)
    html = page(ReviewWidget(workspace, submission.id))
    for part in (
        "late_arrival", "submitted by ada", submission.content_digest, "sklearn.svm.SVC",
        "auc", "0.71", "agrees", "differs by more than 1%", "X_train", "1,200 rows", "ab" * 32,
        "a generator", "C", "At their default: 1", "Parts: 1", "the folder is no repository",
        "87 %",
        "model = SVC(C=3).fit(X, y)", "does not agree", "1 sign-off is missing", "Nobody yet",
    ):  # fmt: skip
        assert part in html, part


def test_a_second_person_approves(workspace: Workspace, submitted: Submit) -> None:
    """The verdict, the comment and the name reach the ledger; the widget shows how it stands."""
    widget = ReviewWidget(workspace, submitted().id, by="grace")
    widget.comment.value = "  Checked the split by month.  "
    widget.approve.click()
    (sign_off,) = workspace.review(widget.review.submission.id).sign_offs
    assert sign_off.verdict == "approved"
    assert sign_off.comment == "Checked the split by month."
    assert sign_off.by == Identity(name="grace", asserted_by="self")
    assert "You approved this as grace." in widget.message
    assert 'role="status"' in widget.message
    assert "Nothing is missing" in page(widget)
    assert widget.comment.value == ""


def test_a_second_person_rejects(workspace: Workspace, submitted: Submit) -> None:
    """A rejection stands in the way, with its reason."""
    widget = ReviewWidget(
        workspace, submitted().id, by=Identity(name="grace", asserted_by="server")
    )
    widget.comment.value = "Leaks the label."
    widget.reject.click()
    assert workspace.review(widget.review.submission.id).status == "rejected"
    assert "grace rejected it: Leaks the label." in page(widget)
    assert "self-asserted" not in page(widget)


def test_the_author_is_refused_in_place(workspace: Workspace, submitted: Submit) -> None:
    """The policy's sentence appears where the button is, and the comment is not lost."""
    widget = ReviewWidget(workspace, submitted().id)
    widget.comment.value = "Looks good to me."
    widget.approve.click()
    assert "ada is the author of late_arrival" in widget.message
    assert 'role="alert"' in widget.message
    assert widget.comment.value == "Looks good to me."
    assert not widget.approve.disabled
    assert workspace.review(widget.review.submission.id).sign_offs == ()


def test_everything_that_came_from_elsewhere_is_escaped(
    workspace: Workspace, submitted: Submit
) -> None:
    """Names, code, reasons and comments are text, whatever they look like."""
    evidence = type(make_submission().evidence)(
        model_class=HOSTILE,
        notebook=HOSTILE,
        code=(HOSTILE,),
        parameters=(
            Parameter(name=HOSTILE, value=HOSTILE, is_default=False),
            Parameter(name=HOSTILE, value=HOSTILE, is_default=True),
        ),
        metrics=(),
        clean_run=(
            MetricAgreement(name=HOSTILE, tracked=None, clean=1.0, tolerance=0.1, agrees=False),
        ),
        clean_run_agrees=True,
        inputs=(
            DataInput(
                role=HOSTILE, name=HOSTILE, fingerprint=Fingerprint(kind="unknown", reason=HOSTILE)
            ),
        ),
        gaps=(Gap(what=HOSTILE, why=HOSTILE),),
        completeness=1.0,
    )
    submission = submitted(model_name=HOSTILE, author=HOSTILE, evidence=evidence)
    widget = ReviewWidget(workspace, submission.id, by=HOSTILE + "2")
    widget.comment.value = HOSTILE
    widget.reject.click()
    html = page(widget)
    assert "<img" not in html
    assert html.count("&lt;img") >= 14
    widget = ReviewWidget(workspace, submission.id, by=HOSTILE)
    widget.approve.click()
    assert "&lt;img" in widget.message
    assert "<img" not in widget.message


def test_an_unknown_review_is_said_at_once(workspace: Workspace, submitted: Submit) -> None:
    """Before anything is shown."""
    submitted()
    with pytest.raises(NotFound):
        ReviewWidget(workspace, "review-nowhere")
