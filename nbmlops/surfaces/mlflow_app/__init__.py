"""MLflow's own server with the gate plugged in (``mlflow server --app-name nbmlops``).

``nbmlops server`` starts it. Layer by layer, outermost first: authentication names the sender; what
a foreign page has a browser write ends there; MLflow's permissions decide on experiments and runs;
the registry's store asks the gate; the wrapped artifact repositories keep everybody out of the
vault.
"""

from __future__ import annotations

from typing import Any

__all__ = ["create_app"]


def create_app() -> Any:
    """The ASGI app; a worker calls it.

    :raises SettingsError: if anything is not as it must be: then the server does not start.
    """
    from mlflow.server import app as flask_app
    from mlflow.server import handlers
    from mlflow.server.fastapi_app import create_fastapi_app
    from mlflow.server.security_utils import get_allowed_origins_from_env
    from starlette.routing import Mount

    from nbmlops._version import __version__
    from nbmlops.governance import ArtifactRoots
    from nbmlops.governance.gate.mlflow_guarded_artifacts import (
        guard_artifacts,
        guard_experiments,
        guard_registration,
    )
    from nbmlops.governance.gate.mlflow_team_server import API
    from nbmlops.settings import load_settings
    from nbmlops.surfaces.mlflow_app import boot, mlflow_users
    from nbmlops.surfaces.mlflow_app.authentication import AuthenticationMiddleware
    from nbmlops.surfaces.mlflow_app.closed import close_routers, close_views
    from nbmlops.surfaces.mlflow_app.identity import make_authenticator
    from nbmlops.surfaces.mlflow_app.options import read_options
    from nbmlops.surfaces.mlflow_app.own_pages import OwnPagesMiddleware
    from nbmlops.surfaces.mlflow_app.routes import make_routes
    from nbmlops.surfaces.mlflow_app.sealed_readers import Anybody, SealedReaders
    from nbmlops.surfaces.mlflow_app.uploads import Uploads
    from nbmlops.surfaces.mlflow_app.vault_routes import in_front, vault_routes
    from nbmlops.workspace import Workspace

    options = read_options()
    settings = load_settings()
    boot.require_tested_mlflow()
    boot.require_closed_settings()
    boot.require_gate(handlers._get_model_registry_store())
    roots = ArtifactRoots(
        (options.artifacts, "mlflow-artifacts:/", *options.artifact_roots), settings.bundles
    )
    workspace = Workspace(settings)
    uploads = Uploads(workspace)
    workspace.stores.incoming.sweep()
    registry = handlers._get_model_registry_store()
    plain = options.authentication == "none"
    rule = (
        Anybody()
        if plain
        else SealedReaders(
            workspace,
            mlflow_users.is_admin,
            mlflow_users.asking(flask_app),
            uploads.brought,
            registry,
        )
    )
    guard_artifacts(roots, options.artifacts, settings.bundles, rule.require)
    guard_experiments(handlers._get_tracking_store(), roots)
    guard_registration(registry, rule.require_model)
    close_routers()
    close_views(flask_app)
    app = create_fastapi_app(flask_app) if plain else mlflow_users.compose(flask_app)
    let_manage = None if plain else mlflow_users.let_manage
    app.router.routes.insert(0, Mount(API, make_routes(workspace, uploads, rule, let_manage)))
    app = in_front(app, vault_routes(flask_app, rule, settings.bundles))
    app = OwnPagesMiddleware(app, get_allowed_origins_from_env() or ())
    return AuthenticationMiddleware(
        app, make_authenticator(options), __version__, options.authentication
    )
