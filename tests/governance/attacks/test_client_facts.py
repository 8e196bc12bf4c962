"""What a client may put on the server's ledger and into its vault by itself, turned against others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from live_gate import PEOPLE, LiveGate
from live_postgresql import PASSWORDS

from nbmlops.governance import History
from nbmlops.records import (
    Bundle,
    Executed,
    Execution,
    Promoted,
    RefusalRecorded,
    Schedule,
    Scheduled,
    digest,
    now,
    to_plain,
)
from nbmlops.testing import EPOCH, make_promotion

ADA, EVE = (("ada", PEOPLE["ada"]), ("eve", PEOPLE["eve"]))


def tell(gate: LiveGate, fact: Any, auth: tuple[str, str] = EVE) -> Any:
    return gate.api("/facts", {"facts": [to_plain(fact)]}, auth=auth)


def test_nobody_puts_anothers_promotion_aside(gate: LiveGate) -> None:
    """By telling of one with its id: what was approved is registered and loaded all the same."""
    submission = gate.approved()
    genuine = gate.promotion_of(submission)
    evil = msgspec.structs.replace(genuine, bundle=Bundle(digest=digest(()), files=()))
    assert tell(gate, Promoted(promotion=evil)).status_code == 200
    assert gate.register(submission)["version"] == "1"
    path = f"/models/{submission.model_name}/versions/1/bundle"
    assert gate.api(path).json()["digest"] == genuine.bundle.digest


def test_nobody_moves_anothers_schedule(gate: LiveGate) -> None:
    """Neither to another notebook nor to other parameters."""
    submission = gate.submit()
    schedule = Schedule(
        id=f"schedule-{submission.id}",
        promotion_id=submission.promotion_id,
        model_name=submission.model_name,
        cron="0 6 * * *",
        timezone="UTC",
        parameters={},
        author="ada",
        at=EPOCH,
    )
    assert tell(gate, Scheduled(schedule=schedule), ADA).status_code == 200
    moved = msgspec.structs.replace(schedule, cron="* * * * *", promotion_id="evil")
    assert tell(gate, Scheduled(schedule=moved)).status_code == 200
    found = History(gate.ledger.entries()).schedules[schedule.id]
    assert (found.cron, found.promotion_id, found.author) == (
        "0 6 * * *",
        submission.promotion_id,
        "ada",
    )


@pytest.mark.parametrize("path", ["/facts", "/decisions", "/reviews"])
def test_no_nesting_is_the_servers_own_failure(gate: LiveGate, path: str) -> None:
    """Brackets in brackets, until whoever reads them gives up; nor is a number without end."""
    deep = b'{"facts":[{"fact":"promoted","promotion":' + b'{"a":' * 5_000
    answer = gate.api(path, verb="POST", data=deep, auth=EVE)
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")
    answer = gate.api(f"/bundles/{'0' * 64}?size={'9' * 400}", auth=EVE)
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")
    assert gate.api(f"/bundles/{'0' * 64}?size=9", auth=EVE).json() == {"sealed": False}


@pytest.mark.parametrize(
    ("cron", "timezone"),
    [("at dawn", "UTC"), ("0 6 * * *", "../etc/passwd"), ("0 0 30 2 *", "UTC")],
)
def test_no_schedule_halts_everybodys_scheduler(gate: LiveGate, cron: str, timezone: str) -> None:
    """One that cannot be followed is not taken; one begins when the server hears of it."""
    schedule = Schedule(
        id=f"schedule-{next(gate.names)}-x",
        promotion_id="promotion-0",
        model_name="late",
        cron=cron,
        timezone=timezone,
        author="eve",
        at=datetime.min.replace(tzinfo=UTC),
    )
    answer = tell(gate, Scheduled(schedule=schedule))
    assert (answer.status_code, answer.json()["error"]) == (403, "Refused")
    honest = msgspec.structs.replace(schedule, cron="* * * * *", timezone="UTC")
    assert tell(gate, Scheduled(schedule=honest)).status_code == 200
    begun = History(gate.ledger.entries()).schedules[schedule.id].at
    assert abs(now() - begun) < timedelta(minutes=5)


@pytest.mark.parametrize("id_", ["[/]", "--help", "", "../x", "a b", "x" * 81, "ö", "a\n"])
def test_no_id_is_anything_else(gate: LiveGate, id_: str) -> None:
    """Markup, an option or a path: others name it, and their terminals show it."""
    execution = Execution(
        id=id_, promotion_id="p", content_digest="c", schedule_id=None, due=None, parameters={},
        actor="eve", started=EPOCH, duration=1.0, outcome="failed",
    )  # fmt: skip
    facts = (
        Promoted(promotion=make_promotion(id=id_)),
        Executed(execution=execution),
        Scheduled(
            schedule=Schedule(
                id=id_, promotion_id="p", model_name="late", cron="* * * * *", timezone="UTC",
                author="eve", at=EPOCH,
            )
        ),
    )  # fmt: skip
    for fact in facts:
        answer = tell(gate, fact)
        assert (answer.status_code, "is no id" in answer.text) == (403, True), answer.text
    honest = msgspec.structs.replace(execution, id="execution-of_Eve-1")
    assert tell(gate, Executed(execution=honest)).status_code == 200


@pytest.mark.parametrize("name", ["a/b", "..", "a:b", "a@b", "", "x\ny", "<script>"])
def test_no_promotion_has_a_name_that_no_model_can_have(gate: LiveGate, name: str) -> None:
    """It would be found out only when it is registered; an honest one is taken."""
    answer = tell(gate, Promoted(promotion=make_promotion(model_name=name)))
    assert answer.status_code == 422, answer.text
    assert "cannot name a model" in answer.json()["message"]
    honest = make_promotion(id=f"promotion-of-{len(name)}", model_name="größe 2.1-a")
    assert tell(gate, Promoted(promotion=honest)).status_code == 200


def test_text_that_a_database_cannot_hold_is_told_in_a_sentence(gate: LiveGate) -> None:
    """A NUL, which PostgreSQL has no place for; what only looks like one is kept."""
    fact = RefusalRecorded(verb="v", subject="a\0b", by="eve", why=())
    assert "the character NUL" in tell(gate, fact).json()["message"]
    assert tell(gate, msgspec.structs.replace(fact, subject="a\\u0000b")).status_code == 200
    assert gate.ledger.verify().intact


@pytest.mark.parametrize("name", ["nobody_knows", "..%2f..", "a%00b", "%ff"])
def test_a_version_that_is_not_there_is_told_in_a_sentence(gate: LiveGate, name: str) -> None:
    """However it is spelt."""
    answer = gate.api(f"/models/{name}/versions/1/bundle")
    assert answer.json()["error"] in ("NotFound", "StoreUnreachable"), answer.text
    assert "\n" not in answer.json()["message"]
    assert PASSWORDS["app"] not in answer.text


def test_files_that_cannot_lie_together_are_refused(gate: LiveGate) -> None:
    """A file where a folder stands, a folder where a file does, a name too long."""
    folder = f"/nbmlops/api/bundles/{'5' * 64}/files"
    put = ["a", "b/c"]
    for path, status in (*((p, 200) for p in put), ("a/b", 403), ("b", 403), ("x" * 300, 403)):
        answer = gate.request("PUT", f"{folder}/{path}", auth=ADA, data=b"x")
        assert answer.status_code == status, (path, answer.text)


def test_no_time_without_its_zone_comes_in(gate: LiveGate) -> None:
    """On the ledger it would break whoever compares it with another; with its zone it is taken."""
    name = f"timed_{next(gate.names)}"
    fact = to_plain(Promoted(promotion=make_promotion(id=name, model_name=name)))
    local = fact | {"promotion": fact["promotion"] | {"at": "2026-01-01T00:00:00"}}
    answer = gate.api("/facts", {"facts": [local]}, auth=EVE)
    assert (answer.status_code, "no time zone" in answer.json()["message"]) == (400, True)
    assert gate.api("/facts", {"facts": [fact]}, auth=EVE).status_code == 200
    path = f"/reviews/{gate.submit().id}/sign-offs"
    for zone, status in (("", 400), ("Z", 200)):
        body = {"verdict": "approved", "expires": f"2999-01-01T00:00:00{zone}"}
        answer = gate.api(path, body, auth=("grace", PEOPLE["grace"]))
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("name", "kept"), [("x\0y", "x\N{REPLACEMENT CHARACTER}y"), ("x" * 300_000, "x" * 4_000 + "…")]
)
def test_a_refusal_of_any_name_is_on_the_ledger(gate: LiveGate, name: str, kept: str) -> None:
    """And takes little of it; an ordinary one stands there whole."""
    create = "/api/2.0/mlflow/registered-models/create"
    for asked, told in ((name, kept), ("ordinary", "ordinary")):
        answer = gate.request("POST", create, {"name": asked})
        assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
        last = gate.refusals()[-1]
        assert (last.subject, len(last.why[0]) <= 4_001) == (told, True)


def test_nothing_stands_behind_the_last_fact_of_all(gate: LiveGate) -> None:
    """Which is no damage of the ledger, however far behind it is asked for."""
    assert gate.api(f"/links?after={'9' * 30}").json() == []
    assert gate.api("/links?after=0").json() != []
