"""The outermost layer of the server: nobody passes without a name."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from starlette.responses import JSONResponse

from nbmlops.errors import StoreUnreachable
from nbmlops.governance import acting
from nbmlops.governance.gate.mlflow_team_server import MARK
from nbmlops.surfaces.mlflow_app.error_answers import error_answer
from nbmlops.surfaces.mlflow_app.identity import Authenticator
from nbmlops.surfaces.mlflow_app.options import Authentication

__all__ = ["AuthenticationMiddleware"]

_OPEN_TO_ALL = "/health"  # exactly this: monitors ask it, and it tells nothing

_ADVICE: dict[Authentication, str] = {
    "basic": "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to yours.",
    "jupyterhub": "Set MLFLOW_TRACKING_TOKEN to your own token of JupyterHub, which opens your own "
    "server there: JUPYTERHUB_API_TOKEN of your notebooks, or one made on the hub's page.",
    "proxy": "Come in by the address of its proxy, and log in there.",
}


class AuthenticationMiddleware:
    """An ASGI layer that authenticates, and hands the request on in the name of its sender."""

    def __init__(
        self, app: Any, authenticator: Authenticator, version: str, vouching: Authentication
    ) -> None:
        self._app = app
        self._authenticator = authenticator
        self._unknown = _unknown(vouching)
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
            headers[name.decode("latin-1").lower()].append(_text(value))
        address = (scope.get("client") or ("",))[0]
        try:
            identity = await self._authenticator(headers, address)
        except StoreUnreachable as error:
            await error_answer("TEMPORARILY_UNAVAILABLE", str(error), error.status)(
                scope, receive, send_marked
            )
            return
        if identity is None:
            await self._unknown(scope, receive, send_marked)
            return
        with acting(identity):
            await self._app(scope, receive, send_marked)


def _text(value: bytes) -> str:
    """A header's value: proxies write names as UTF-8, the old rule was Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _unknown(vouching: Authentication) -> JSONResponse:
    advice = _ADVICE.get(vouching, "")
    answer = error_answer(
        "UNAUTHENTICATED", f"This server answers nobody whom it does not know. {advice}", 401
    )
    if vouching != "proxy":  # it has a browser ask for a name and a password
        answer.headers["WWW-Authenticate"] = 'Basic realm="mlflow"'
    return answer
