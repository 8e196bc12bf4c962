"""The wire's contract: its file is the records' schema, and the short forms tell the truth."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from nbmlops.records import Metric, to_plain
from nbmlops.surfaces.contract import (
    CONTRACT,
    DismissalRequest,
    ReviewSummary,
    RunSummary,
    SignOffRequest,
    contract_schema,
    contract_text,
)
from nbmlops.testing import EPOCH, make_run, make_sign_off, make_submission

SCHEMA = Path(__file__).parents[2] / "labextension" / "contract.schema.json"


def test_the_schema_file_has_not_drifted() -> None:
    """What TypeScript is generated from is what the records say now."""
    assert SCHEMA.read_text(encoding="utf-8") == contract_text(), (
        "Run `python -m nbmlops.surfaces.contract`, then `jlpm contract` in labextension/."
    )


@pytest.mark.parametrize("kind", CONTRACT)
def test_every_field_that_is_sent_is_required(kind: type[msgspec.Struct]) -> None:
    """The encoder leaves nothing out, so TypeScript need not ask whether a field is there."""
    definition = contract_schema()["$defs"][kind.__name__]
    fields = {field.encode_name for field in msgspec.structs.fields(kind)}
    assert set(definition["properties"]) == fields
    asked = {SignOffRequest: {"verdict"}, DismissalRequest: set()}
    assert set(definition.get("required", ())) == asked.get(kind, fields)


def test_a_run_in_short_keeps_the_last_step_of_each_metric() -> None:
    """A loss of a thousand steps is one number in a list."""
    metrics = (
        Metric(name="loss", value=0.9, at=EPOCH, step=0),
        Metric(name="auc", value=0.7, at=EPOCH, data="X_test"),
        Metric(name="auc", value=0.8, at=EPOCH, data="X_train"),
        Metric(name="loss", value=0.2, at=EPOCH, step=1),
    )
    summary = RunSummary.of(make_run(metrics=metrics, mlflow_run_id="abc"))
    assert [(m.name, m.data, m.value) for m in summary.metrics] == [
        ("loss", None, 0.2),
        ("auc", "X_test", 0.7),
        ("auc", "X_train", 0.8),
    ]
    assert summary.delivered
    assert not RunSummary.of(make_run()).delivered
    assert set(json.loads(json.dumps(to_plain(summary)))) == set(
        contract_schema()["$defs"]["RunSummary"]["properties"]
    )


def test_a_review_in_short_counts_its_verdicts() -> None:
    """Both kinds are counted apart."""
    from nbmlops.records import Review

    submission = make_submission()
    review = Review(
        submission=submission,
        sign_offs=(
            make_sign_off(submission, "grace"),
            make_sign_off(submission, "alan", verdict="rejected"),
        ),
        status="rejected",
        missing=("alan rejected it.",),
    )
    summary = ReviewSummary.of(review)
    assert (summary.approvals, summary.rejections) == (1, 1)
    assert summary.missing == ("alan rejected it.",)
