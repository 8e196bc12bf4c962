"""Doors of MLflow that the server does not have: they would act past the gate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

__all__ = ["CLOSED_ROUTERS", "close_routers", "close_views", "closed_views"]

CLOSED_ROUTERS = {
    "assistant_router": "runs a shell on the server for clients of the same machine",
    "job_api_router": "runs code on the server",
    "gateway_router": "lets the server call another address",
}
"""FastAPI's router in MLflow's app -> why it is closed."""

# What lets the server call another address, and what is kept for that: keys of others' services.
_PROXY = "serve_gateway_proxy"
_SETTINGS = re.compile(
    r"_(add|attach|create|delete|detach|remove|set|update)_.*(gateway|guardrail|budget_policy)"
)
_ENDPOINTS = "api/2.0/endpoints/"


def close_routers() -> None:
    """Empty the routers before the app takes them in.

    What is not there cannot be reached by another spelling of its path.
    """
    from mlflow.server import fastapi_app

    for name in CLOSED_ROUTERS:
        getattr(fastapi_app, name).routes.clear()


def closed_views(names: Iterable[str]) -> set[str]:
    """Those of Flask's views that the server does not have: MLflow's gateway and its settings."""
    return {name for name in names if name == _PROXY or _SETTINGS.match(name)}


def close_views(flask_app: Any) -> None:
    """Put a plain answer in the place of Flask's views."""
    for name in closed_views(flask_app.view_functions):
        flask_app.view_functions[name] = _closed


def _closed(**_: Any) -> Any:
    from flask import request

    if request.method == "GET" and request.args.get("gateway_path") == _ENDPOINTS:
        # MLflow's page asks this on every visit, and would show a refusal as an error each time.
        # The answer is MLflow's own where there is no gateway.
        return {"endpoints": []}
    return "nbmlops server does not have this door, because it acts past the gate.", 404
