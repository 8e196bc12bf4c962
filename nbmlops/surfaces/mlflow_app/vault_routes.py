"""The way in for those who read the vault through MLflow's proxy of artifacts.

MLflow knows the vault by no experiment, so it would let in either everybody or nobody. Here the
rule of the vault decides, in front of MLflow; any spelling of a path that is not known here goes on
to MLflow, whose own permission it then needs besides.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import Scope

from nbmlops.errors import Refused
from nbmlops.governance import VAULT_NAME, sealed_parts
from nbmlops.surfaces.mlflow_app.error_answers import error_answer
from nbmlops.surfaces.mlflow_app.sealed_readers import SealedRule

__all__ = ["in_front", "vault_routes"]

_PROXIES = ("/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts")


def vault_routes(flask_app: Any, rule: SealedRule, vault: Path) -> list[BaseRoute]:
    """What is read below the vault's name: a file, a folder's list, an address to read it from."""

    def find(path: str) -> Path:
        parts = sealed_parts(vault, path)
        rule.require(parts[0] if parts else None)
        return vault.joinpath(*parts)

    async def file(request: Request) -> Response:
        path = request.path_params["path"]
        found = await anyio.to_thread.run_sync(find, path)
        if not await anyio.Path(found).is_file():
            return error_answer(
                "RESOURCE_DOES_NOT_EXIST", f"No file of the vault is {path[:200]!r}.", 404
            )
        return FileResponse(
            found, filename=found.name, headers={"X-Content-Type-Options": "nosniff"}
        )

    async def listed(request: Request) -> Response:
        def ask() -> list[dict[str, Any]]:
            folder = find(request.query_params["path"].partition("/")[2])
            return [_told_of(f) for f in sorted(folder.iterdir())] if folder.is_dir() else []

        # As MLflow tells it, which leaves out what is empty.
        files = await anyio.to_thread.run_sync(ask)
        return JSONResponse({"files": files} if files else {})

    async def presigned(request: Request) -> Response:
        def ask() -> Any:
            find(request.path_params["path"])
            with flask_app.test_request_context(request.url.path, method="GET"):
                # MLflow's answer without its permission, which the rule took the place of.
                return flask_app.make_response(flask_app.dispatch_request())

        if not request.path_params["path"]:
            return error_answer("INVALID_PARAMETER_VALUE", "Name a file of the vault.", 400)
        answer = await anyio.to_thread.run_sync(ask)
        return Response(
            answer.get_data(), status_code=answer.status_code, media_type="application/json"
        )

    routes: list[BaseRoute] = []
    for proxy in _PROXIES:
        routes += [
            _Reading(f"{proxy}/artifacts/{VAULT_NAME}/{{path:path}}", _answered(file)),
            _Reading(f"{proxy}/presigned/{VAULT_NAME}/{{path:path}}", _answered(presigned)),
            _Listing(f"{proxy}/artifacts", _answered(listed)),
        ]
    return routes


def in_front(app: Any, routes: list[BaseRoute]) -> Any:
    """An ASGI app that asks `routes` first, and `app` for all the rest."""
    return Router(routes, redirect_slashes=False, default=app, lifespan=app.router.lifespan_context)


class _Reading(Route):
    """A route that knows only its own verb: what would write goes on to MLflow, and its refusal."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return (match, child) if match is Match.FULL else (Match.NONE, {})


class _Listing(_Reading):
    """MLflow's listing, of a folder in the vault only."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        asked = Request(scope).query_params.getlist("path") if match is Match.FULL else []
        if len(asked) == 1 and asked[0].startswith(f"{VAULT_NAME}/"):
            return match, child
        return Match.NONE, {}


def _told_of(file: Path) -> dict[str, Any]:
    if file.is_dir():
        return {"path": file.name, "is_dir": True}
    return {"path": file.name, "is_dir": False, "file_size": file.stat().st_size}


def _answered(endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            found: Response = await endpoint(request)
        except Refused as error:
            return error_answer("PERMISSION_DENIED", str(error), 403)
        return found

    return answer
