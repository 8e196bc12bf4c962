"""Whom does JupyterHub know by this token, and does the token stand for that person?

A hub also gives tokens in a person's name to others: each service that they log in at gets one, and
so does the server of a colleague that they open. Such a token tells who they are and no more, and
whoever holds it must not sign in their name. So a token counts if it opens the person's own server:
with that one can run code as them in any case.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any

from nbmlops.errors import StoreUnreachable
from nbmlops.records import Identity

__all__ = ["ask_hub"]

_TOKEN = re.compile(r"[!-~]+")


def ask_hub(api: str, scheme: str, credentials: str) -> Identity | None:
    """The person whose token that is, with the hub's groups as roles.

    :raises StoreUnreachable: if the hub does not say.
    """
    name, token = _named(credentials) if scheme == "basic" else ("", credentials)
    if scheme not in ("bearer", "token", "basic") or not _TOKEN.fullmatch(token):
        return None
    user = _user_of(api, token)
    # A service's token names a service: it stands for no person who could sign.
    if user.get("kind") != "user" or not user.get("name") or name not in ("", user["name"]):
        return None
    if not _opens_own_server(user["name"], user.get("scopes", ())):
        return None
    return Identity(
        name=user["name"], asserted_by="server", roles=tuple(sorted(user.get("groups", ())))
    )


def _user_of(api: str, token: str) -> dict[str, Any]:
    import requests

    try:
        answer = requests.get(
            f"{api.rstrip('/')}/user",
            headers={"Authorization": f"token {token}"},
            timeout=10,
            allow_redirects=False,
        )
        if answer.status_code in (401, 403):
            return {}
        answer.raise_for_status()
        user: dict[str, Any] = answer.json()
    except requests.RequestException as error:
        raise StoreUnreachable(
            "JupyterHub does not say who asks: it cannot be reached, or not at --hub-api. Try "
            "again, or tell whoever runs this server."
        ) from error
    return user


def _named(credentials: str) -> tuple[str, str]:
    """What a browser asks for: the person's name, and the token in the place of a password."""
    try:
        name, _, token = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, token if name else ""


def _opens_own_server(name: str, scopes: Iterable[str]) -> bool:
    own = f"access:servers!server={name}/"
    return any(
        scope in ("access:servers", f"access:servers!user={name}")
        or (scope.startswith(own) and "/" not in scope.removeprefix(own))
        for scope in scopes
    )
