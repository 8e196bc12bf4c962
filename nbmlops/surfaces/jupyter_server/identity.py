"""Who is at the browser, and whether the server can vouch for the name."""

from __future__ import annotations

import re

from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.identity import LegacyIdentityProvider, PasswordIdentityProvider

from nbmlops.records import Identity

__all__ = ["identify"]

# These know one secret, shared by whoever holds it; the names that they give are made up.
_NAMELESS = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)


def identify(provider: IdentityProvider, user: User, alone: str) -> Identity:
    """The server's name for `user` where it authenticates people, else `alone`, self-asserted.

    `alone` is the user that the settings name.
    """
    if type(provider) in _NAMELESS or _made_up(user):
        return Identity(name=alone, asserted_by="self")
    return Identity(name=user.username, asserted_by="server")


def _made_up(user: User) -> bool:
    """Whether Jupyter Server invented the name, as it does for whoever shows just a token."""
    return user.username == "anonymous" or bool(
        re.fullmatch(r"[0-9a-f]{32}", user.username) and user.display_name.startswith("Anonymous ")
    )
