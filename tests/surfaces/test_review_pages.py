"""The review widget's pages: what they say of each state, and that no name in them is markup."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from nbmlops.records import (
    BundleFile,
    Change,
    Comparison,
    DataChange,
    Evidence,
    Finding,
    Identity,
    MetricAgreement,
    Registration,
    Resolution,
    Review,
)
from nbmlops.surfaces.review.changes import changes_html, metrics_bundle
from nbmlops.surfaces.review.forms import FindingsForm
from nbmlops.surfaces.review.pages import (
    attachments_html,
    evidence_html,
    message_html,
    policy_html,
    sign_offs_html,
    summary_html,
)
from nbmlops.testing import EPOCH, make_sign_off, make_submission

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
EVE = Identity(name=HOSTILE)
SUBMISSION = make_submission()
REVIEW = Review(submission=SUBMISSION, status="waiting")


def change(**changes: Any) -> Evidence:
    """The evidence with other fields."""
    return msgspec.structs.replace(SUBMISSION.evidence, **changes)


def compared(**changes: Any) -> Evidence:
    """Evidence beside a champion."""
    champion = Comparison(version="2", review_id="r", content_digest="c")
    return change(champion=msgspec.structs.replace(champion, **changes))


def registered(**changes: Any) -> Registration:
    fields: dict[str, Any] = {
        "id": "registration-1", "review_id": SUBMISSION.id, "model_name": "late_arrival",
        "version": "7", "alias": None, "content_digest": "c", "sign_off_digests": (), "by": EVE,
        "at": EPOCH,
    }  # fmt: skip
    return Registration(**(fields | changes))


def findings_page(*findings: Finding) -> str:
    form = FindingsForm(lambda *_: None, lambda *_: None)
    form.show(msgspec.structs.replace(REVIEW, findings=findings))
    return "".join(str(row.children[0].value) for row in form.children[:-1])


def finding(**changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "id": "finding-1", "review_id": SUBMISSION.id, "text": "Why?", "by": Identity(name="grace"),
        "at": EPOCH,
    }  # fmt: skip
    return Finding(**(fields | changes))


FILE = BundleFile(path=HOSTILE, digest=HOSTILE, size=1)
EACH = Change(name=HOSTILE, before=HOSTILE, after=HOSTILE)
SETTLED = Resolution(finding_id="finding-1", note=HOSTILE, by=EVE, at=EPOCH)
SIGNED = make_sign_off(SUBMISSION, HOSTILE, comment=HOSTILE)


@pytest.mark.parametrize(
    "html",
    [
        attachments_html(
            change(model_card={HOSTILE: HOSTILE}, notes=(HOSTILE,), attachments=(FILE,), files=(FILE,))
        ),
        changes_html(
            compared(
                version=HOSTILE,
                code=(HOSTILE, f"+{HOSTILE}"),
                data=(DataChange(role=HOSTILE, name=HOSTILE, sentences=(HOSTILE,)),),
                parameters=(EACH,) * 20,
                environment=(EACH,),
            )
        ),
        findings_page(finding(text=HOSTILE, by=EVE, metric=HOSTILE, resolution=SETTLED)),
        findings_page(finding(text=HOSTILE, by=EVE, metric=HOSTILE)),
        message_html(HOSTILE, failed=True),
        policy_html(
            msgspec.structs.replace(REVIEW, policy=HOSTILE, missing=(HOSTILE,), uncounted=(HOSTILE,))
        ),
        policy_html(msgspec.structs.replace(REVIEW, policy=HOSTILE)),
        policy_html(
            msgspec.structs.replace(REVIEW, registration=registered(version=HOSTILE, alias=HOSTILE))
        ),
        sign_offs_html((SIGNED,)),
    ],
    ids=["attached", "changes", "settled", "open", "message", "missing", "met", "registered", "signed"],
)  # fmt: skip
def test_no_name_is_markup(html: str) -> None:
    """Whoever wrote it: it is shown as it was written."""
    assert "&lt;img" in html
    assert "<img" not in html


def test_an_attachment_is_called_what_its_author_called_it() -> None:
    """Sealed it has plain ASCII for a name; what it decodes to is still no markup."""
    names = ("caf%C3%A9 50%25.txt", "%3Cimg%3E.txt", "%FF.txt", "plain.txt")
    files = tuple(BundleFile(path=name, digest="ab", size=1) for name in names)
    html = attachments_html(msgspec.structs.replace(make_submission().evidence, attachments=files))
    for shown in ("café 50%.txt", "&lt;img&gt;.txt", "\\xff.txt", "plain.txt"):
        assert shown in html
    assert "<img" not in html


def test_no_metrics_name_is_markup_in_the_figure() -> None:
    """Plotly reads some tags in titles; and a figure has as many as a person reads."""
    metrics = tuple(Change(name=f"<b>{n}</b>", before=n, after=n + 1) for n in range(12))
    bundle = metrics_bundle(compared(metrics=(*metrics, Change(name="x", before=1, after=None))))
    assert bundle
    figure = bundle["application/vnd.plotly.v1+json"]
    titles = [note["text"] for note in figure["layout"]["annotations"]]
    assert titles[0] == "&lt;b&gt;0&lt;/b&gt;"
    assert len(titles) == 8
    below = metrics_bundle(compared(metrics=(Change(name="loss", before=-3, after=None),)))
    assert below is None
    low = metrics_bundle(compared(metrics=(Change(name="score", before=-3.0, after=2.0),)))
    assert low
    axis = low["application/vnd.plotly.v1+json"]["layout"]["yaxis"]
    assert json.loads(json.dumps(axis["range"])) == pytest.approx([-3.9, 2.6])


def test_a_diff_begins_with_its_lines() -> None:
    """The names of files that a diff is headed with are none of the notebook's."""
    html = changes_html(compared(code=("--- before", "+++ after", "@@ -1 +1 @@", "-a", "+b")))
    assert "before" not in html
    assert '<span class="added">+b</span>' in html


def test_each_state_is_told_as_it_is() -> None:
    """In words, and in the colour that goes with them."""
    for status, tone in (("approved", "good"), ("waiting", "quiet"), ("rejected", "bad")):
        html = summary_html(msgspec.structs.replace(REVIEW, status=status))
        assert f'<span class="status {tone}">{status}</span>' in html
    lacking = msgspec.structs.replace(REVIEW, missing=("1 sign-off",), uncounted=("grace's",))
    for said in ("Still missing", "1 sign-off", "Sign-offs that do not count", "grace&#x27;s"):
        assert said in policy_html(lacking)
    assert "do not count" not in policy_html(msgspec.structs.replace(lacking, uncounted=()))
    done = msgspec.structs.replace(lacking, registration=registered(alias="champion"))
    assert "Registered as version 7 (champion)" in policy_html(done)
    assert "missing" not in policy_html(done)


def test_a_sign_off_says_what_it_is_worth() -> None:
    """Its verdict, who vouches for the name, and how long it holds."""
    given = make_sign_off(SUBMISSION, "grace", expires=EPOCH + timedelta(days=30))
    html = sign_offs_html((given,))
    assert '<span class="good">approved</span> by grace' in html
    assert "(self-asserted, until 2026-01-31)" in html
    rejected = make_sign_off(SUBMISSION, "grace", verdict="rejected")
    assert '<span class="bad">rejected</span>' in sign_offs_html((rejected,))


def test_what_the_clean_run_found_is_told_by_metric() -> None:
    """And that there are no data is said, not left out."""
    agreeing, other = (
        MetricAgreement(name=name, tracked=1.0, clean=1.0, tolerance=0.01, agrees=agrees)
        for name, agrees in (("auc", True), ("rmse", False))
    )
    html = evidence_html(change(clean_run=(agreeing, other)))
    before, _, after = html.partition("rmse")
    assert '<span class="good">agrees</span>' in before
    assert "differs by more than 1%" in after
    assert '<span class="bad">' not in before
    assert "No data was captured" in html
