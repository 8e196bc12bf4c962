"""What a policy can ask for: each unmet demand one sentence, each met one silent."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signing import World, signed_policy

from nbmlops.governance import History, Policy
from nbmlops.governance.policy import custom_checks
from nbmlops.governance.policy.counting import fill_roles
from nbmlops.governance.policy.terms import DataContract, Demands, MetricDemand
from nbmlops.records import (
    Change,
    ColumnFingerprint,
    Comparison,
    DataInput,
    Evidence,
    Finding,
    FindingRaised,
    FindingResolved,
    Fingerprint,
    Identity,
    Metric,
    Resolution,
    Submission,
)
from nbmlops.testing import EPOCH, MemoryLedger, make_sign_off, make_submission

AUC = Metric(name="roc_auc_score_X_test", value=0.72, data="X_test", at=EPOCH)
TABLE = DataInput(
    role="X",
    name="X_train",
    fingerprint=Fingerprint(
        kind="table",
        digest="ab" * 32,
        rows=100,
        columns=(
            ColumnFingerprint(name="index", type="int64", digest="0", index=True),
            ColumnFingerprint(name="distance", type="int64", digest="1", nulls=2),
            ColumnFingerprint(name="carrier", type="string", digest="2"),
        ),
    ),
)
CHAMPION = Comparison(
    version="4",
    review_id="review-0",
    content_digest="cd" * 32,
    metrics=(Change(name=AUC.name, before=0.70, after=0.72),),
)


def submission(**evidence: Any) -> Submission:
    plain: Evidence = make_submission().evidence
    fields = {"metrics": (AUC,), "inputs": (TABLE,), "champion": CHAMPION} | evidence
    return make_submission(evidence=msgspec.structs.replace(plain, **fields))


def missing(submission: Submission, *, history: History | None = None, **demands: Any) -> list[str]:
    """What is unmet besides sign-offs, which these demands do not ask for."""
    return Policy(sign_offs=0, **demands).missing(submission, (), history)


def metric(**bounds: Any) -> dict[str, Any]:
    return {"metrics": (MetricDemand(**({"metric": "roc_auc_score"} | bounds)),)}


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        ({"at_least": 0.7}, None),
        ({"at_least": 0.73}, "is 0.72; the policy asks for at least 0.73"),
        ({"at_most": 0.8}, None),
        ({"at_most": 0.7}, "asks for at most 0.7"),
        ({"at_least": 0.7, "data": "X_test"}, None),
        ({"at_least": 0.7, "data": "X_july"}, "'roc_auc_score' on X_july, which was not computed"),
        ({"metric": AUC.name, "at_least": 0.7}, None),
        ({"metric": "roc_auc", "at_least": 0.7}, "which was not computed"),
        ({"better_than_champion_by": 0.01}, None),
        ({"better_than_champion_by": 0.03}, "the champion's 0.7; the policy asks to be better by"),
        ({"better_than_champion_by": 0.0, "higher_is_better": False}, "to be better by 0"),
    ],
)
def test_metrics_are_held_to_floors_and_to_the_champion(
    bounds: dict[str, Any], says: str | None
) -> None:
    """On named data; the first model has no champion to beat."""
    found = missing(submission(), **metric(**bounds))
    assert (not found) if says is None else says in found[0]
    assert missing(submission(champion=None), **metric(better_than_champion_by=9.0)) == []


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_metric_without_a_number_is_not_good_enough(value: float | None) -> None:
    """Whatever the bound."""
    bad = msgspec.structs.replace(AUC, value=value)
    assert missing(submission(metrics=(bad,)), **metric(at_most=1.0)) == [
        "roc_auc_score_X_test is not a number."
    ]


def test_a_champion_without_that_metric_cannot_be_beaten() -> None:
    """It is said, rather than let through."""
    blind = msgspec.structs.replace(CHAMPION, metrics=())
    (sentence,) = missing(submission(champion=blind), **metric(better_than_champion_by=0.0))
    assert "cannot be held against the champion, version 4" in sentence


@pytest.mark.parametrize(
    ("contract", "says"),
    [
        ({"columns": {"distance": "int64"}}, None),
        ({"columns": {"distance": "double"}}, "of type int64, the data contract says double"),
        ({"columns": {"hour": "int64"}}, "lacks the column 'hour'"),
        ({"columns": {"distance": "int64", "carrier": "string"}, "other_columns": False}, None),
        ({"columns": {"distance": "int64"}, "other_columns": False}, "a column 'carrier'"),
        ({"null_rates": {"distance": 0.02}}, None),
        ({"null_rates": {"distance": 0.01}}, "2.00% of 'distance' are null"),
        ({"null_rates": {"hour": 0.5}}, "the share of nulls in 'hour' is not known"),
        ({"minimum_rows": 100, "maximum_rows": 100}, None),
        ({"minimum_rows": 101}, "has 100 rows, the data contract says at least 101"),
        ({"maximum_rows": 99}, "says at most 99"),
        ({"minimum_rows": 99, "maximum_rows": 99}, "says at most 99"),
        ({"data": "X_train", "minimum_rows": 1}, None),
        ({"data": "y"}, "a data contract for 'y', which was not captured"),
    ],
)
def test_data_are_held_to_their_contract(contract: dict[str, Any], says: str | None) -> None:
    """Columns, types, nulls and rows, read off the fingerprint."""
    found = missing(submission(), data=(DataContract(**({"data": "X"} | contract)),))
    assert (not found) if says is None else says in found[0]


def test_data_that_could_not_be_read_keep_no_contract() -> None:
    """The reason is told."""
    unknown = DataInput(
        role="X", name="gen", fingerprint=Fingerprint(kind="unknown", reason="a generator")
    )
    (sentence,) = missing(submission(inputs=(unknown,)), data=(DataContract(data="X"),))
    assert "cannot be held: a generator" in sentence


def test_the_model_card_must_say_what_the_policy_names() -> None:
    """Blank is not said."""
    card = {"purpose": "Late arrivals.", "limits": "  "}
    assert missing(submission(model_card=card), model_card=("purpose", "limits")) == [
        "The model card says nothing on 'limits'."
    ]


def test_an_open_finding_blocks_until_it_is_resolved_also_in_a_later_review() -> None:
    """Where the policy asks for it."""
    first = submission()
    ledger = MemoryLedger()
    world = World()
    finding = Finding(
        id="finding-1",
        review_id=world.submission.id,
        text="Which month?",
        by=Identity(name="grace"),
        at=EPOCH,
        cell=1,
    )
    world.tell(FindingRaised(finding=finding))
    later = world.submit("late_arrival", b"newer")
    says = ["grace's finding-1 on cell 1 is open: Which month?"]
    assert missing(later, history=world.history) == says
    assert missing(later, history=world.history, findings_resolved=False) == []
    resolution = Resolution(finding_id="finding-1", note="July", by=Identity(name="alan"), at=EPOCH)
    world.tell(FindingResolved(resolution=resolution))
    assert missing(later, history=world.history) == []
    assert missing(first, history=History(ledger.entries())) == []


def holds(_: Submission) -> list[str]:
    return []


def objects(submission: Submission) -> str:
    return f"{submission.model_name} has no fairness report."


def explodes(_: Submission) -> list[str]:
    raise RuntimeError("no network")


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def is_mute(_: Submission) -> list[str]:
    raise Mute


def leaves(_: Submission) -> list[str]:
    sys.exit(3)


def test_custom_checks_speak_and_one_that_fails_is_unmet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by entry point."""
    points = [
        EntryPoint(name, f"{__name__}:{name}", custom_checks.GROUP)
        for name in ("holds", "objects", "explodes", "missing_code", "is_mute", "leaves")
    ]
    monkeypatch.setattr(custom_checks, "entry_points", lambda group: points)
    custom_checks._load.cache_clear()
    try:
        found = missing(submission(), checks=(*(point.name for point in points), "nowhere"))
    finally:
        custom_checks._load.cache_clear()
    assert found[:2] == [
        "late_arrival has no fairness report.",
        "The check 'explodes' failed with RuntimeError: no network.",
    ]
    assert "'missing_code' failed with AttributeError" in found[2]
    assert found[3:5] == [
        "The check 'is_mute' failed with Mute.",
        "The check 'leaves' failed with SystemExit: 3.",
    ]
    assert "'nowhere' is not installed here" in found[5]


def test_roles_are_places_that_different_people_fill() -> None:
    """A validator and an owner: one person with both roles fills one place."""
    policy = signed_policy(roles={"validator": 1, "owner": 1})
    world = World()
    world.sign("grace")
    assert [s for s in world.missing(policy) if "'owner'" in s]
    world.sign("alan")
    assert world.missing(policy) == []


def test_a_tier_asks_for_more() -> None:
    """Models of no tier are judged by the top level."""
    policy = signed_policy(tiers={"high": Demands(sign_offs=2)}, models={"late_*": "high"})
    world = World()
    world.sign("grace")
    assert world.missing(policy)[0].startswith("1 sign-off is missing")
    other = world.submit("early_arrival", b"other")
    world.sign("grace", submission=other)
    assert world.missing(policy, submission=other) == []


def test_an_alias_is_moved_by_whom_the_policy_names() -> None:
    """By role; a server's word on roles counts, a machine's own does not."""
    policy = signed_policy(aliases={"champion": ("owner",)})
    for by, allowed in (
        (Identity(name="alan"), True),
        (Identity(name="grace"), False),
        (Identity(name="eve", roles=("owner",)), False),
        (Identity(name="eve", roles=("owner",), asserted_by="server"), True),
    ):
        assert (policy.alias_objections("late_arrival", "champion", by) == []) is allowed, by
    (sentence,) = policy.alias_objections("late_arrival", "latest", Identity(name="alan"))
    assert "knows no alias 'latest'" in sentence
    assert signed_policy().alias_objections("late_arrival", "x", Identity(name="eve")) == []


def test_a_self_asserted_name_is_not_a_servers_word() -> None:
    """Where the policy asks for a server's."""
    world, policy = World(), Policy(version=1, identity="server")
    world.give(make_sign_off(world.submission, "grace"))
    assert any("self-asserted" in s for s in world.missing(policy))
    vouched = Identity(name="grace", asserted_by="server")
    sign_off = make_sign_off(world.submission, "grace", id="vouched")
    world.give(msgspec.structs.replace(sign_off, by=vouched))
    assert world.missing(policy) == []


@given(
    wanted=st.dictionaries(st.sampled_from("abc"), st.integers(1, 2), max_size=3),
    people=st.lists(st.frozensets(st.sampled_from("abc")), max_size=5),
)
def test_places_are_filled_as_well_as_they_can_be(
    wanted: dict[str, int], people: list[frozenset[str]]
) -> None:
    """As many as the best of all ways to seat people, which for five can be tried out."""

    def best(seats: list[str], free: list[frozenset[str]]) -> int:
        if not seats:
            return 0
        without = best(seats[1:], free)
        return max(
            [without]
            + [
                1 + best(seats[1:], free[:i] + free[i + 1 :])
                for i, roles in enumerate(free)
                if seats[0] in roles
            ]
        )

    seats = [role for role, number in wanted.items() for _ in range(number)]
    assert sum(fill_roles(wanted, people).values()) == len(seats) - best(seats, people)
