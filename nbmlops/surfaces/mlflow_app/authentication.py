"""The outermost layer of the server: nobody passes without a name."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from starlette.responses import JSONResponse

from nbmlops.governance import acting
from nbmlops.governance.gate.mlflow_team_server import MARK
from nbmlops.surfaces.mlflow_app.identity import Authenticator

__all__ = ["AuthenticationMiddleware"]

_OPEN_TO_ALL = "/health"  # exactly this: monitors ask it, and it tells nothing


class AuthenticationMiddleware:
    """An ASGI layer that authenticates, and hands the request on in the name of its sender."""

    def __init__(self, app: Any, authenticator: Authenticator, version: str) -> None:
        self._app = app
        self._authenticator = authenticator
        self._mark = (MARK.encode(), version.encode())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), self._mark]
            await send(message)

        if scope["path"] == _OPEN_TO_ALL and scope["method"] == "GET":
            await self._app(scope, receive, send_marked)
            return
        headers: dict[str, list[str]] = defaultdict(list)
        for name, value in scope["headers"]:
            headers[name.decode("latin-1").lower()].append(value.decode("latin-1"))
        address = (scope.get("client") or ("",))[0]
        identity = await self._authenticator(headers, address)
        if identity is None:
            await _unknown(scope, receive, send_marked)
            return
        with acting(identity):
            await self._app(scope, receive, send_marked)


_unknown = JSONResponse(
    {
        "error_code": "UNAUTHENTICATED",
        "message": "This server answers nobody whom it does not know. Set MLFLOW_TRACKING_USERNAME "
        "and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
    },
    status_code=401,
    headers={"WWW-Authenticate": 'Basic realm="mlflow"'},
)
