"""Resolutions, withdrawals and revocations: signed where that opens something, or was asked for."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from team import MODEL, Team

from nbmlops.errors import Refused
from nbmlops.governance import how_given
from nbmlops.records import Finding, FindingResolved, Identity, Resolution, Submission, now


@pytest.fixture
def submission(team: Team) -> Submission:
    """Submitted, and approved by alan's signature, where the policy asks for signatures."""
    team.signed_policy()
    submission = team.ada.submit(team.promote().id).submission
    team.alan.sign_off(submission.id, "approved", key=team.key_of("alan"))
    return submission


@pytest.fixture
def finding(team: Team, submission: Submission) -> Finding:
    return team.grace.add_finding(submission.id, "Is that the July data?", cell=1)


def test_a_resolution_opens_the_gate_with_a_signature_only(
    team: Team, submission: Submission, finding: Finding
) -> None:
    """Of a reviewer; unsigned, a stranger's or another's it is refused."""
    with pytest.raises(Refused, match="it is not signed, and the policy asks for signatures"):
        team.alan.resolve_finding(finding.id, "Yes.")
    with pytest.raises(Refused, match="belongs to no reviewer"):
        team.grace.resolve_finding(finding.id, "Yes.", key=team.key("grace"))
    with pytest.raises(Refused, match="is open"):
        team.ada.register(submission.id)
    settled = team.alan.resolve_finding(finding.id, " Yes. ", key=team.key_of("alan")).resolution
    assert settled
    assert how_given(settled).startswith("signed with key")
    assert team.ada.register(submission.id).version == "1"


Forge = Callable[[Resolution], Resolution]

FORGERIES: dict[str, tuple[Forge, str]] = {
    "unsigned": (
        lambda r: msgspec.structs.replace(r, envelope=None),
        "it is not signed",
    ),
    "in another's name": (
        lambda r: msgspec.structs.replace(r, by=Identity(name="grace")),
        "signed with the key of alan",
    ),
    "by the author": (
        lambda r: msgspec.structs.replace(r, by=Identity(name="ada")),
        "ada is the author",
    ),
    "with other words": (
        lambda r: msgspec.structs.replace(r, note="It is August's, never mind."),
        "changed after it was signed",
    ),
}
"""What whoever owns the ledger's database could append, and the sentence that it is met with."""


@pytest.mark.parametrize("how", FORGERIES)
def test_a_resolution_past_the_verb_settles_nothing(
    team: Team, submission: Submission, finding: Finding, how: str
) -> None:
    """It counts by its signature, whoever put it on the ledger; a proper one can still follow."""
    forge, says = FORGERIES[how]
    signed = _resolution_of_alan(team, finding)
    team.ada.stores.append(FindingResolved(resolution=forge(signed)), "alan")
    with pytest.raises(Refused, match=f"resolution does not count: .*{says}"):
        team.ada.register(submission.id)
    team.alan.resolve_finding(finding.id, "Yes.", key=team.key_of("alan"))
    assert team.ada.register(submission.id).version == "1"


def test_the_same_resolution_untouched_counts(
    team: Team, submission: Submission, finding: Finding
) -> None:
    """The control beside the forgeries."""
    signed = _resolution_of_alan(team, finding)
    team.ada.stores.append(FindingResolved(resolution=signed), "alan")
    assert team.ada.register(submission.id).version == "1"


def test_one_findings_resolution_settles_no_other(
    team: Team, submission: Submission, finding: Finding
) -> None:
    """It names the finding, and the words that it had."""
    signed = _resolution_of_alan(team, finding)
    other = team.grace.add_finding(submission.id, "And the weights?", cell=1)
    replayed = msgspec.structs.replace(signed, finding_id=other.id)
    team.ada.stores.append(FindingResolved(resolution=signed), "alan")
    team.ada.stores.append(FindingResolved(resolution=replayed), "alan")
    with pytest.raises(Refused, match=r"And the weights\?.*speaks of something else"):
        team.ada.register(submission.id)


def test_a_revoked_keys_resolution_opens_the_finding_anew(
    team: Team, submission: Submission, finding: Finding
) -> None:
    """Whatever it signed, and whenever."""
    team.grace.resolve_finding(finding.id, "Yes.", key=team.key_of("grace"))
    team.grace.revoke_key(team.key_of("grace").public.id, "stolen")
    with pytest.raises(Refused, match=r"resolution does not count: key .* was revoked"):
        team.ada.register(submission.id)


def test_a_signed_condition_is_met_by_signing_anew(team: Team) -> None:
    """Its finding stands on the record, and is in nobody's way then."""
    team.signed_policy()
    submission = team.ada.submit(team.promote().id).submission
    key = team.key_of("grace")
    team.grace.sign_off(submission.id, "approved with conditions", "Add a fallback.", key=key)
    with pytest.raises(Refused, match="its condition stands until grace signs without one"):
        team.ada.register(submission.id)
    team.grace.sign_off(submission.id, "approved", key=key)
    assert [finding.text for finding in team.ada.findings()] == ["Add a fallback."]
    assert team.ada.register(submission.id).version == "1"


def test_a_withdrawal_holds_without_a_signature_and_shows_one(
    team: Team, submission: Submission
) -> None:
    """It closes: nothing may delay it. One that does not hold is refused."""
    team.ada.register(submission.id)
    with pytest.raises(Refused, match=r"withdrawal does not hold: key .* belongs to no reviewer"):
        team.grace.withdraw(f"{MODEL}@champion", "Drifted.", key=team.key("grace"))
    signed = team.alan.withdraw(f"{MODEL}@champion", "Drifted.", key=team.key_of("alan"))
    assert how_given(signed).startswith("signed with key")
    plain = team.ada.withdraw(submission.id, "And once more.")
    assert how_given(plain) == "self-asserted, unsigned"
    told = [e.fact for e in team.ada.audit_log()]
    assert len(told) == len(team.refusals()) + 6


def test_a_revocation_holds_without_a_signature_and_shows_one(
    team: Team, submission: Submission
) -> None:
    """The key may be lost; with its own hand it says that it was not."""
    alan, grace = team.key_of("alan"), team.key_of("grace")
    assert how_given(team.alan.revoke_key(alan.public.id, "old", key=alan)).endswith(alan.public.id)
    with pytest.raises(Refused, match=r"revocation does not hold: key .* was revoked"):
        team.alan.revoke_key(grace.public.id, "and hers", key=alan)
    plain = team.grace.revoke_key(grace.public.id, "lost")
    assert how_given(plain) == "self-asserted, unsigned"


def _resolution_of_alan(team: Team, finding: Finding) -> Resolution:
    from nbmlops.workspace.findings import prepare_resolution

    request = prepare_resolution(team.ada.stores, finding.id, "Yes.", team.key_of("alan"))
    return Resolution(
        finding_id=finding.id,
        note=request.note,
        by=Identity(name="alan"),
        at=now(),
        envelope=request.envelope,
    )
