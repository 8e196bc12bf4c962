"""Doors of MLflow that the server does not have: they would act past the gate."""

from __future__ import annotations

from typing import Any

__all__ = ["CLOSED_ROUTERS", "CLOSED_VIEWS", "close_routers", "close_views"]

CLOSED_ROUTERS = {
    "assistant_router": "runs a shell on the server for clients of the same machine",
    "job_api_router": "runs code on the server",
    "gateway_router": "lets the server call another address",
}
"""FastAPI's router in MLflow's app -> why it is closed."""

CLOSED_VIEWS = {"serve_gateway_proxy": "lets the server call another address"}
"""Flask's view -> why it is closed."""

_ENDPOINTS = "api/2.0/endpoints/"


def close_routers() -> None:
    """Empty the routers before the app takes them in.

    What is not there cannot be reached by another spelling of its path.
    """
    from mlflow.server import fastapi_app

    for name in CLOSED_ROUTERS:
        getattr(fastapi_app, name).routes.clear()


def close_views(flask_app: Any) -> None:
    """Put a plain answer in the place of Flask's views."""
    for name in CLOSED_VIEWS:
        flask_app.view_functions[name] = _closed


def _closed(**_: Any) -> Any:
    from flask import request

    if request.method == "GET" and request.args.get("gateway_path") == _ENDPOINTS:
        # MLflow's page asks this on every visit, and would show a refusal as an error each time.
        # The answer is MLflow's own where there is no gateway.
        return {"endpoints": []}
    return "nbmlops server does not have this door, because it acts past the gate.", 404
