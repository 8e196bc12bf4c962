"""Findings and conditions: who may settle them, and what waits for it."""

from __future__ import annotations

import pytest
from team import Team

from nbmlops.errors import Refused


def test_findings_must_be_settled_by_somebody_else(team: Team) -> None:
    """Pinned to a cell or a metric that is there."""
    submission = team.ada.submit(team.promote().id).submission
    for wrong, says in (
        ({"cell": 2}, "no code cell 2"),
        ({"metric": "rmse"}, "no metric 'rmse'; there is auc"),
        ({"cell": 1, "metric": "auc"}, "not to both"),
    ):
        with pytest.raises(Refused, match=says):
            team.grace.add_finding(submission.id, "x", **wrong)
    with pytest.raises(Refused, match="needs a text"):
        team.grace.add_finding(submission.id, "  ", cell=1)
    finding = team.grace.add_finding(submission.id, "Is that the July data?", cell=1)
    team.alan.sign_off(submission.id, "approved")
    with pytest.raises(Refused, match=r"is open: Is that the July data\?") as refused:
        team.ada.register(submission.id)
    settle = f"Somebody other than ada settles it: nbmlops finding resolve {finding.id}."
    assert str(refused.value).endswith(settle)
    assert settle not in refused.value.missing
    with pytest.raises(Refused, match="ada is the author"):
        team.ada.resolve_finding(finding.id)
    resolved = team.alan.resolve_finding(finding.id, "Yes, see the fingerprint.")
    assert resolved.resolution
    assert team.ada.findings(submission.id, only_open=True) == []
    with pytest.raises(Refused, match="settled by alan already"):
        team.alan.resolve_finding(finding.id)
    team.ada.register(submission.id)


def test_a_condition_is_a_finding_that_only_its_reviewer_settles(team: Team) -> None:
    """The approval counts from then on."""
    submission = team.ada.submit(team.promote().id).submission
    with pytest.raises(Refused, match="needs a comment"):
        team.grace.sign_off(submission.id, "approved with conditions")
    team.grace.sign_off(submission.id, "approved with conditions", "Add class weights.")
    (finding,) = team.ada.findings(submission.id)
    told = rf"condition is not met yet.*grace settles it: nbmlops finding resolve {finding.id}\."
    with pytest.raises(Refused, match=told):
        team.ada.register(submission.id)
    with pytest.raises(Refused, match="only grace can say"):
        team.alan.resolve_finding(finding.id)
    team.grace.resolve_finding(finding.id, "They are there.")
    team.ada.register(submission.id)
