"""Prompts share the models' tables: none becomes a model, and none takes a model's name."""

from __future__ import annotations

import pytest
from live_gate import PEOPLE, LiveGate
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

API = "/api/2.0/mlflow"


def test_prompts_are_prompts_only(gate: LiveGate, client: MlflowClient) -> None:
    """They share the models' tables: no tag makes a model of them, nor a prompt of a model."""
    model = gate.approved()
    gate.register(model)
    prompt = f"greeting_{model.model_name}"
    client.register_prompt(prompt, "Hello {{name}}")
    client.set_prompt_alias(prompt, "production", 1)
    assert client.get_prompt_version(prompt, 1).template == "Hello {{name}}"
    with pytest.raises(MlflowException, match="same name as an existing model"):
        client.register_prompt(model.model_name, "x")
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    for name, source in (
        (model.model_name, "prompt-template"),
        (model.model_name, "dummy-source"),
        (prompt, "s3://bucket/model"),
        (prompt, gate.source(model)),
    ):
        body = {"name": name, "source": source, "tags": tags}
        answer = gate.request("POST", f"{API}/model-versions/create", body)
        assert answer.status_code in (400, 403), answer.text
        del body["tags"]
        answer = gate.request("POST", f"{API}/model-versions/create", body)
        assert answer.status_code in (400, 403), answer.text
    client.delete_prompt_alias(prompt, "production")
    client.delete_prompt_version(prompt, "1")
    client.delete_prompt(prompt)


def test_nobody_holds_a_models_name_by_a_prompt(gate: LiveGate, client: MlflowClient) -> None:
    """Its maker would manage what is registered there, and move its aliases past the policy.

    The refusal leaves nothing half-registered; with the prompt gone, the model goes in.
    """
    name = f"held_{next(gate.names)}"
    eve = ("eve", PEOPLE["eve"])
    tag = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    create = f"{API}/registered-models/create"
    assert gate.request("POST", create, {"name": name, "tags": [tag]}, eve).status_code == 200
    for verb, path, body in (
        (
            "POST",
            "registered-models/create",
            {"name": f"{name}x", "tags": [{**tag, "value": "no"}]},
        ),
        ("POST", "registered-models/set-tag", {"name": name, **tag, "value": "false"}),
        ("DELETE", "registered-models/delete-tag", {"name": name, "key": tag["key"]}),
    ):
        answer = gate.request(verb, f"{API}/{path}", body, eve)
        assert answer.status_code == 403, (path, answer.text)
        assert "only a prompt has" in answer.json()["message"]
    submission = gate.approved(name)
    refusal = gate.api(f"/reviews/{submission.id}/registration", {"alias": "champion"})
    assert (refusal.status_code, refusal.json()["error"]) == (403, "Refused")
    assert "a prompt has that name" in refusal.json()["message"]
    assert list(client.search_model_versions(f"name = '{name}'")) == []
    delete = f"{API}/registered-models/delete"
    assert gate.request("DELETE", delete, {"name": name}, eve).status_code == 200
    assert gate.register(submission)["version"] == "1"
