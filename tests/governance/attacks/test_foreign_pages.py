"""A page elsewhere that has its reader's browser write at the server, with the password it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from live_gate import PEOPLE, LiveGate

GRACE = ("grace", PEOPLE["grace"])
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    # Any notebook that one looks at is a page of this machine.
    {"Origin": "http://localhost:8888"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "https://evil.example", "Host": "127.0.0.1"},
    {"Origin": "http://evil.example", "Host": "evil.example"},
)


@pytest.fixture(scope="module")
def named_gate(start_gate: Callable[..., LiveGate]) -> LiveGate:
    """A server that is reached by a name of its own, and asked by one page elsewhere."""
    return start_gate(
        "--allowed-hosts",
        "mlflow.example.org",
        environment={"MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": "https://portal.example.org"},
    )


def write(gate: LiveGate, path: str, body: Any, headers: dict[str, str]) -> int:
    """What a browser sends, with the password that it remembers.

    To our routes as text, for that it sends without asking first; MLflow's want JSON.
    """
    kind = "text/plain" if path.startswith("/nbmlops/") else "application/json"
    headers = {"Content-Type": kind, **headers}
    return gate.request("POST", path, body, GRACE, headers=headers).status_code


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda h: "-".join(h.values()) or "empty")
def test_no_foreign_page_signs_off_in_its_readers_name(
    gate: LiveGate, headers: dict[str, str]
) -> None:
    """Neither at our routes, nor at MLflow's by a path that it does not take for one of its own."""
    submission = gate.submit()
    path = f"/nbmlops/api/reviews/{submission.id}/sign-offs"
    assert write(gate, path, {"verdict": "approved"}, headers) == 403
    assert gate.api(f"/reviews/{submission.id}").json()["sign_offs"] == []
    experiment = {"name": f"foreign {submission.id}"}
    for prefix in ("/api", "//api", "/%61pi", "/ajax-api"):
        answer = write(gate, f"{prefix}/2.0/mlflow/experiments/create", experiment, headers)
        assert answer in (403, 404), prefix
    own = {"Origin": gate.address}
    assert write(gate, "/api/2.0/mlflow/experiments/create", experiment, own) == 200
    assert write(gate, path, {"verdict": "approved"}, own) == 200


def test_the_servers_own_page_writes_by_any_of_its_names(named_gate: LiveGate) -> None:
    """And a page that was allowed by name; one that only sounds like it does not."""
    for origin, status in (
        ("https://mlflow.example.org", 200),
        ("https://portal.example.org", 200),
        ("https://portal.example.org.evil.example", 403),
        ("https://mlflow.example.org.evil.example", 403),
    ):
        headers = {"Origin": origin, "Host": "mlflow.example.org"}
        for path, body in (
            ("/ajax-api/2.0/mlflow/experiments/create", {"name": f"by {origin}"}),
            ("/nbmlops/api/facts", {"facts": []}),
        ):
            assert write(named_gate, path, body, headers) == status, (origin, path)
