"""What `nbmlops server` tells its workers: handed on in one environment variable."""

from __future__ import annotations

import os
from typing import Literal

import msgspec

from nbmlops.errors import SettingsError
from nbmlops.records import Record, decode, encode

__all__ = ["OPTIONS", "Authentication", "ServerOptions", "read_options"]

OPTIONS = "NBMLOPS_SERVER"

Authentication = Literal["none", "basic", "jupyterhub", "proxy"]


class ServerOptions(Record, frozen=True, kw_only=True):
    """How the server is to be run. Secrets are not among it: they stay variables of their own.

    `artifacts` is where runs keep their artifacts, `artifact_roots` what else an experiment may
    name. `hub_api` is JupyterHub's API. `proxies` are the addresses or networks from which the
    header `user_header` is believed, if the request also bears the proxy's secret.
    """

    authentication: Authentication = "none"
    artifacts: str
    artifact_roots: tuple[str, ...] = ()
    hub_api: str = ""
    proxies: tuple[str, ...] = ()
    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"

    def to_environment(self) -> dict[str, str]:
        """The variable that :func:`read_options` reads."""
        return {OPTIONS: encode(self).decode()}


def read_options() -> ServerOptions:
    """The options of this process.

    :raises SettingsError: if it was not started by ``nbmlops server``.
    """
    try:
        return decode(os.environ[OPTIONS], ServerOptions)
    except (KeyError, msgspec.MsgspecError) as error:
        raise SettingsError(
            "This server was not started as it must be, so nothing would guard the registry. "
            "Start it with: nbmlops server."
        ) from error
