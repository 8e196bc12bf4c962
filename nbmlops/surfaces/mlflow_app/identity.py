"""Who asks? Every request is answered by name, or not at all.

This stands before MLflow and before our own routes, so no route can be without it. What a client
says about itself never counts: the name comes from MLflow's users, from JupyterHub, or from a proxy
that is trusted by address and secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

import anyio.to_thread

from nbmlops.records import Identity
from nbmlops.settings import load_settings
from nbmlops.surfaces.mlflow_app.jupyterhub_users import ask_hub
from nbmlops.surfaces.mlflow_app.options import ServerOptions

__all__ = ["PROXY_SECRET", "Authenticator", "make_authenticator"]

PROXY_SECRET = "NBMLOPS_PROXY_SECRET"  # noqa: S105 - the name of a variable
CLAIMED_NAME = "x-nbmlops-user"
_REMEMBERED = 60.0  # seconds: a password's hash is made slow on purpose, and a hub is far away

Headers = Mapping[str, list[str]]
"""Lower-case name -> its values: one that comes twice is seen as such."""


Authenticator = Callable[[Headers, str], Awaitable[Identity | None]]
"""Names whoever sent a request with these headers from this address, or nobody.

It is asked on the event loop: what takes long must wait elsewhere.
"""


def make_authenticator(options: ServerOptions) -> Authenticator:
    """The authenticator that the options ask for."""
    match options.authentication:
        case "basic":
            return _Remembering(_ask_mlflow_users)
        case "jupyterhub":
            return _Remembering(lambda scheme, text: ask_hub(options.hub_api, scheme, text))
        case "proxy":
            return _TrustedProxy(options, os.environ.get(PROXY_SECRET, ""))
        case "none":
            return _Believing(load_settings().user)


class _Believing:
    """Alone on this machine: a name is a claim, and is recorded as one."""

    def __init__(self, user: str) -> None:
        self._user = user

    async def __call__(self, headers: Headers, _: str) -> Identity | None:
        names = headers.get(CLAIMED_NAME, [])
        return Identity(name=names[0] if len(names) == 1 and names[0] else self._user)


class _Remembering:
    """Asks once about a pair of credentials, and again when a minute has passed."""

    def __init__(self, ask: Callable[[str, str], Identity | None]) -> None:
        self._ask = ask
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[float, Identity]] = {}

    async def __call__(self, headers: Headers, _: str) -> Identity | None:
        given = headers.get("authorization", [])
        if len(given) != 1:
            return None
        scheme, _, credentials = given[0].partition(" ")
        # Kept under a key of this process: neither password nor token stays in memory as text.
        mark = hmac.digest(self._key, given[0].encode(), hashlib.sha256)
        when, identity = self._known.get(mark, (0.0, None))
        if identity is not None and time.monotonic() - when < _REMEMBERED:
            return identity
        self._known.pop(mark, None)
        found = await anyio.to_thread.run_sync(self._ask, scheme.lower(), credentials.strip())
        if found is not None:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[mark] = (time.monotonic(), found)
        return found


def _ask_mlflow_users(scheme: str, credentials: str) -> Identity | None:
    from mlflow.server import auth

    if scheme != "basic":
        return None
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, _, password = text.partition(":")
    if not name or not auth.store.authenticate_user(name, password):
        return None
    user = auth.store.get_user(name)
    roles = tuple(
        sorted(
            role.name
            for role in auth.store.list_user_roles(user.id)
            if not role.name.startswith("__user_")  # MLflow's own, one for each user
        )
    )
    return Identity(name=name, asserted_by="server", roles=roles)


class _TrustedProxy:
    """Believes a header, but only from listed addresses and with the shared secret."""

    def __init__(self, options: ServerOptions, secret: str) -> None:
        self._networks = [ipaddress.ip_network(text) for text in options.proxies]
        self._secret = secret
        self._user = options.user_header.lower()
        self._groups = options.groups_header.lower()

    async def __call__(self, headers: Headers, address: str) -> Identity | None:
        given = headers.get("x-nbmlops-proxy-secret", [])
        names = headers.get(self._user, [])
        if len(given) != 1 or len(names) != 1 or not names[0].strip() or not self._secret:
            return None
        if not hmac.compare_digest(given[0].encode(), self._secret.encode()):
            return None
        try:
            sender = ipaddress.ip_address(address)
        except ValueError:
            return None
        if not any(sender in network for network in self._networks):
            return None
        groups = ",".join(headers.get(self._groups, []))
        roles = tuple(sorted({g.strip() for g in groups.split(",") if g.strip()}))
        return Identity(name=names[0].strip(), asserted_by="server", roles=roles)
