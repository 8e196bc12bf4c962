"""What MLflow's server has beside runs and models: closed or not there, and what of it is read."""

from __future__ import annotations

import pytest
from live_gate import LiveGate

PREFIXES = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")


def test_webhooks_are_closed(gate: LiveGate) -> None:
    """They would let the server call any address; listing them stays open."""
    body = {
        "name": "w",
        "url": "https://example.org/hook",
        "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}],
    }
    for prefix in PREFIXES:
        answer = gate.request("POST", f"{prefix}/webhooks", body)
        assert answer.status_code == 403, answer.text
        assert "webhooks" in answer.json()["message"]
        assert gate.request("GET", f"{prefix}/webhooks").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/ajax-api/3.0/mlflow/assistant/config",
        "/ajax-api/3.0/mlflow/assistant/message",
        "/api/3.0/jobs/",
        "/ajax-api/3.0/jobs/search",
        "/ajax-api/2.0/mlflow/gateway-proxy?gateway_path=x",
        "/gateway/x/mlflow/invocations",
    ],
)
def test_what_acts_past_the_gate_is_not_there(gate: LiveGate, path: str) -> None:
    """The assistant's shell, jobs, and calls of other addresses."""
    for verb, body in (("GET", None), ("POST", {})):
        assert gate.request(verb, path, body).status_code in (404, 405)


@pytest.mark.parametrize("prefix", ["/api/3.0/mlflow", "/ajax-api/3.0/mlflow"])
def test_nobody_keeps_keys_for_a_gateway_that_is_not_there(gate: LiveGate, prefix: str) -> None:
    """Nor endpoints, models or budgets; the control reads that there are none."""
    kept = {"secret_name": "key", "secret_value": {"api_key": "sk-1"}, "provider": "openai"}
    assert gate.request("POST", f"{prefix}/gateway/secrets/create", kept).status_code == 404
    assert (
        gate.request("POST", f"{prefix}/gateway/endpoints/create", {"name": "e"}).status_code == 404
    )
    assert gate.request("GET", f"{prefix}/gateway/secrets/list").json() in ({}, {"secrets": []})


def test_the_page_is_there(gate: LiveGate) -> None:
    """MLflow's own web page, for whom the server knows."""
    assert "<title>" in gate.request("GET", "/").text
    assert gate.request("GET", "/", auth=None).status_code == 401


def test_the_page_is_told_that_there_is_no_gateway(gate: LiveGate) -> None:
    """It asks at each visit; whatever else it asks of a gateway is not there."""
    path = "/ajax-api/2.0/mlflow/gateway-proxy?gateway_path="
    answer = gate.request("GET", f"{path}api/2.0/endpoints/")
    assert (answer.status_code, answer.json()) == (200, {"endpoints": []})
    assert gate.request("GET", f"{path}api/2.0/endpoints/x").status_code == 404
