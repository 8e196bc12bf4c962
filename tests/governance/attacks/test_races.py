"""Many at once, and one against another: what was decided is what stands."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from live_gate import PEOPLE, LiveGate
from mlflow import MlflowClient

from nbmlops.records import RefusalRecorded, Registered


def together(actions: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(action) for action in actions]]


def test_two_registrations_of_one_review_make_one_version(
    gate: LiveGate, client: MlflowClient
) -> None:
    """Whoever comes second finds what the first has done."""
    submission = gate.approved()
    path = f"/reviews/{submission.id}/registration"
    answers = together([lambda: gate.api(path, {"alias": "champion"})] * 4)
    assert {a.status_code for a in answers} == {200}
    assert {a.json()["version"] for a in answers} == {"1"}
    assert len(client.search_model_versions(f"name = '{submission.model_name}'")) == 1


def test_a_registration_and_a_withdrawal_come_one_after_the_other(
    gate: LiveGate, client: MlflowClient
) -> None:
    """Withdrawn first: nothing is registered. Withdrawn second: no alias is left."""
    for _ in range(4):
        submission = gate.approved()
        wish = {
            "request": {
                "request": "withdrawal",
                "subject": submission.id,
                "reason": "a mistake was found",
            }
        }
        path = f"/reviews/{submission.id}/registration"
        registered, withdrawn = together(
            [
                lambda p=path: gate.api(p, {"alias": "champion"}),  # type: ignore[misc] # the loop's
                lambda w=wish: gate.api("/decisions", w, auth=("grace", PEOPLE["grace"])),  # type: ignore[misc] # the loop's
            ]
        )
        assert withdrawn.status_code == 200, withdrawn.text
        order = [
            type(e.fact).__name__
            for e in gate.ledger.entries()
            if submission.id in str(e.fact) and type(e.fact).__name__ in ("Registered", "Withdrawn")
        ]
        if registered.status_code == 200:
            assert order == ["Registered", "Withdrawn"]
            model = client.get_registered_model(submission.model_name)
            assert not model.aliases
        else:
            assert order == ["Withdrawn"]
            found = client.search_registered_models(f"name = '{submission.model_name}'")
            assert found == []


def test_fifty_clients_at_once(gate: LiveGate) -> None:
    """Half of them honest; each is answered, each refusal is on the ledger, the chain is one."""
    honest = [gate.approved() for _ in range(10)]
    before = gate.ledger.verify().facts

    def register(submission: Any) -> int:
        path = f"/reviews/{submission.id}/registration"
        return int(gate.api(path, {"alias": "champion"}).status_code)

    def attack(number: int) -> int:
        body = {"name": f"evil_{number}"}
        return int(
            gate.request("POST", "/api/2.0/mlflow/registered-models/create", body).status_code
        )

    def read(_: int) -> int:
        return int(gate.api("/reviews").status_code)

    answers = together(
        [lambda s=s: register(s) for s in honest]  # type: ignore[misc] # the loop's
        + [lambda n=n: attack(n) for n in range(20)]  # type: ignore[misc] # the loop's
        + [lambda n=n: read(n) for n in range(20)]  # type: ignore[misc] # the loop's
    )
    assert answers == [200] * 10 + [403] * 20 + [200] * 20
    report = gate.ledger.verify()
    assert report.intact
    new = [e.fact for e in gate.ledger.entries(after=before)]
    assert sum(isinstance(f, Registered) for f in new) == 10
    assert {f.subject for f in new if isinstance(f, RefusalRecorded)} == {
        f"evil_{n}" for n in range(20)
    }
