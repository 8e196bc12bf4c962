"""What all routes share: authentication, authorization, the records' codec and the errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from nbmlops.errors import NbmlopsError, Refused
from nbmlops.records import Identity, decode, encode
from nbmlops.surfaces.contract import Failure
from nbmlops.surfaces.jupyter_server.identity import identify

if TYPE_CHECKING:
    from nbmlops.surfaces.jupyter_server.extension import NbmlopsExtension

__all__ = ["NbmlopsHandler", "endpoint"]

T = TypeVar("T")


class NbmlopsHandler(APIHandler):
    """A route of ours. Every failure leaves as a :class:`~nbmlops.surfaces.contract.Failure`."""

    auth_resource = "nbmlops"

    @property
    def nbmlops(self) -> NbmlopsExtension:
        """The extension, with the workspace behind it."""
        return cast("NbmlopsExtension", self.settings["nbmlops"])

    @property
    def actor(self) -> Identity:
        """Who asks."""
        alone = self.nbmlops.workspace.settings.user
        return identify(self.identity_provider, self.current_user, alone)

    def read_query(self, kind: type[T]) -> T:
        """Read the query string as the record `kind`.

        :raises msgspec.ValidationError: if it does not have that shape.
        """
        # JupyterLab appends the present instant, against caches; a client may append its token.
        query = {
            name: self.get_query_argument(name)
            for name in self.request.query_arguments
            if name != "token" and not name.isdigit()
        }
        return msgspec.convert(query, kind, strict=False)

    def read_body(self, kind: type[T]) -> T:
        """Read the body as the record `kind`.

        :raises msgspec.DecodeError: if it is not JSON, or does not have that shape.
        """
        return decode(self.request.body, kind)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say in a sentence why a request failed before or beside our own code."""
        error = kwargs.get("exc_info", (None, None))[1]
        said = getattr(error, "log_message", None) or getattr(error, "reason", None)
        if status_code >= 500:
            said = "The server failed; its log says why."
        self._fail(status_code, Failure(message=said or self._reason))

    def _fail(self, status: int, failure: Failure) -> None:
        self.set_status(status)
        self._send(failure)

    def _send(self, record: object) -> None:
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(encode(record))


def endpoint(
    method: Callable[..., Awaitable[object]],
) -> Callable[..., Awaitable[None]]:
    """Turn a method that returns a record into a route: authenticated, authorized, encoded.

    The class of an :class:`NbmlopsError` decides the status; input of the wrong shape is a 400.
    """

    @web.authenticated
    @authorized
    @wraps(method)
    async def answer(self: NbmlopsHandler, *args: str) -> None:
        try:
            record = await method(self, *args)
        except NbmlopsError as error:
            missing = error.missing if isinstance(error, Refused) else ()
            self._fail(error.status, Failure(message=str(error), missing=missing))
        except msgspec.DecodeError as error:
            self._fail(400, Failure(message=f"The request is not understood: {error}."))
        else:
            self._send(record)

    return cast("Callable[..., Awaitable[None]]", answer)
