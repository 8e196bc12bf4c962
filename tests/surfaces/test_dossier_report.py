"""The dossier: its sections, its gaps, and that nothing in it can act."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
import typst

from nbmlops.records import (
    BundleFile,
    Change,
    ColumnFingerprint,
    Comparison,
    DataChange,
    DataInput,
    Dossier,
    Envelope,
    Environment,
    Evidence,
    Finding,
    Fingerprint,
    Gap,
    Identity,
    Metric,
    Promoted,
    Registration,
    Review,
    Signature,
    SignOff,
    Submitted,
    decode,
)
from nbmlops.surfaces.reports import write_dossier_html, write_dossier_json, write_dossier_pdf
from nbmlops.surfaces.reports.blocks import number, table
from nbmlops.surfaces.reports.sections import sections_of
from nbmlops.surfaces.reports.typst_fonts import undrawable
from nbmlops.testing import EPOCH, MemoryLedger, make_promotion, make_submission

HOSTILE = '<img src=x onerror=alert(1)> #panic("typst") \\*$ \u202e 🚀'


def evidence(**changes: Any) -> Evidence:
    columns = tuple(
        ColumnFingerprint(
            name=name, type="float64", digest="ab" * 32, nulls=nulls,
            summary={"min": 0.0, "max": 1.5, "mean": 0.25},
        )
        for name, nulls in (("dep_delay", 0), ("distance", 3), (HOSTILE, 0))
    )  # fmt: skip
    table = Fingerprint(
        kind="table", digest="cd" * 32, rows=27_004, columns=columns, name="X_train"
    )
    fields: dict[str, Any] = {
        "model_class": "sklearn.ensemble.HistGradientBoostingClassifier",
        "notebook": "late_arrival.promoted.ipynb",
        "code": ("model.fit(X, y)",),
        "parameters": (),
        "metrics": (
            Metric(name="roc_auc_score_X_test", value=0.8731, at=EPOCH, data="X_test"),
            Metric(name="log_loss_X_test", value=0.41, at=EPOCH, data="X_test"),
        ),
        "clean_run": (),
        "clean_run_agrees": True,
        "inputs": (DataInput(role="X", name="X_train", fingerprint=table, files=("flights.parquet",)),),
        "gaps": (Gap(what="seed", why="nothing was seeded: a rerun may differ."),),
        "completeness": 0.95,
        "environment": Environment(python="3.11.7", platform="Linux", packages={"scikit-learn": "1.7"}),
        "champion": Comparison(
            version="2",
            review_id="review-before",
            content_digest="00" * 32,
            code=("-model = LogisticRegression()", "+model = HistGradientBoostingClassifier()"),
            data=(DataChange(role="X", name="X_train", sentences=("1,204 rows were appended.",)),),
            parameters=(Change(name="max_iter", before=100, after=200),),
            metrics=(Change(name="roc_auc_score_X_test", before=0.8512, after=0.8731),),
        ),
        "model_card": {"purpose": "Tells late flights a day ahead.", "owner": HOSTILE},
        "attachments": (BundleFile(path="fairness.html", digest="ef" * 32, size=1204),),
    }  # fmt: skip
    return Evidence(**{**fields, **changes})


def dossier(**changes: Any) -> Dossier:
    promotion = make_promotion()
    submission = make_submission(evidence=evidence(**changes))
    grace = Identity(name="grace", asserted_by="server")
    sign_off = SignOff(
        id="sign-off-1", review_id=submission.id, content_digest=submission.content_digest,
        verdict="approved", comment=HOSTILE, by=grace, at=EPOCH, expires=EPOCH + timedelta(days=90),
        envelope=Envelope(payload="", payload_type="x", signatures=(Signature(keyid="k-1", sig=""),)),
    )  # fmt: skip
    finding = Finding(
        id="finding-1", review_id=submission.id, text="Why 0.5?", by=grace, at=EPOCH, cell=1
    )
    registration = Registration(
        id="registration-1", review_id=submission.id, model_name=submission.model_name,
        version="3", alias="champion", content_digest=submission.content_digest,
        sign_off_digests=(), by=grace, at=EPOCH,
    )  # fmt: skip
    ledger = MemoryLedger()
    ledger.append(Promoted(promotion=promotion), actor="ada")
    ledger.append(Submitted(submission=submission), actor=HOSTILE)
    return Dossier(
        project="flights",
        review=Review(
            submission=submission, sign_offs=(sign_off,), status="registered",
            registration=registration, findings=(finding,), policy="policy 2, tier high",
        ),
        promotion=promotion,
        facts=tuple(ledger.entries()),
        chain=ledger.verify(),
        at=EPOCH,
    )  # fmt: skip


def texts(found: Dossier, title: str) -> str:
    (section,) = (s for s in sections_of(found) if s["title"] == title)
    return json.dumps(section["blocks"], ensure_ascii=False)


def test_the_sections_are_those_that_a_reviewer_of_model_risk_looks_for() -> None:
    """In this order, and none is empty."""
    sections = sections_of(dossier())
    assert [s["title"] for s in sections] == [
        "Purpose", "Data", "Performance", "Limits", "Validation", "Approvals", "Changes",
        "Audit trail",
    ]  # fmt: skip
    assert all(s["blocks"] for s in sections)


def test_an_index_is_no_column_and_has_a_name() -> None:
    """A person counts the columns of a table without it."""
    index = ColumnFingerprint(name="", type="int64", digest="ab" * 32, nulls=0, index=True)
    (one,) = evidence().inputs
    columns = (index, *one.fingerprint.columns)
    table = msgspec.structs.replace(one.fingerprint, columns=columns)
    told = texts(dossier(inputs=(msgspec.structs.replace(one, fingerprint=table),)), "Data")
    assert '["X", "X_train", "27,004", "3"' in told
    assert '["index", "int64"' in told


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Purpose", "Tells late flights a day ahead."),
        ("Data", "27,004"),
        ("Data", "flights.parquet"),
        ("Performance", '["roc_auc_score_X_test", "X_test", "0.8731", "0.8512", "+0.0219"]'),
        ("Limits", "nothing was seeded"),
        ("Validation", "Open finding. grace on cell 1: Why 0.5?"),
        ("Validation", "fairness.html"),
        ("Approvals", "key k-1"),
        ("Approvals", "policy 2, tier high"),
        ("Approvals", "grace (server-asserted) registered it as version 3"),
        ("Changes", "1,204 rows were appended."),
        ("Changes", '["max_iter", "100", "200"]'),
        ("Audit trail", "Submitted late_arrival for review"),
    ],
)
def test_what_is_on_record_stands_in_its_section(title: str, told: str) -> None:
    """Also what came from the model card, which is sorted by its fields."""
    assert told in texts(dossier(), title)


@pytest.mark.parametrize(
    ("changes", "title", "gap"),
    [
        ({"model_card": {}}, "Purpose", "does not state the purpose"),
        ({}, "Limits", "does not state the limits"),
        ({"inputs": ()}, "Data", "No data was seen"),
        ({"metrics": ()}, "Performance", "No metric was computed"),
        ({"environment": None}, "Validation", "environment was not recorded"),
    ],
)
def test_what_is_not_on_record_is_a_gap(changes: dict[str, Any], title: str, gap: str) -> None:
    """And with it there, there is none: the control."""
    assert gap in texts(dossier(**changes), title)
    card = {"purpose": "x", "limits": "y"}
    assert gap not in texts(dossier(model_card=card), title)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_hostile_text_and_runs_none() -> None:
    """No script at all, and no picture of theirs."""
    file = io.BytesIO()
    write_dossier_html(dossier(), file)
    page = _Page()
    page.feed(file.getvalue().decode())
    assert not {"script", "img", "iframe", "link"} & set(page.tags)
    assert page.text.count(HOSTILE) >= 3


def test_the_pdf_is_made_from_data_alone() -> None:
    """What would be markup or code of the typesetter is text in it."""
    file = io.BytesIO()
    write_dossier_pdf(dossier(), file)
    assert file.getvalue().startswith(b"%PDF-")
    assert len(file.getvalue()) > 5_000


def test_the_pdf_says_which_characters_it_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty box may stand for any name; what there is a font for goes without a word."""
    sent: list[Any] = []
    compile_ = typst.compile

    def watched(*arguments: Any, **more: Any) -> Any:
        sent.append(more["sys_inputs"])
        return compile_(*arguments, **more)

    monkeypatch.setattr(typst, "compile", watched)
    for project, lacks in (("detección_Прив", False), ("model_\U00017000\U00017001", True)):
        file = io.BytesIO()
        write_dossier_pdf(msgspec.structs.replace(dossier(), project=project), file)
        assert file.getvalue().startswith(b"%PDF-")
        said = json.loads(sent[-1]["data"])["boxes"]
        assert ("U+17000 U+17001" in said) == lacks
        assert "U+00F3" not in said
    assert undrawable("detección_Прив, plain") == []


def test_the_json_is_the_record() -> None:
    """Whole, so that another tool can read it."""
    file = io.BytesIO()
    found = dossier()
    write_dossier_json(found, file)
    assert decode(file.getvalue(), Dossier) == found


def test_columns_of_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    """Also a change's sign and thousands are numbers; a digest and an empty column are none."""
    block = table(
        "Told",
        ("name", "rows", "change", "digest", "empty"),
        [("a", number(27_004), "+0.5", "12ab", None), ("b", number(3), "-1e-05", "34", None)],
    )
    assert block["numbers"] == [False, True, True, False, False]
    assert block["rows"][0][1] == "27,004"
    file = io.BytesIO()
    write_dossier_html(dossier(), file)
    page = file.getvalue().decode()
    assert '<td class="n">27,004</td>' in page
    assert "<td>X_train</td>" in page
