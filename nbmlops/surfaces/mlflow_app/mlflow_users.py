"""MLflow's own users and permissions, told by us who it is that asks."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Any

from werkzeug.datastructures import Authorization

from nbmlops.governance import current_actor
from nbmlops.settings import Settings

__all__ = ["asking", "authorize", "compose", "configure", "is_admin", "let_manage"]


def configure(settings: Settings, default_permission: str) -> None:
    """Write the file that MLflow's auth app reads, and name it; it holds no secret."""
    os.environ.setdefault("MLFLOW_FLASK_SERVER_SECRET_KEY", secrets.token_hex(32))
    path = settings.home / "auth.ini"
    settings.home.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "[mlflow]\n"
        f"default_permission = {default_permission}\n"
        f"database_uri = sqlite:///{settings.home / 'users.db'}\n"
        f"admin_username = {os.environ.get('MLFLOW_AUTH_ADMIN_USERNAME', 'admin')}\n"
        f"authorization_function = {authorize.__module__}:{authorize.__name__}\n",
        encoding="utf-8",
    )
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(path)


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
