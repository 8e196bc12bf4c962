"""What the review widget shows of a real workspace's review."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from widgets import page

from nbmlops.records import (
    BundleFile,
    Change,
    Comparison,
    DataChange,
    DataInput,
    Fingerprint,
    Gap,
    MetricAgreement,
    Parameter,
    Submission,
)
from nbmlops.surfaces.review import ReviewWidget
from nbmlops.surfaces.review.markup import breakable
from nbmlops.surfaces.review.pages import policy_html
from nbmlops.testing import make_submission
from nbmlops.workspace import Workspace

Submit = Callable[..., Submission]
HOSTILE = "<img src=x onerror=alert(1)>\"'&"
CHAMPION = Comparison(
    version="2",
    review_id="review-before",
    content_digest="00" * 32,
    code=("@@ -1 +1 @@", "-model = SVC(C=1)", "+model = SVC(C=3)"),
    data=(DataChange(role="X", name="X_train", sentences=("12 rows were appended.",)),),
    parameters=(Change(name="C", before=1, after=3),),
    metrics=(
        Change(name="auc", before=0.71, after=0.74),
        Change(name="rmse", before=1204.0, after=None),
    ),
)


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
        "87%",
        "model = SVC(C=3).fit(X, y)", "does not agree", "1 sign-off is missing", "Nobody yet",
    ):  # fmt: skip
        assert part in html, part


def test_a_sign_off_that_does_not_count_is_told_once(
    workspace: Workspace, submitted: Submit
) -> None:
    """Also where the policy misses it for the very reason; another reason stands apart."""
    review = msgspec.structs.replace(
        workspace.review(submitted().id), missing=("Lacks one.",), uncounted=("Lacks one.",)
    )
    assert policy_html(review).count("Lacks one.") == 1
    assert "do not count" not in policy_html(review)
    two = msgspec.structs.replace(review, uncounted=("Lacks one.", "Too old."))
    assert policy_html(two).count("Too old.") == 1


def test_a_name_may_break_between_its_words_and_holds_no_markup() -> None:
    """Behind underscores only."""
    assert breakable("l2_regularization") == "l2_<wbr>regularization"
    assert breakable("<b>_x") == "&lt;b&gt;_<wbr>x"


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
    widget.verdict.comment.value = HOSTILE
    widget.verdict.reject.click()
    html = page(widget)
    assert "<img" not in html
    assert html.count("&lt;img") >= 14
    widget = ReviewWidget(workspace, submission.id, by=HOSTILE)
    widget.verdict.approve.click()
    assert "&lt;img" in widget.message
    assert "<img" not in widget.message


def test_it_shows_what_changes_against_the_champion(
    workspace: Workspace, submitted: Submit
) -> None:
    """The code as a diff, data by column, values, and the metrics as a figure."""
    evidence = msgspec.structs.replace(make_submission().evidence, champion=CHAMPION)
    widget = ReviewWidget(workspace, submitted(evidence=evidence).id)
    html = page(widget)
    assert '<span class="removed">-model = SVC(C=1)</span>' in html
    assert '<span class="added">+model = SVC(C=3)</span>' in html
    assert "12 rows were appended." in html
    (output,) = widget._figure.outputs
    figure = output["data"]["application/vnd.plotly.v1+json"]
    assert [trace["text"] for trace in figure["data"]] == [["0.71", "0.74"]]
    assert output["data"]["text/plain"] == "auc: champion 0.71, this 0.74"
    alone = ReviewWidget(workspace, submitted(model_name="first").id)
    assert "There is no champion yet" in page(alone)
    assert alone._figure.outputs == ()


def test_the_tabs_count_what_is_in_them(workspace: Workspace, submitted: Submit) -> None:
    """Notes and files, findings that are open, sign-offs."""
    file = BundleFile(path="attachments/a.txt", digest="ab", size=1)
    evidence = msgspec.structs.replace(
        make_submission().evidence, notes=("one",), attachments=(file,)
    )
    widget = ReviewWidget(workspace, submitted(evidence=evidence).id, by="grace")
    assert widget.tabs.titles == (
        "Evidence",
        "Changes (new)",
        "Findings",
        "Attached (2)",
        "Sign-offs (0)",
    )
