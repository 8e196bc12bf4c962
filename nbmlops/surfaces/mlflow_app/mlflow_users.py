"""MLflow's own users and permissions, told by us who it is that asks."""

from __future__ import annotations

import os
import secrets
from typing import Any

from werkzeug.datastructures import Authorization

from nbmlops.governance import current_actor
from nbmlops.settings import Settings

__all__ = ["authorize", "compose", "configure"]


def configure(settings: Settings) -> None:
    """Write the file that MLflow's auth app reads, and name it; it holds no secret."""
    os.environ.setdefault("MLFLOW_FLASK_SERVER_SECRET_KEY", secrets.token_hex(32))
    path = settings.home / "auth.ini"
    settings.home.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "[mlflow]\n"
        "default_permission = READ\n"
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
