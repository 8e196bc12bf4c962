"""``nbmlops server`` and ``nbmlops server init``."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from nbmlops.errors import SettingsError
from nbmlops.governance import VAULT_NAME
from nbmlops.settings import (
    GATED_PREFIX,
    HOME_NAME,
    REVIEW_DATABASE,
    VAULT_URI,
    load_settings,
    without_password,
)
from nbmlops.surfaces.cli.door import console, json_option, print_json
from nbmlops.surfaces.mlflow_app.identity import PROXY_SECRET
from nbmlops.surfaces.mlflow_app.options import ServerOptions

__all__ = ["server"]

_NEW_PASSWORD = "NBMLOPS_NEW_PASSWORD"  # noqa: S105 - the variable's name, not a password
_VAULT = f"mlflow-artifacts:/{VAULT_NAME}"


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=5000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Processes that answer.")
@click.option(
    "--database",
    envvar="NBMLOPS_DATABASE",
    help="postgresql://… of the role app (default: SQLite in .nbmlops). With it, "
    f"{REVIEW_DATABASE} names the URL of the role review.",
)
@click.option(
    "--auth",
    "authentication",
    type=click.Choice(["none", "basic", "jupyterhub", "proxy"]),
    default="none",
    show_default=True,
    help="Who vouches for names: nobody (this machine only), MLflow's users, a hub, a proxy.",
)
@click.option(
    "--default-permission",
    type=click.Choice(["READ", "NO_PERMISSIONS"]),
    default="READ",
    show_default=True,
    help="What MLflow lets people do where nobody gave them a permission.",
)
@click.option("--hub-api", default="", help="JupyterHub's API, such as http://hub:8081/hub/api.")
@click.option("--trusted-proxy", multiple=True, help="An address or network; repeatable.")
@click.option("--artifacts", help="Where runs keep artifacts (default: .nbmlops/mlflow-artifacts).")
@click.option("--artifact-root", multiple=True, help="What else experiments may name; repeatable.")
@click.option("--allowed-hosts", help="Names by which clients reach the server, comma-separated.")
@json_option
@click.pass_context
def server(context: click.Context, /, as_json: bool, **given: Any) -> None:
    """Run MLflow's own server behind the gate, for this project. With --json, only tell how."""
    if context.invoked_subcommand:
        return
    settings = load_settings()
    options = ServerOptions(
        authentication=given["authentication"],
        artifacts=given["artifacts"] or str(settings.artifacts),
        artifact_roots=given["artifact_root"],
        hub_api=given["hub_api"],
        proxies=given["trusted_proxy"],
    )
    _require_sound(given["host"], given["database"], options)
    environment = _environment(settings.root, given["database"], options)
    if given["allowed_hosts"]:
        environment["MLFLOW_SERVER_ALLOWED_HOSTS"] = given["allowed_hosts"]
    if as_json:
        print_json({"address": f"http://{given['host']}:{given['port']}", "options": options})
        return
    os.environ.update(environment)
    settings.home.mkdir(parents=True, exist_ok=True)
    if options.authentication != "none":
        from nbmlops.surfaces.mlflow_app.mlflow_users import configure

        passwords = options.authentication == "basic"
        configure(settings, given["default_permission"], passwords=passwords)
    _tell_of_start(given["host"], given["port"], options, given["database"])
    import uvicorn

    uvicorn.run(
        "nbmlops.surfaces.mlflow_app:create_app",
        factory=True,
        host=given["host"],
        port=given["port"],
        workers=given["workers"],
        # A header that any client can send must not say from where a request comes.
        proxy_headers=False,
        log_level="warning",
    )


@server.command()
@click.option("--database", envvar="NBMLOPS_OWNER_DATABASE", required=True, metavar="URL")
@json_option
def init(database: str, as_json: bool) -> None:
    """Prepare the database at URL, of its owner: tables, roles, triggers. Again after upgrades.

    The passwords of the roles are NBMLOPS_APP_PASSWORD and NBMLOPS_REVIEW_PASSWORD, or new ones,
    which are told once.
    """
    from nbmlops.governance.database.postgresql import ROLES, prepare_database

    given = {role: os.environ.get(f"NBMLOPS_{role.upper()}_PASSWORD", "") for role in ROLES}
    urls = prepare_database(database, given)
    if as_json:
        print_json(urls)
        return
    console.print("The database is ready. Start the server with:")
    click.echo(f"  NBMLOPS_DATABASE='{urls['app']}' \\")
    click.echo(f"  {REVIEW_DATABASE}='{urls['review']}' nbmlops server --auth basic")


@server.command("add-user")
@click.argument("name")
@json_option
def add_user(name: str, as_json: bool) -> None:
    """Let NAME in at the team's server (--auth basic); its administrator asks.

    The server is nbmlops.toml's tracking_uri or MLFLOW_TRACKING_URI, the administrator
    MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD. The new password, of 12 characters or
    more, is asked for, or taken from NBMLOPS_NEW_PASSWORD.
    """
    from nbmlops.surfaces.mlflow_app.mlflow_users import add

    address = load_settings().tracking_uri
    password = os.environ.get(_NEW_PASSWORD) or click.prompt(
        f"Password for {name}", hide_input=True, confirmation_prompt=True, err=True
    )
    add(address, name, password)
    if as_json:
        print_json({"user": name, "server": without_password(address)})
        return
    console.print(
        f"{escape(name)} may come in at {escape(without_password(address))}. There they set "
        f"MLFLOW_TRACKING_USERNAME={escape(name)} and MLFLOW_TRACKING_PASSWORD."
    )


def _tell_of_start(host: str, port: int, options: ServerOptions, database: str | None) -> None:
    kept = "PostgreSQL" if database else f"SQLite in {HOME_NAME}/"
    console.print(
        f"nbmlops server at [bold]http://{host}:{port}[/] on {kept}, names by --auth "
        f"{options.authentication}. Ctrl-C stops it."
    )


def _require_sound(host: str, database: str | None, options: ServerOptions) -> None:
    """:raises SettingsError: if the server would run open, or not as it says."""
    if options.authentication == "none" and not _is_loopback(host):
        raise SettingsError(
            f"Without authentication the server is for this machine only, not for {host}. Add "
            "--auth basic, --auth jupyterhub or --auth proxy."
        )
    if options.authentication == "jupyterhub" and not options.hub_api:
        raise SettingsError("--auth jupyterhub needs --hub-api, the URL of JupyterHub's API.")
    if options.authentication == "proxy" and not (options.proxies and os.environ.get(PROXY_SECRET)):
        raise SettingsError(
            f"--auth proxy needs --trusted-proxy, and the proxy's secret in {PROXY_SECRET}."
        )
    for proxy in options.proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise SettingsError(
                f"--trusted-proxy {proxy} is no address and no network: {error}. Write 10.0.0.7 or "
                "10.0.0.0/24."
            ) from error
    if database and not os.environ.get(REVIEW_DATABASE):
        raise SettingsError(
            f"A database needs the URL of its role review in {REVIEW_DATABASE}; "
            "nbmlops server init tells it."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _environment(root: Path, database: str | None, options: ServerOptions) -> dict[str, str]:
    """What MLflow's server reads, and what the gate does; workers inherit it."""
    uri = (
        database.replace("postgresql://", "postgresql+psycopg://", 1)
        if database
        else f"sqlite:///{root / HOME_NAME / 'mlflow.db'}"
    )
    registry = GATED_PREFIX + uri.replace("+psycopg", "", 1)
    return {
        "NBMLOPS_ROOT": str(root),
        VAULT_URI: _VAULT,
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_REGISTRY_URI": registry,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_WORKSPACES": "false",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": registry,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": options.artifacts,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        **options.to_environment(),
    }
