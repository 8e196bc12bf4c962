"""MLflow's own users and permissions, told by us who it is that asks."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from werkzeug.datastructures import Authorization

from nbmlops.errors import Refused, SettingsError, StoreUnreachable
from nbmlops.governance import current_actor
from nbmlops.settings import Settings, without_password

ADMIN_PASSWORD = "MLFLOW_AUTH_ADMIN_PASSWORD"  # noqa: S105 - the variable's name, not a password
ADMIN_NAME = "MLFLOW_AUTH_ADMIN_USERNAME"
_SHORTEST_PASSWORD = 12
"""As MLflow demands it."""
_WHO_ADMINISTERS = "SELECT username FROM users WHERE is_admin ORDER BY id"

__all__ = ["add", "asking", "authorize", "compose", "configure", "is_admin", "let_manage"]


def configure(settings: Settings, default_permission: str, *, passwords: bool) -> None:
    """Write the file that MLflow's auth app reads, and name it; it holds no secret.

    :raises SettingsError: if there is no administrator yet, and nothing to make one of: a password
        where people log in with `passwords`, else the name by which the hub or proxy knows them.
    """
    os.environ.setdefault("MLFLOW_FLASK_SERVER_SECRET_KEY", secrets.token_hex(32))
    path = settings.home / "auth.ini"
    settings.home.mkdir(parents=True, exist_ok=True)
    users = settings.home / "users.db"
    administrator = _administrator(users, passwords)
    path.write_text(
        "[mlflow]\n"
        f"default_permission = {default_permission}\n"
        f"database_uri = sqlite:///{_as_it_is(users)}\n"
        f"admin_username = {_as_it_is(administrator)}\n"
        f"authorization_function = {authorize.__module__}:{authorize.__name__}\n",
        encoding="utf-8",
    )
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(path)


def _as_it_is(value: object) -> str:
    """A value for a file in which % begins the name of another."""
    return str(value).replace("%", "%%")


def _administrator(users: Path, passwords: bool) -> str:
    """Who administers: whom the variable names, else who does already."""
    known = _administrators(users)
    named = os.environ.get(ADMIN_NAME, "")
    if known and named in ("", *known):
        return named or known[0]
    if not passwords:
        if not named:
            raise SettingsError(
                f"The server has no administrator yet. Start it once with {ADMIN_NAME} set to the "
                "name by which the hub or the proxy knows that person."
            )
        # MLflow wants a password for each, though nobody logs in with one here.
        os.environ[ADMIN_PASSWORD] = secrets.token_urlsafe(24)
    elif len(os.environ.get(ADMIN_PASSWORD, "")) < _SHORTEST_PASSWORD:
        raise SettingsError(
            f"The server has no administrator {f'{named!r} ' if known else ''}yet. Start it once "
            f"with {ADMIN_PASSWORD} set to a password of {_SHORTEST_PASSWORD} characters or more."
        )
    return named or "admin"


def _administrators(users: Path) -> list[str]:
    if not users.exists():
        return []
    with closing(sqlite3.connect(users)) as database, suppress(sqlite3.OperationalError):
        # A start that MLflow broke off leaves the file without its tables.
        return [name for (name,) in database.execute(_WHO_ADMINISTERS)]
    return []


def add(address: str, name: str, password: str) -> None:
    """Make somebody a user of the server at `address`, as the administrator that MLflow's variables
    name.

    :raises SettingsError: if `address` is no server.
    :raises Refused: if the server does not let that be, with its reason.
    :raises StoreUnreachable: if it does not answer.
    """
    if not address.startswith("http"):
        raise SettingsError(
            "No server is named here. Set tracking_uri in nbmlops.toml, or MLFLOW_TRACKING_URI, to "
            "its address (http://…)."
        )
    from mlflow.exceptions import MlflowException, RestException
    from mlflow.server.auth.client import AuthServiceClient

    try:
        AuthServiceClient(address).create_user(name, password)
    except RestException as error:
        # What follows "Error:" is the database's own, with the statement and its values.
        reason = str(error).partition(": ")[2].partition(" Error:")[0]
        raise Refused(f"{name} was not let in at {without_password(address)}. {reason}") from error
    except MlflowException as error:
        if "error code 403" in str(error):  # MLflow says this in plain text, without a code
            raise Refused(
                f"{name} was not let in at {without_password(address)}: its administrator alone "
                "lets people in. Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to "
                "theirs."
            ) from error
        raise StoreUnreachable(
            f"No server answers at {without_password(address)}. Start it, or mend tracking_uri in "
            "nbmlops.toml or MLFLOW_TRACKING_URI."
        ) from error


def compose(flask_app: Any) -> Any:
    """MLflow's app with its users' permissions."""
    from mlflow.server import auth

    return auth.create_app(flask_app)


def authorize() -> Authorization:
    """What MLflow asks for every request: whom the authentication let in."""
    from mlflow.server import auth

    actor = current_actor()
    if actor is None:  # authentication lets nobody pass without a name
        raise PermissionError("A request came past the authentication.")
    if not auth.store.has_user(actor.name):
        # Known to JupyterHub or the proxy: MLflow keeps permissions by its own users, and nobody
        # logs in with a password that nobody knows.
        auth.store.create_user(actor.name, secrets.token_urlsafe(24))
    return Authorization("basic", {"username": actor.name, "password": ""})


def is_admin(name: str) -> bool:
    """Whether somebody administers this MLflow."""
    from mlflow.server import auth

    return bool(auth.store.has_user(name) and auth.store.get_user(name).is_admin)


def let_manage(name: str, user: str) -> None:
    """Give whoever made a registered model what MLflow gives them."""
    from mlflow.server import auth

    auth.store.grant_user_permission(user, "registered_model", name, "MANAGE")


def asking(flask_app: Any) -> Callable[[str, dict[str, str]], bool]:
    """Asks MLflow's own routes, in this process and in the name of whoever acts; was it let?

    MLflow's permissions change with its versions, its routes do not: so it is asked, not copied.
    """

    def answers(path: str, query: dict[str, str]) -> bool:
        with flask_app.test_client() as client:
            return bool(client.get(path, query_string=query).status_code == 200)

    return answers
